// Counterpart: main/fastcgi.c (fcgi_accept_request), sapi/fpm/fpm/fpm_main.c (main), fpm_request.c

package worker

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// ---- connections ----

// serve answers requests until the worker is to go.
func (k *worker) serve() {
	for !k.leaving && k.wait() {
		if k.alone && k.talk.goes {
			k.endSolitude()
		}
		for k.talk.goes {
			k.endTalk(k.answer())
		}
	}
}

// wait waits for something to do and does it, until there is a connection to talk on or the worker is to go. It returns false if
// something is wrong with the process.
func (k *worker) wait() bool {
	for !k.leaving && !k.talk.goes {
		k.slot.Keeps(k.kept >= 0)
		k.slot.Accepting()
		if !k.next() {
			return false
		}
	}
	return true
}

// next waits for something to do and begins it. A new connection comes first: of all workers the kernel has woken this
// one for it, and while another request runs nobody else would come. If this worker is to yield, it hands the connection over.
// Then comes the master; then the kept connection, which is the master's by now if there was a new one. The master comes before a
// new connection by turns, if it asks for a worker, for samples or for the caches: a connection that was parked, or an operator, would else wait for as long as
// new ones come. It has the first turn, as a worker may have one request only. next returns false if something is wrong with the process.
func (k *worker) next() bool {
	var events [8]unix.EpollEvent
	n, err := unix.EpollWait(k.epoll, events[:], k.web.patience())
	if err == unix.EINTR {
		return true
	}
	if n == 0 && err == nil {
		k.expire()
		return true
	}
	if err != nil {
		k.failed(err, "epoll_wait")
		return false
	}
	ready := func(fd int) bool {
		for i := range n {
			if int(events[i].Fd) == fd {
				return true
			}
		}
		return false
	}
	asked := ready(k.control.fd) && !k.heardLast && k.control.isTold(contract.WhenIdle, contract.Profile, contract.Caches)
	k.heardLast = asked
	if asked {
		k.hear()
	}
	switch {
	case k.talk.goes, k.leaving, !ready(k.listen):
	case ready(k.control.fd) && k.control.isTold(contract.Yield):
		k.hear()
		k.handOver()
	default:
		if k.kept >= 0 {
			k.pressed++
		}
		k.accept()
	}
	if k.web != nil && !k.web.left && !k.leaving && !k.talk.goes {
		k.acceptHTTP(ready)
	}
	switch {
	case k.leaving, k.talk.goes:
	case ready(k.quit):
		k.leaving = true
	case ready(k.control.fd) && !asked:
		k.hear()
	case k.keptHTTP && ready(k.kept):
		k.resumeHTTP()
	case k.kept >= 0 && ready(k.kept):
		if !ready(k.listen) {
			k.pressed = 0
		}
		t := talk{fd: k.kept, peer: k.keptPeer, watched: true}
		k.kept = -1
		k.converse(t, responder.NextByteTimeout, nil)
	}
	return true
}

// accept takes a new connection, if no other worker was faster.
func (k *worker) accept() {
	if k.handed != nil {
		k.takeHanded()
		return
	}
	fd, p, err := responder.Accept(k.listen)
	switch err {
	case nil:
	case unix.EAGAIN, unix.EINTR, unix.ECONNABORTED:
		return
	default:
		// Descriptors or memory ran out, which may be this process's own doing: another takes its place, as in php-fpm,
		// but not at once.
		k.failed(err, "accept")
		k.leaving = true
		responder.Pause(100 * time.Millisecond)
		return
	}
	if !k.admits(fd, p) {
		unix.Close(fd)
		return
	}
	k.slot.CountConnection()
	k.converse(talk{fd: fd, peer: p}, responder.FirstByteTimeout, nil)
}

// admits reports whether a client is allowed to connect. If not it says so.
func (k *worker) admits(fd int, p responder.Peer) bool {
	if !k.allowed.Admits(p) {
		k.log.Logf(zlog.Error, "Connection disallowed: IP address '%s' has been dropped.", p)
		return false
	}
	who, may := k.admitsPeer(fd)
	if !may {
		k.log.Logf(zlog.Error, "Connection disallowed: %s has been dropped (see listen.allowed_users).", who)
	}
	return may
}

// converse makes a connection the present one. ahead is what another worker has read of it; nil: nothing.
func (k *worker) converse(t talk, timeout time.Duration, ahead []byte) {
	k.park()
	k.responder.CarryBy(nil)
	k.talk = t
	k.talk.goes = true
	k.remote = t.peer.Append(k.remote)
	k.responder.Begin(t.fd, timeout, ahead)
}

// endTalk is to be called after an answer, or if there was no request, with whether the connection may carry another. If none
// comes without a wait, the connection is no longer the present one.
func (k *worker) endTalk(keep bool) {
	if k.talk.http {
		k.endHTTP()
		return
	}
	if k.responder.More(keep) {
		return
	}
	t := k.talk
	k.talk = talk{}
	if !k.responder.Idle() {
		return
	}
	k.kept, k.keptPeer = t.fd, t.peer
	switch {
	case k.handed != nil: // its next request is for the process that accepted it
		k.park()
	case !t.watched:
		k.keep()
	}
}

// ---- requests ----

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

// read reads the next request of the present connection. false: there is none.
func (k *worker) read() bool {
	if k.talk.http {
		return k.readHTTP()
	}
	return k.responder.Read()
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
