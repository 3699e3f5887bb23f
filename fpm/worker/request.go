// Counterpart: sapi/fpm/fpm/fpm_main.c (main, init_request_info), fpm_request.c

package worker

import (
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// answer takes the next request of the connection in hand through PHP, and reports whether the connection may carry
// another.
func (k *worker) answer() (keep bool) {
	if err := k.conn.ReadRequest(&k.request); err != nil {
		if err != io.EOF && !(errors.Is(err, errSilent) && !k.io.began) {
			k.complain(err)
		}
		return false
	}
	k.prepare()
	k.inHand, k.said, k.finished, k.unread = true, false, false, false
	if err := k.php.RequestStartup(&k.forPHP); err != nil {
		k.broken, k.leaving = true, true
		k.inHand = false
		return false
	}
	k.authorize()
	if k.forPHP.Method != nil && !k.answerSpecially() {
		k.execute()
	}
	k.end()
	if k.php.RequestShutdown() {
		k.leaving = true // the request changed what cannot be taken back
	}
	k.inHand = false
	k.endOutput()
	k.requests++
	if k.pool.MaxRequests > 0 && k.requests >= k.pool.MaxRequests {
		k.leaving = true
	}
	keep = k.finish()
	k.slot.Finished()
	return keep
}

// readingHeaders notes that a request begins.
func (k *worker) readingHeaders() {
	k.slot.ReadingHeaders()
}

// prepare works out what PHP must know of the request.
func (k *worker) prepare() {
	p := &k.request.Params
	path := k.rules.Resolve(p)
	r := &k.forPHP
	r.IsHTTP = path.Filename != nil || p.Get("SCRIPT_FILENAME") != nil || p.Get("PATH_TRANSLATED") != nil || path.NotFound
	r.Path = path
	r.Method = p.Get("REQUEST_METHOD")
	r.QueryString, r.ContentType, r.Authorization, r.ContentLength = nil, nil, nil, 0
	if r.IsHTTP {
		r.QueryString = p.Get("QUERY_STRING")
		r.ContentType = p.Get("CONTENT_TYPE")
		if r.ContentType == nil {
			r.ContentType = []byte{}
		}
		r.Authorization = p.Get("HTTP_AUTHORIZATION")
		r.ContentLength = number(p.Get("CONTENT_LENGTH"))
	}
	r.Cookie = p.Get("HTTP_COOKIE")
	r.PHPValue, r.PHPAdminValue = p.Get("PHP_VALUE"), p.Get("PHP_ADMIN_VALUE")
	r.Params, r.Pairs = p.Bytes(), pairs(p)
	k.info.Method, k.info.URI, k.info.Query, k.info.Script = r.Method, path.URI, r.QueryString, path.Filename
	k.info.User = nil
	k.info.ContentLength = uint64(r.ContentLength)
	k.slot.Info(&k.info)
}

// authorize adds the user to what the scoreboard knows: PHP has taken it from the Authorization header.
func (k *worker) authorize() {
	if k.forPHP.Authorization == nil {
		return
	}
	if k.info.User = k.php.AuthUser(); k.info.User != nil {
		k.slot.Info(&k.info)
	}
}

// execute runs the request's script, or says why not.
func (k *worker) execute() {
	script := k.forPHP.Path.Filename
	if script == nil {
		k.log.Log(zlog.Debug, "Primary script unknown")
		k.php.Answer(404, fileNotFound)
		return
	}
	if !k.mayRun(script) {
		k.log.Logf(zlog.Notice, "Access to the script '%s' has been denied (see security.limit_extensions)", script)
		k.php.Answer(403, accessDenied)
		return
	}
	if err := k.php.OpenScript(); err != nil {
		k.log.Logf(zlog.Error, "Unable to open primary script: %s (%s)", script, words(err))
		if err == syscall.EACCES {
			k.php.Answer(403, accessDenied)
		} else {
			k.php.Answer(404, noInputFile)
		}
		return
	}
	k.slot.Executing()
	k.php.Execute()
}

// words are C's words for a system error.
func words(err error) string {
	text, _, _ := strings.Cut(zlog.Strerror(err), " (")
	return text
}

// What php-fpm answers in place of a script.
var (
	fileNotFound = []byte("File not found.\n")
	accessDenied = []byte("Access denied.\n")
	noInputFile  = []byte("No input file specified.\n")
)

// mayRun is security.limit_extensions.
func (k *worker) mayRun(script []byte) bool {
	if k.pool.LimitExtensions == nil {
		return true
	}
	for _, extension := range k.pool.LimitExtensions {
		if len(script) > len(extension) && string(script[len(script)-len(extension):]) == extension {
			return true
		}
	}
	return false
}

// end notes what the request took.
func (k *worker) end() {
	end := k.php.RequestEnd()
	user, system := k.cpu.sinceLast()
	k.slot.End(user, system, end.Memory)
	k.logAccess(&end, user, system)
}

// finish sends the rest of the response and reads the rest of the request.
func (k *worker) finish() (keep bool) {
	if k.io.fd < 0 { // fastcgi_finish_request() closed it
		return false
	}
	if !k.conn.Response().Ended() {
		k.conn.Response().End(0, fastcgi.RequestComplete)
	}
	k.drain()
	keep, err := k.conn.Finish()
	if err != nil && !isGone(err) {
		k.complain(err)
	}
	return keep
}

// drain reads the rest of the request's input: what is unread when a connection is closed may cost the client its
// response, and on a kept one it would be taken for the next request.
func (k *worker) drain() {
	if !k.request.KeepConn {
		k.io.timeout = lingerTimeout
	}
	err := k.conn.Drain()
	k.unread = err != nil
	if err != nil && !isGone(err) && k.request.KeepConn {
		k.complain(err)
	}
}

// isGone says that the client left, which is nothing to complain about.
func isGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, fastcgi.ErrClosed) || errors.Is(err, io.EOF)
}
