// Counterpart: main/fastcgi.c (fcgi_accept_request)

package worker

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// work does the worker's work until it is to go, and returns the process's exit status.
func (k *worker) work() int {
	if err := k.watch(); err != nil {
		k.failed(err, "epoll")
		return exitSoftware
	}
	k.withhold()
	if k.traces >= 0 {
		k.endSolitude()
		go k.serveTraces(k.traces)
	}
	k.watchRequests()
	if k.script != nil {
		k.endSolitude()
		k.runScript()
	} else {
		k.control.send(contract.Ready, -1)
		k.serve()
	}
	k.park()
	k.endProfile()
	if k.web != nil {
		k.web.WriteLines()
	}
	if k.broken {
		return exitSoftware
	}
	return exitOK
}

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

// endSolitude makes the threads that Go's runtime needs to collect garbage and to run other goroutines. A worker that has answered nothing
// needs none.
func (k *worker) endSolitude() {
	k.alone = false
	k.process.MakeThreads()
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

// withhold keeps the worker's own descriptors from the processes that scripts fork. Standard output and error are theirs
// too.
func (k *worker) withhold() {
	own := append([]int{k.listen, k.control.fd, k.traces, k.epoll, k.quit, k.access.fd, k.tracing.spans, k.script.others(), k.crashFD(), k.statm}, k.web.own()...)
	if k.inForks == nil {
		k.inForks = lifecycle.GivenUpInForks(len(own))
	}
	for i, fd := range own {
		k.inForks[i] = int32(fd)
	}
}

func (k *worker) crashFD() int {
	if k.crash == nil {
		return -1
	}
	return int(k.crash.Fd())
}

// watch makes the epoll instance. Of the workers that wait on the listening socket the kernel wakes one.
func (k *worker) watch() (err error) {
	if k.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if k.web != nil {
		k.web.Epoll = k.epoll
	}
	for _, fd := range [...]int{k.control.fd, k.quit} {
		if err := k.add(fd, unix.EPOLLIN); err != nil {
			return err
		}
	}
	for _, fd := range k.sources() {
		if err := k.add(fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE); err != nil {
			return err
		}
	}
	return nil
}

// sources are the sockets that new connections come from: the pool's, and if the worker speaks HTTP those of the front.
func (k *worker) sources() []int {
	if k.from == nil {
		k.from = append([]int{k.listen}, k.web.sources()...)
	}
	return k.from
}

func (k *worker) add(fd int, events uint32) error {
	return unix.EpollCtl(k.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
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

// handOver hands a new connection to the master, as park does with a kept one.
func (k *worker) handOver() {
	fd, p, err := responder.Accept(k.listen)
	switch {
	case err != nil: // another worker was faster, or it waits for one
	case !k.admits(fd, p):
		unix.Close(fd)
	default:
		k.slot.CountConnection()
		k.control.send(contract.Park, fd)
		unix.Close(fd)
	}
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

// keep watches the kept connection. Of the workers that wait for a new connection the kernel wakes the one that has
// waited longest, counted from when it began to watch the socket: this one takes its place behind those that keep
// none, as it would have to park its own.
func (k *worker) keep() {
	if err := k.add(k.kept, unix.EPOLLIN|unix.EPOLLRDHUP); err != nil {
		unix.Close(k.kept)
		k.kept = -1
		return
	}
	k.standBehind()
}

// standBehind takes the worker's place behind those that wait for a new connection already.
func (k *worker) standBehind() {
	for _, fd := range k.sources() {
		unix.EpollCtl(k.epoll, unix.EPOLL_CTL_DEL, fd, nil)
		if err := k.add(fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE); err != nil {
			k.failed(err, "epoll_ctl")
			k.broken, k.leaving = true, true
		}
	}
}

// patience is how often in a row a new connection may push out the kept one before this one is let go.
const patience = 2

// crowded reports whether the present connection had better be closed after its request. While there are more connections than
// workers, a kept one is parked whenever a new one comes, and the way by the master costs more than a new connection; nor
// would the workers look as busy as they are, and the pool not grow. That one new connection waits says nothing: as a rule
// another worker is about to take it.
func (k *worker) crowded() bool {
	if k.talk.brought {
		return true
	}
	if k.pressed < patience {
		return false
	}
	waiting := [1]unix.PollFd{{Fd: int32(k.listen), Events: unix.POLLIN}}
	if n, err := unix.Poll(waiting[:], 0); n > 0 && err == nil {
		return true
	}
	k.pressed = 0
	return false
}

// Leaves reports whether the present request is the last, or the master has something to say, which may be that.
func (k *worker) Leaves() bool {
	if k.leaving {
		return true
	}
	told := [...]unix.PollFd{{Fd: int32(k.control.fd), Events: unix.POLLIN}, {Fd: int32(k.quit), Events: unix.POLLIN}}
	n, err := unix.Poll(told[:], 0)
	return n > 0 && err == nil
}

// workers is how many the pool has.
func (k *worker) workers() (n int) {
	for i := range k.slot.Slots() {
		if k.slot.Used(i) {
			n++
		}
	}
	return n
}

// park hands the kept connection to the master: it would wait while this worker is busy, or gone.
func (k *worker) park() {
	if k.kept < 0 {
		return
	}
	if k.keptHTTP {
		k.parkHTTP()
		return
	}
	unix.EpollCtl(k.epoll, unix.EPOLL_CTL_DEL, k.kept, nil)
	k.control.send(contract.Park, k.kept)
	unix.Close(k.kept)
	k.kept = -1
}
