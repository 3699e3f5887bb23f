package front

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// parkAfter is how long a connection waits for a request in net/http, which has a goroutine and buffers for it, some
// twenty kilobytes, before it waits in the lot.
const parkAfter = time.Second

// sweepInterval is how often connections are looked for that have waited for too long in the lot.
const sweepInterval = time.Second

// lot is where connections wait for a request, their first or another, at the cost of a descriptor and a few hundred
// bytes. To net/http such a connection has ended, and the lot is a listener: what becomes readable is accepted again.
type lot struct {
	after time.Duration // parkAfter
	epoll *os.File      // waited for as any other file is
	raw   syscall.RawConn
	fd    int // of epoll
	ready chan *conn
	done  chan struct{}
	over  chan struct{} // closed when nothing is put into ready any more

	mu     sync.Mutex
	parked map[int32]*conn  // by their descriptors
	late   time.Time        // no connection's time is over before
	came   int              // since memory was given back last
	before int              // of came, until the last sweep
	wake   func(*conn) bool // takes a connection on which a request comes, or returns false; nil: nobody does
	heir   func(*conn)      // takes what is to be parked; nil: the lot does
	closed bool
}

func newLot(after time.Duration) (*lot, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	l := &lot{after: after, fd: fd, epoll: os.NewFile(uintptr(fd), "parked connections"), ready: make(chan *conn, 64),
		done: make(chan struct{}), over: make(chan struct{}), parked: map[int32]*conn{}}
	if l.raw, err = l.epoll.SyscallConn(); err != nil {
		l.epoll.Close()
		return nil, err
	}
	go l.watch()
	return l, nil
}

// park takes a connection until it is readable, or its deadline has come.
func (l *lot) park(c *conn) {
	fd := c.descriptor()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heir != nil { // also if the lot is closed: its client may have sent a request
		l.heir(c)
		return
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: fd}
	if l.closed || fd < 0 || unix.EpollCtl(l.fd, unix.EPOLL_CTL_ADD, int(fd), &event) != nil {
		c.Close()
		return
	}
	l.parked[fd] = c
	if len(l.parked) == 1 || c.readBy.Before(l.late) {
		l.late = c.readBy
	}
	l.came++
}

// take takes a connection out; nil: it is not there any more.
func (l *lot) take(fd int32) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remove(fd)
}

func (l *lot) remove(fd int32) *conn {
	c := l.parked[fd]
	if c != nil {
		delete(l.parked, fd)
		unix.EpollCtl(l.fd, unix.EPOLL_CTL_DEL, int(fd), nil)
	}
	return c
}

// drop closes a connection if it is parked.
func (l *lot) drop(c *conn) bool {
	l.mu.Lock()
	fd := c.descriptor()
	there := fd >= 0 && l.parked[fd] == c
	if there {
		l.remove(fd)
	}
	l.mu.Unlock()
	if there {
		c.Close()
	}
	return there
}

// watch hands readable connections on, until the lot is closed.
func (l *lot) watch() {
	defer close(l.over)
	events := make([]unix.EpollEvent, 128)
	swept := time.Now()
	l.epoll.SetReadDeadline(swept.Add(sweepInterval))
	for {
		n := 0
		err := l.raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil && !os.IsTimeout(err) {
			return
		}
		for _, e := range events[:max(n, 0)] {
			if c := l.take(e.Fd); c != nil {
				if l.wake != nil && e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) == 0 && l.wake(c) {
					continue
				}
				select {
				case l.ready <- c:
				case <-l.done:
					l.park(c)
				}
			}
		}
		if now := time.Now(); now.Sub(swept) >= sweepInterval {
			swept = now
			l.sweep(now)
			l.epoll.SetReadDeadline(now.Add(sweepInterval))
		}
	}
}

// sweep closes the connections whose time is over, and gives back the memory of those that came.
func (l *lot) sweep(now time.Time) {
	for _, c := range l.takeLate(now) {
		c.Close()
	}
	if l.settle() {
		runtime.GC() // net/http's buffers wait in pools, and what is in a pool survives one collection
		debug.FreeOSMemory()
	}
}

// takeLate takes out the connections whose time is over.
func (l *lot) takeLate(now time.Time) (late []*conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.parked) == 0 || now.Before(l.late) {
		return nil
	}
	l.late = now.Add(endless)
	for fd, c := range l.parked {
		if !now.Before(c.readBy) {
			late = append(late, l.remove(fd))
		} else if c.readBy.Before(l.late) {
			l.late = c.readBy
		}
	}
	return late
}

// Before a connection came to the lot it had some twenty kilobytes, which are garbage now, and no request may come for long
// that would make the collector run. Once manyCame have come it is worth while to run it, but not while more come: in the
// last interval came less than a settledPart of them.
const (
	manyCame    = 500
	settledPart = 8
)

// settle reports whether memory is to be given back, and then begins to count again.
func (l *lot) settle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.came - l.before
	l.before = l.came
	if l.came < manyCame || now*settledPart >= l.came {
		return false
	}
	l.came, l.before = 0, 0
	return true
}

// Accept returns a connection with a request, also when the lot is closed already.
func (l *lot) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	default:
	}
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// leaveReady has the heir take what nobody has accepted, when the lot is closed and nobody accepts.
func (l *lot) leaveReady() {
	<-l.over
	for {
		select {
		case c := <-l.ready:
			l.park(c)
		default:
			return
		}
	}
}

func (l *lot) isClosed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// Close closes all that is parked.
func (l *lot) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	for _, c := range l.parked {
		c.Close()
	}
	l.parked = nil
	return l.epoll.Close()
}

func (l *lot) Addr() net.Addr { return &net.UnixAddr{Name: "parked connections", Net: "unix"} }
