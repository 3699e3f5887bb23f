// Counterpart: sapi/fpm/fpm/fpm_main.c (main), fpm_request.c

package worker

import (
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// answer takes the next request of the present connection through PHP, and reports whether the connection may carry
// another.
func (k *worker) answer() (keep bool) {
	if k.spec.Apache {
		return k.answerApache()
	}
	if !k.read() {
		return false
	}
	if k.script != nil && !k.script.isMine() {
		k.handOn()
		return false
	}
	k.responder.ForPHP.PHPValue, k.responder.ForPHP.PHPAdminValue = k.responder.Request.Params.Get("PHP_VALUE"), k.responder.Request.Params.Get("PHP_ADMIN_VALUE")
	k.dropClientValues()
	k.note()
	k.said = false
	if !k.perform() {
		k.broken, k.leaving = true, true // as php-fpm's worker ends
	}
	k.end()
	if k.responder.Shutdown() || k.responder.PHP.Stale() {
		k.leaving = true // the request changed what cannot be taken back
	}
	if k.pool.MaxRequests > 0 && k.requests+1 >= k.pool.MaxRequests {
		k.leaving = true
	}
	return k.finish()
}

// perform takes the request through PHP, from its startup to the end of its script. It returns false if PHP is of no more use.
func (k *worker) perform() bool {
	if k.isPlain() {
		k.executing()
		err := k.responder.Run()
		if err != nil && err != lifecycle.ErrRequestStartup {
			k.answerUnopened(err)
			return true
		}
		return err == nil
	}
	if k.responder.Startup() != nil {
		return false
	}
	k.authorize()
	if k.responder.ForPHP.Method != nil && !k.answerSpecially() {
		k.execute()
	}
	return true
}

// isPlain reports whether the worker has nothing to do between the steps of the request: one call of C takes all of them. While PHP
// reads a body, the script is not running yet.
func (k *worker) isPlain() bool {
	r := &k.responder.ForPHP
	return r.Method != nil && r.Authorization == nil && r.ContentLength == 0 && r.Path.Filename != nil && k.script == nil &&
		!k.isPing() && !k.isStatus() && k.mayRun(r.Path.Filename) && !k.checksOwners()
}

// read reads the next request of the present connection. false: there is none.
func (k *worker) read() bool {
	if k.talk.http {
		return k.readHTTP()
	}
	return k.responder.Read()
}

// finish ends a request whose output has been committed, and reports whether the connection may carry another.
func (k *worker) finish() (keep bool) {
	k.endOutput()
	k.requests++
	if k.talk.http {
		keep = k.web.End()
	} else {
		keep = k.finishFastCGI()
	}
	k.slot.Finished()
	if k.slot.MayLook() && !k.broken {
		k.slot.Look(lifecycle.LookAtCaches)
	}
	return keep
}

// finishFastCGI is finish for a connection of FastCGI.
func (k *worker) finishFastCGI() (keep bool) {
	if k.responder.MayCloseAfter() {
		if k.leaving {
			k.responder.CloseAfter(0)
		} else if k.crowded() {
			k.responder.CloseAfter(k.workers())
		}
	}
	return k.responder.Finish()
}

// note tells the scoreboard of the request.
func (k *worker) note() {
	r := &k.responder.ForPHP
	k.info.Method, k.info.URI, k.info.Query, k.info.Script = r.Method, r.Path.URI, r.QueryString, r.Path.Filename
	k.info.ID = k.responder.Request.Params.Get(requestID)
	if k.tracing.on {
		k.follow()
	}
	if len(k.info.ID) == 0 && k.spec.Global.LogJSON {
		k.identify()
	}
	k.info.Host, k.info.Target = k.responder.Request.Params.Get("HTTP_HOST"), k.responder.Request.Params.Get("REQUEST_URI")
	k.info.Client = k.responder.Request.Params.Get("REMOTE_ADDR")
	k.info.User = nil
	k.info.Long = k.php.AtLeast(8, 5)
	k.info.ContentLength = uint64(r.ContentLength)
	k.info.Since, k.info.Site = 0, int(k.responder.Request.Site)
	if !k.talk.http {
		k.info.Since = waitsSince(k.responder.Request.Since, k.slot.Accepted())
	}
	*k.responder.Sent = responder.SentNothing
	k.slot.Info(&k.info)
	r.Accepted = k.slot.Accepted()
	if limit := k.pool.RequestTerminateTimeout; limit > 0 && !k.talk.http {
		k.responder.Due(r.Accepted + int64(limit))
	}
	lifecycle.Idled(k.slot.Idle())
}

// waitsSince returns when a request began to wait that was accepted then, in ns of CLOCK_MONOTONIC, of what fastcgi.BeginRequest tells; 0: not known.
func waitsSince(since uint32, accepted int64) int64 {
	if since == 0 {
		return 0
	}
	now := accepted / 1e6
	return (now - int64(int32(uint32(now)-since))) * 1e6
}

// requestID is the param with the request's id.
const requestID = "HTTP_X_REQUEST_ID"

// identify gives a request an id that has none, so that all lines of logs name it, and the script can.
func (k *worker) identify() {
	k.id = site.AppendRequestID(k.id[:0])
	k.responder.Request.Params.Set(requestID, k.id)
	k.responder.ShowParams()
	k.info.ID = k.id
}

// authorize adds the user to what the scoreboard knows: PHP has taken it from the Authorization header.
func (k *worker) authorize() {
	if k.responder.ForPHP.Authorization == nil {
		return
	}
	if k.info.User = k.responder.PHP.AuthUser(); k.info.User != nil {
		k.slot.Info(&k.info)
	}
}

// execute runs the request's script, or says why not.
func (k *worker) execute() {
	script := k.responder.ForPHP.Path.Filename
	if k.script != nil {
		k.answerUnbooted()
		return
	}
	if script == nil {
		k.log.Log(zlog.Debug, "Primary script unknown")
		k.responder.PHP.Answer(404, fileNotFound)
		return
	}
	if !k.mayRun(script) {
		k.log.Logf(zlog.Notice, "Access to the script '%s' has been denied (see security.limit_extensions)", script)
		k.responder.PHP.Answer(403, accessDenied)
		return
	}
	if !k.mayOpen(script) {
		k.answerUnowned(script)
		return
	}
	if err := k.responder.PHP.OpenScript(); err != nil {
		k.answerUnopened(err)
		return
	}
	if !k.mayRunOpened() {
		k.answerUnowned(script)
		return
	}
	k.executing()
	k.responder.PHP.Execute()
}

// answerUnowned says that a script is one that others have put there.
func (k *worker) answerUnowned(script []byte) {
	k.log.Logf(zlog.Notice, "Access to the script '%s' has been denied (see script_owners)", script)
	k.responder.PHP.Answer(403, accessDenied)
}

// answerUnopened says why the script was not opened.
func (k *worker) answerUnopened(err error) {
	k.log.Logf(zlog.Error, "Unable to open primary script: %s (%s)", k.responder.ForPHP.Path.Filename, words(err))
	switch err {
	case syscall.EACCES:
		k.responder.PHP.Answer(403, accessDenied)
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM: // php-fpm says 404, as if the script were not there
		k.responder.PHP.Header("Retry-After: 1")
		k.responder.PHP.Answer(503, notNow)
	default:
		k.responder.PHP.Answer(404, noInputFile)
	}
}

// notNow is the answer if the system lacks what a script needs to be opened.
var notNow = []byte("The script could not be opened; the error log says why.\n")

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
	k.executed()
	end := k.responder.PHP.RequestEnd()
	k.tellSpan(&end, k.account(&end), k.responder.Request.Params.Get)
}

// account tells the scoreboard and the access log what the request took, and returns its processor time.
func (k *worker) account(end *lifecycle.WebEnd) time.Duration {
	took := k.slot.Elapsed()
	user, system := k.cpu.of(took)
	k.slot.End(took, user, system, end.Memory)
	k.slot.Count(end.Status)
	k.logAccess(end, user, system)
	return user + system
}
