// Counterpart: sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c (sapi_cgi_read_post, sapi_fcgi_ub_write)

package responder

import (
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// The values of Responder.Sent. SentAll is for a response that the script has ended by fastcgi_finish_request() while it continues.
// That is so for a request by HTTP, too.
const (
	SentNothing = iota
	SentPart
	SentAll
)

// FrontEnd is what a Responder tells its front end, and asks it.
type FrontEnd interface {
	// Receiving is told, with true, that a read begins which may bring the first byte of a request, and with false that it
	// brought none. The client decides how long it takes: descriptors that come with the bytes are closed in it.
	Receiving(bool)
	// Reading is told that the first byte of a request has come, or that a new connection has ended without one.
	Reading()
	// Leaves reports whether the process may answer no other request after the present one.
	Leaves() bool
	// ConnectionFailed is told why a connection is of no more use, unless the client may end it so.
	ConnectionFailed(err error)
	// Message, Log, Report and Status are those of lifecycle.FastCGIClient.
	Message(text string)
	Log(level int, text string)
	Report(level int, text string)
	Status(lifecycle.Array) bool
}

// Responder answers requests, one at a time.
type Responder struct {
	PHP     *lifecycle.Web
	Request fastcgi.Request      // the request that is being answered,
	ForPHP  lifecycle.WebRequest // and what PHP is told of it
	HandsOn bool                 // Unread may be called
	// Sent points to how much of its response the client of a FastCGI request has: the responder writes SentPart or SentAll
	// there, and the front end writes SentNothing when a request begins.
	Sent *uint64
	// Begins is called when Sent is no longer SentNothing, before or just after the first byte of a response is sent; nil: nobody asks.
	Begins func()

	frontEnd FrontEnd
	original []fastcgi.Pair // the request's params as they came, with HandsOn
	engine   *lifecycle.Engine
	rules    sapi.PathRules
	carrier  Carrier    // carries the present request; nil: the present connection does
	io       connection // the present connection
	conn     *fastcgi.Conn
	inHand   bool   // see HasRequest
	finished bool   // its response has been ended by fastcgi_finish_request()
	unread   bool   // not all of it was read
	woken    bool   // the wait for it was ended by what WakeBy named
	idle     bool   // see Idle
	closing  uint32 // not 0: its connection is to be closed after it, with this status

	// Memory, in one piece with the rest, for what the above points to.
	own struct {
		php    lifecycle.Web
		conn   fastcgi.Conn
		sent   uint64
		stat   func([]byte) (exists, regular bool)
		files  statter
		buffer [readBuffer]byte
	}
}

// Begin makes a connection the present one. Its requests are answered one after the other, from Read to Finish, for as long as More
// returns true; Idle tells what became of the connection. For its first request Read waits no longer than timeout. ahead
// is what another process has read of it already, as Unread returned it; nil: nothing.
func (r *Responder) Begin(fd int, timeout time.Duration, ahead []byte) {
	r.io.begin(fd, timeout)
	r.io.ahead, r.io.sent, r.io.begins = ahead, r.Sent, r.Begins
	r.conn.Reset(&r.io)
	r.woken = false
}

// Read reads the next request and works out what PHP must know of it. false: there is none, and the connection is to
// be closed.
func (r *Responder) Read() bool {
	if err := r.conn.ReadRequest(&r.Request); err != nil {
		if r.woken = errors.Is(err, errWoken); r.woken {
			return false
		}
		if err != io.EOF && !(errors.Is(err, errSilent) && !r.io.began) {
			r.complain(err)
		}
		return false
	}
	if r.Request.Interim && r.takenBack() {
		return false
	}
	r.prepare()
	return true
}

// takenBack reports whether the client has taken back the request, which nobody had read. It tells the client of the read first, if that
// wants to know: whichever of the two is later knows what the other has done.
func (r *Responder) takenBack() bool {
	if r.Request.TellRead {
		r.io.tellRead()
	}
	return r.io.hasEnd()
}

// Resolve takes the place of Read for a request whose params a Carrier has put into Request: it works out what PHP must know of it.
func (r *Responder) Resolve() { r.prepare() }

// prepare works out what PHP must know of the request.
func (r *Responder) prepare() {
	p := &r.Request.Params
	if r.HandsOn {
		r.original = append(r.original[:0], p.Pairs()...)
	}
	path := r.rules.Resolve(p)
	to := &r.ForPHP
	to.IsHTTP = path.Filename != nil || p.Get("SCRIPT_FILENAME") != nil || p.Get("PATH_TRANSLATED") != nil || path.NotFound
	to.Path, to.Protocol, to.Interim = path, 1000, r.Request.Interim
	to.Method = p.Get("REQUEST_METHOD")
	to.QueryString, to.ContentType, to.Authorization, to.ContentLength = nil, nil, nil, 0
	if to.IsHTTP {
		to.QueryString = p.Get("QUERY_STRING")
		to.ContentType = p.Get("CONTENT_TYPE")
		if to.ContentType == nil {
			to.ContentType = []byte{}
		}
		to.Authorization = p.Get("HTTP_AUTHORIZATION")
		to.ContentLength = number(p.Get("CONTENT_LENGTH"))
	}
	to.Cookie = p.Get("HTTP_COOKIE")
	to.PHPValue, to.PHPAdminValue = nil, nil
	r.ShowParams()
}

// ShowParams has PHP get the params as they are now. It is to be called after they were changed.
func (r *Responder) ShowParams() {
	p := &r.Request.Params
	r.ForPHP.Params, r.ForPHP.Pairs = p.Bytes(), pairs(p)
}

// Due says from which moment on the request that was read takes too long. It does nothing without AnswerOverdue, or if the client is a
// front: that answers such a request itself.
func (r *Responder) Due(at int64) {
	if r.io.overdue != nil && !r.Request.Interim && r.Request.Role == fastcgi.RoleResponder && r.io.fd >= 0 {
		r.io.overdue.Begin(r.io.fd, r.Request.ID, at)
	}
}

// Take begins the request that was read for a worker script, which PHP starts itself; Release ends it, when PHP has.
func (r *Responder) Take() { r.inHand, r.finished, r.unread, r.closing = true, false, false, 0 }

// Release ends what Take began.
func (r *Responder) Release() { r.inHand = false }

// Startup starts the request that was read. The error is lifecycle.ErrRequestStartup: PHP is of no more use.
func (r *Responder) Startup() error {
	r.Take()
	return r.started(r.PHP.RequestStartup(&r.ForPHP))
}

// Run is Startup, then the script is opened and executed, with nothing between the three. An error other than Startup's says why the
// script was not opened; it has not run then.
func (r *Responder) Run() error {
	r.Take()
	return r.started(r.PHP.Run(&r.ForPHP))
}

// started returns err. If err is ErrRequestStartup, PHP has not started the request, and the responder has none.
func (r *Responder) started(err error) error {
	if err == lifecycle.ErrRequestStartup {
		r.inHand = false
	}
	return err
}

// ReadBody fills p with the request's body, as far as there is any.
func (r *Responder) ReadBody(p []byte) int {
	if r.carrier != nil {
		return r.carrier.ReadBody(p)
	}
	done := 0
	for done < len(p) && r.io.fd >= 0 {
		n, err := r.conn.ReadBody(p[done:])
		done += n
		if err != nil {
			if err != io.EOF && !errors.Is(err, fastcgi.ErrAborted) {
				if !isGone(err) {
					r.complain(err)
				}
				r.conn.CloseAfter()
			}
			break
		}
	}
	return done
}

// Room, Commit, Write and Flush are PHP's output.

func (r *Responder) Room() ([]byte, error) {
	if r.carrier != nil {
		return r.carrier.Room()
	}
	return r.conn.Response().Room()
}

func (r *Responder) Commit(n int) {
	if r.carrier != nil {
		r.carrier.Commit(n)
		return
	}
	r.conn.Response().Commit(n)
}

func (r *Responder) Write(p []byte) error {
	if r.carrier != nil {
		return r.carrier.Write(p)
	}
	_, err := r.conn.Response().Write(p)
	return err
}

func (r *Responder) Flush() error {
	if r.carrier != nil {
		return r.carrier.Flush()
	}
	return r.conn.Response().Flush()
}

// Shutdown ends the request in PHP. last says that this process must not serve another.
func (r *Responder) Shutdown() (last bool) {
	last = r.PHP.RequestShutdown()
	r.inHand = false
	return last
}

// MayCloseAfter reports whether CloseAfter would do anything.
func (r *Responder) MayCloseAfter() bool {
	return r.Request.KeepConn && r.Request.Interim && r.io.fd >= 0 && !r.conn.Response().Ended()
}

// CloseAfter has Finish close the present connection, though the client asked to keep it. The client is told with the response's
// end, by fastcgi.Closing, and so cannot lose a request by it. workers is how many there are, if more connections are the
// reason; 0: another is. It is to be called only if MayCloseAfter has returned true.
func (r *Responder) CloseAfter(workers int) { r.closing = fastcgi.Closing + uint32(workers) }

// Finish sends the rest of the response and reads the rest of the request. keep says that the connection may carry
// another.
func (r *Responder) Finish() (keep bool) {
	if r.io.fd < 0 { // fastcgi_finish_request() closed it
		return false
	}
	r.finishReading()
	if r.closing != 0 {
		r.conn.CloseAfter()
		r.conn.Response().End(r.closing, fastcgi.RequestComplete)
	} else if !r.conn.Response().Ended() {
		r.conn.Response().End(0, fastcgi.RequestComplete)
	}
	r.drain()
	keep, err := r.conn.Finish()
	if err != nil && !isGone(err) {
		r.complain(err)
	}
	return keep
}

// finishReading reads the rest of the request before its end is sent, where the process may leave: what is read after
// that may be the beginning of the next request already, which only this process could answer then. As a rule all is there.
func (r *Responder) finishReading() {
	if !r.Request.KeepConn || r.closing != 0 || r.conn.Response().Ended() || r.conn.Buffered() > 0 ||
		r.conn.Stage() >= fastcgi.StageDone || !r.frontEnd.Leaves() {
		return
	}
	r.conn.Response().Flush()
	timeout := r.io.timeout
	r.io.timeout = lingerTimeout
	if err := r.conn.Drain(); err != nil {
		r.conn.CloseAfter()
	}
	r.io.timeout = timeout
}

// drain reads the rest of the request's input: what is unread when a connection is closed may cost the client its
// response, and on a kept one it would be taken for the next request.
func (r *Responder) drain() {
	if !r.Request.KeepConn {
		r.io.timeout = lingerTimeout
	}
	err := r.conn.Drain()
	r.unread = err != nil
	if err != nil && !isGone(err) && r.Request.KeepConn {
		r.complain(err)
	}
}

// More is to be called after an answer, and after a Read that returned false, with whether the connection may carry another
// request. It reports whether another has begun to come. Otherwise Idle says what became of the connection.
func (r *Responder) More(keep bool) bool {
	r.idle = false
	switch {
	case r.io.fd < 0:
		return false
	case r.woken:
	case !keep:
		r.io.close(r.unread || r.conn.Buffered() > 0)
		return false
	case r.conn.Buffered() > 0:
		r.woken = false
		r.io.began = false
		r.frontEnd.Reading()
		r.io.began = true
		return true
	}
	r.io.take(-1)
	r.idle = true
	return false
}

// Idle reports, after More has returned false, whether the connection is open and waits for its next request: then it is the
// caller's again. Otherwise it has been closed.
func (r *Responder) Idle() bool { return r.idle }

// Unread lets go of the current connection, whose request has been read and not answered. It appends to dst what another process
// must be told to continue where this one stopped. The connection's descriptor is the caller's from then on.
func (r *Responder) Unread(dst []byte) []byte {
	r.io.take(-1)
	return r.conn.AppendUnread(dst, r.original)
}

// complain tells the front end, with what was being read, why the connection is of no more use.
func (r *Responder) complain(err error) {
	if errors.Is(err, errSilent) {
		err = &silentError{r.conn.Stage()}
	}
	r.frontEnd.ConnectionFailed(err)
}

// isGone reports whether the error is that the client has left, as it may.
func isGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, fastcgi.ErrClosed) || errors.Is(err, io.EOF)
}
