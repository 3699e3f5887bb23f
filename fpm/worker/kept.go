// Counterpart: main/fastcgi.c (fcgi_accept_request)

package worker

import (
	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// A connection that waits for its next request is kept by the worker that answered the last, for as long as it has nothing else to do,
// and parked with the master otherwise.

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

// workers is how many the pool has.
func (k *worker) workers() (n int) {
	for i := range k.slot.Slots() {
		if k.slot.Used(i) {
			n++
		}
	}
	return n
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
