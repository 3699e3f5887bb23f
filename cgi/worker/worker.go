// Package worker is the process that answers requests when php-cgi is a FastCGI server: a child of the parent in package
// cgi/server, or the only process there is. It accepts connections itself, until it is told to end.
//
// A connection that its client keeps open does not hold the process: between two requests it watches up to 64 kept connections and
// the listening socket. A request that comes on one of them while another request is answered waits for the end of that.
//
// Counterpart: sapi/cgi/cgi_main.c (main), main/fastcgi.c (fcgi_accept_request).
package worker

import (
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/cgi/server"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// failure is the exit status where PHP is of no more use.
const failure = 255

// memoryLimit is when Go's collector, which is off otherwise, begins to work.
const memoryLimit = 6 << 20

// maxKept is how many connections are kept open; of more, the one that was idle longest is closed.
const maxKept = 64

// Main is the life of a child, the worker w. It returns the process's exit status.
func Main(w *lifecycle.Worker) int {
	payload, err := server.Decode(w.Payload)
	if err != nil || len(w.Files) != 2 {
		server.Say("damaged payload: %v", err)
		return failure
	}
	// What a script's status was concerns nobody: the parent asks whether the child did its work.
	c := serve(w.Engine, payload.Settings, w.Files[0], w.Files[1])
	w.Engine.ModuleShutdown()
	if c.broken {
		return failure
	}
	return 0
}

// Only answers requests in this process, in which the engine's module was started, until it is told to end. It returns php-cgi's
// exit status: that of the first script that left one.
func Only(engine *lifecycle.Engine, s server.Settings, listen int) int {
	c := serve(engine, s, listen, -1)
	switch {
	case c.broken:
		return failure
	case c.spent() && s.MaxRequests != 1:
		return 0
	}
	return c.status
}

// child is the process. There is one.
type child struct {
	responder *responder.Responder
	engine    *lifecycle.Engine
	settings  server.Settings
	allowed   responder.Allowed

	listen, epoll int
	alive         int     // the parent's pipe; -1: there is no parent
	stop          int     // an eventfd that TERM's and USR1's handler writes to
	inForks       []int32 // listen, epoll, alive and stop, as lifecycle.GivenUpInForks
	kept          []int32 // the connections that are idle and kept, the last used last; likewise
	requests      int     // so far
	status        int     // the first that a script left
	leaving       bool    // no more requests
	broken        bool    // PHP is of no more use
}

func serve(engine *lifecycle.Engine, s server.Settings, listen, alive int) *child {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryLimit)
	c := &child{engine: engine, settings: s, listen: listen, alive: alive}
	c.allowed.Addrs, c.allowed.Limited = s.Allowed, s.Limited
	c.responder = responder.New(engine, c)
	c.responder.Configure(false, map[string]string{
		fastcgi.MpxsConns: "0", fastcgi.MaxConns: s.Connections, fastcgi.MaxReqs: s.Connections,
	})
	// Accepted sockets inherit it. Without it the end of a long response on a kept connection waits for the
	// acknowledgement of what went before. A unix socket knows nothing of it.
	unix.SetsockoptInt(listen, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := c.watch(); err != nil {
		server.Say("%v", err)
		c.broken = true
		return c
	}
	c.responder.HurryBy(c.alive, c.stop)
	c.inForks = lifecycle.GivenUpInForks(4)
	for i, fd := range [...]int{c.listen, c.epoll, c.alive, c.stop} {
		c.inForks[i] = int32(fd)
	}
	c.kept = lifecycle.GivenUpInForks(maxKept)[:0]
	for !c.leaving {
		c.next()
	}
	for _, fd := range c.kept {
		unix.Close(int(fd))
	}
	unix.Close(listen)
	return c
}

// watch makes the epoll instance. Of the processes that wait on the listening socket the kernel wakes one.
func (c *child) watch() (err error) {
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if c.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if err := lifecycle.CatchSignals(c.stop, syscall.SIGTERM, syscall.SIGUSR1); err != nil {
		return err
	}
	if err := c.add(c.stop, unix.EPOLLIN); err != nil {
		return err
	}
	if c.alive >= 0 {
		if err := c.add(c.alive, unix.EPOLLIN); err != nil {
			return err
		}
	}
	return c.add(c.listen, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

func (c *child) add(fd int, events uint32) error {
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// spent reports whether the process has answered as many requests as it is to.
func (c *child) spent() bool {
	return c.settings.MaxRequests > 0 && c.requests >= c.settings.MaxRequests
}
