package worker

import (
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/cgi/server"
)

// next waits for something to do and does it: a new connection first, for which the kernel has woken this process
// alone, then what has come on those that are kept.
func (c *child) next() {
	var events [16]unix.EpollEvent
	n, err := unix.EpollWait(c.epoll, events[:], -1)
	if err == unix.EINTR {
		return
	}
	if err != nil {
		server.Say("epoll_wait: %v", err)
		c.broken, c.leaving = true, true
		return
	}
	for _, e := range events[:n] {
		if int(e.Fd) == c.stop || int(e.Fd) == c.alive {
			c.leaving = true
			return
		}
	}
	for _, e := range events[:n] {
		if int(e.Fd) == c.listen {
			c.accept()
		}
	}
	for _, e := range events[:n] {
		if i := slices.Index(c.kept, e.Fd); i >= 0 && !c.leaving {
			c.unkeep(i)
			c.converse(int(e.Fd), true, responder.NextByteTimeout)
		}
	}
}

// accept takes a new connection, if no other process was faster.
func (c *child) accept() {
	fd, peer, err := responder.Accept(c.listen)
	switch err {
	case nil:
	case unix.EAGAIN, unix.EINTR, unix.ECONNABORTED:
		return
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS:
		// A kept connection is a descriptor to have; it must not spin.
		server.Say("accept: %v", err)
		c.closeOldest()
		responder.Pause(100 * time.Millisecond)
		return
	default:
		server.Say("accept: %v", err)
		c.broken, c.leaving = true, true
		return
	}
	if !c.allowed.Admits(peer) {
		server.Say("Connection disallowed: IP address '%s' has been dropped.", peer)
		unix.Close(fd)
		return
	}
	c.converse(fd, false, responder.FirstByteTimeout)
}

// converse answers the requests that come on a connection without a wait. watched tells that the epoll instance has it
// already.
func (c *child) converse(fd int, watched bool, timeout time.Duration) {
	c.responder.Begin(fd, timeout, nil)
	for c.responder.More(c.answer()) {
	}
	if !c.responder.Idle() {
		return
	}
	if c.leaving {
		unix.Close(fd)
		return
	}
	if len(c.kept) == maxKept {
		c.closeOldest()
	}
	if !watched && c.add(fd, unix.EPOLLIN|unix.EPOLLRDHUP) != nil {
		unix.Close(fd)
		return
	}
	c.kept = append(c.kept, int32(fd))
	if len(c.kept) == 1 {
		c.yield()
	}
}

// yield puts this process behind the others that wait on the listening socket: of them the kernel wakes the one that
// has waited longest, and one that keeps a connection should not be the next.
func (c *child) yield() {
	unix.EpollCtl(c.epoll, unix.EPOLL_CTL_DEL, c.listen, nil)
	if err := c.add(c.listen, unix.EPOLLIN|unix.EPOLLEXCLUSIVE); err != nil {
		server.Say("epoll_ctl: %v", err)
		c.broken, c.leaving = true, true
	}
}

func (c *child) closeOldest() {
	if len(c.kept) > 0 {
		unix.Close(int(c.kept[0]))
		c.unkeep(0)
	}
}

// unkeep takes a connection from the list of those kept.
func (c *child) unkeep(i int) {
	last := len(c.kept) - 1
	copy(c.kept[i:], c.kept[i+1:])
	c.kept[last] = -1
	c.kept = c.kept[:last]
}

// answer takes the next request of the present connection through PHP, and reports whether the connection may carry
// another.
func (c *child) answer() (keep bool) {
	if !c.responder.Read() {
		return false
	}
	if !c.responder.ForPHP.IsHTTP {
		c.responder.ForPHP.Method = nil
	}
	if c.responder.Startup() != nil {
		c.broken, c.leaving = true, true
		c.responder.Shutdown()
		return c.responder.Finish()
	}
	switch err := c.responder.PHP.OpenScript(); {
	case err == syscall.EACCES:
		c.responder.PHP.Answer(403, accessDenied)
	case err != nil:
		c.responder.PHP.Answer(404, noInputFile)
	case c.settings.Highlight:
		c.responder.PHP.Highlight()
	default:
		c.responder.PHP.Execute()
	}
	if c.responder.Shutdown() || c.alive >= 0 && c.responder.PHP.Stale() { // without a parent nobody takes its place
		c.leaving = true
	}
	if c.status == 0 {
		c.status = c.engine.ExitStatus()
	}
	c.requests++
	if c.spent() {
		c.leaving = true
	}
	return c.responder.Finish()
}

// What php-cgi answers in place of a script.
var (
	accessDenied = []byte("Access denied.\n")
	noInputFile  = []byte("No input file specified.\n")
)
