package front

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
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
	if l.isSettled() {
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

// isSettled reports whether memory is to be given back. If it is, counting begins again.
func (l *lot) isSettled() bool {
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

// ---- a connection's side ----

// Where a connection that can be parked stands.
const (
	busy      int32 = iota
	announced       // net/http is about to wait for a request: its next deadline is for that
	waiting         // it waits
	leaving         // it has been told that the connection ended
	left            // it has closed it
	given           // the connection is on its way to another front
)

// endless is the time for a request if the settings set no bound.
const endless = 365 * 24 * time.Hour

// SetReadDeadline is called by net/http before it waits for a request, and again as soon as the request begins. While it
// waits, it waits for a while only.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.calling.Lock()
	defer c.calling.Unlock()
	if c.place.Load() == announced {
		if t.IsZero() {
			t = time.Now().Add(endless)
		}
		c.readBy = t
		c.place.Store(waiting)
		if soon := time.Now().Add(c.owner.lot.after); soon.Before(t) {
			t = soon
		}
		if c.owner.yields.Load() {
			t = longAgo
		}
	} else if c.place.Load() <= waiting {
		c.place.Store(busy)
	}
	return c.Conn.SetReadDeadline(t)
}

// readBuffer is the size of net/http's buffer for a connection's requests. A read of that many bytes says that nothing
// stands in it; so does a connection's first read, which is a short one to recognize HTTP/2.
const readBuffer = 4096

// Read ends the connection for net/http when no request comes, unless a part of one stands in net/http's buffer.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if !c.head.over {
		c.head.see(p[:n])
	}
	return n, err
}

func (c *conn) read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
			c.ahead = nil
		}
		return n, nil
	}
	if c.place.Load() == announced { // net/http has set no deadline, as there is no header_timeout
		c.SetReadDeadline(time.Time{})
	}
	if c.place.Load() != waiting {
		n, err := c.Conn.Read(p)
		if c.unread && n > 0 {
			c.unread = false
		}
		return n, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		return n, c.requestBegins(p[:n])
	}
	if !isTimeout(err) || !time.Now().Before(c.readBy) {
		return 0, err
	}
	if (c.unread || len(p) == readBuffer) && !c.owner.lot.isClosed() {
		c.place.Store(leaving)
		return 0, io.EOF
	}
	c.place.Store(busy)
	c.Conn.SetReadDeadline(c.readBy)
	return c.Conn.Read(p)
}

// requestBegins sets the time limit that net/http gave the request.
func (c *conn) requestBegins(p []byte) error {
	c.calling.Lock()
	c.place.Store(busy)
	c.calling.Unlock()
	if c.unread && p[0] == 'P' && (len(p) == 1 || p[1] == 'R') { // of HTTP/2, where deadlines mean something else
		c.parkable.Store(false)
	}
	if c.unread || len(p) < 4 {
		c.unread = false
		return c.Conn.SetReadDeadline(c.readBy)
	}
	return nil
}

func isTimeout(err error) bool {
	timeout, ok := err.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}

// noteState keeps who is idle. It is http.Server's ConnState.
func noteState(c net.Conn, state http.ConnState) {
	secured, _ := c.(*tls.Conn)
	if secured != nil {
		c = secured.NetConn()
	}
	one, ok := c.(*conn)
	if ok && state == http.StateNew && secured != nil {
		one.secured.Store(secured)
	}
	switch {
	case !ok:
	case state == http.StateNew:
		one.head.next()
		one.head.over = secured != nil
	case state == http.StateIdle && secured == nil && one.parkable.Load(): // HTTP/2 reads on meanwhile
		one.head.next()
	}
	switch {
	case !ok:
	case state == http.StateIdle:
		one.idle.Store(time.Now().UnixNano())
		if one.parkable.Load() {
			one.place.Store(announced)
			one.promised.Store(false)
		}
	default:
		one.idle.Store(0)
	}
	// Active is too early: net/http looks once more whether it is to end before it has a request answered.
	if ok && state != http.StateNew && state != http.StateActive {
		one.begun.Store(true)
	}
}

// descriptor is the connection's; -1: it is closed.
func (c *conn) descriptor() int32 {
	found := int32(-1)
	if c.raw != nil {
		c.raw.Control(func(fd uintptr) { found = int32(fd) })
	}
	return found
}
