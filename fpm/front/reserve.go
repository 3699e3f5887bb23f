package front

import (
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// reserve is a listener from which the workers accept. The front does so only while they are too few. It never waits for connections by
// Go's epoll instance, which would wake the front for each one that comes.
type reserve struct {
	fd   int
	done chan struct{}
	once sync.Once

	mu      sync.Mutex
	opened  bool
	changed chan struct{} // closed when opened has become true
}

// newReserve makes a listener of a socket, which it owns and which does not block.
func newReserve(fd int) *reserve {
	return &reserve{fd: fd, done: make(chan struct{}), changed: make(chan struct{})}
}

// open and shut report whether the front accepts.
func (r *reserve) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opened {
		r.opened = true
		close(r.changed)
	}
}

func (r *reserve) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened {
		r.opened = false
		r.changed = make(chan struct{})
	}
}

// reservePatience is how long, in ms, the front waits for a connection before it looks whether it is to accept still.
const reservePatience = 50

func (r *reserve) Accept() (net.Conn, error) {
	for {
		r.mu.Lock()
		opened := r.changed
		r.mu.Unlock()
		select {
		case <-r.done:
			return nil, net.ErrClosed
		case <-opened:
		}
		select {
		case <-r.done:
			return nil, net.ErrClosed
		default:
		}
		fd, _, err := unix.Accept4(r.fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		switch err {
		case nil:
			if c := connected(fd); c != nil {
				return c, nil
			}
		case unix.EAGAIN:
			unix.Poll([]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}, reservePatience)
		case unix.EINTR, unix.ECONNABORTED:
		default: // too many descriptors
			time.Sleep(reservePatience * time.Millisecond)
		}
	}
}

// forClients sets what a client's connection must have, no matter which process accepted it.
func forClients(c net.Conn) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetNoDelay(true)
		tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: site.KeepAliveIdle, Interval: site.KeepAliveInterval, Count: site.KeepAliveCount})
	}
	return c
}

// Close has Accept return. The descriptor stays: somebody may wait by it.
func (r *reserve) Close() error {
	r.once.Do(func() { close(r.done) })
	return nil
}

func (r *reserve) Addr() net.Addr { return &net.UnixAddr{Name: "reserve", Net: "unix"} }
