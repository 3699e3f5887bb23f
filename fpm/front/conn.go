package front

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// conn is a client's connection. No write of it lasts longer than the time-out unless the client takes at least
// something meanwhile, however much there is to write; reads are bounded by those who know what they wait for.
type conn struct {
	net.Conn
	tcp      *net.TCPConn // nil: a unix socket
	owner    *connections
	timeout  time.Duration // 0: none
	renewed  time.Time     // when the deadline of writes was set
	foreign  atomic.Bool   // somebody else has set a deadline of writes: it stays
	released atomic.Bool
	begun    atomic.Bool // the first request has begun, or none will come
	at       string      // the contract.FrontListener.Address that it came to
	accepted time.Time
	head     headWatch
	idle     atomic.Int64 // since when the connection waits for a request, in Unix nanoseconds; 0: it does not

	// See park.go.
	raw      syscall.RawConn // nil: it has none
	parkable atomic.Bool
	unread   bool // nothing was read yet
	place    atomic.Int32
	readBy   time.Time  // until when a request may come
	calling  sync.Mutex // who changes its place from waiting

	// See handed.go and rescue.go.
	ahead  []byte            // what a worker has read of it, and net/http has not
	named  []byte            // the head of a script's response that names a file, if a worker has run the script
	lost   *contract.Rescued // what is known of a request that is only to be answered by an error
	shared bool              // a worker has it, too

	// See yield.go and http2.go.
	secured  atomic.Pointer[tls.Conn] // nil: it has no TLS
	streamed atomic.Bool              // it speaks HTTP/2
	wrote    atomic.Bool              // something was sent
	promised atomic.Bool              // a response under way says that another request may come
}

// Where a connection that can be parked stands: see park.go.
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

// listener accepts connections.
type listener struct {
	net.Listener
	*connections
	contract.FrontListener
	once sync.Once
	done chan struct{}
}

func (c *connections) listen(l net.Listener, at contract.FrontListener) *listener {
	return &listener{Listener: l, connections: c, FrontListener: at, done: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	if !l.enter(l.done) {
		return nil, net.ErrClosed
	}
	accepted, err := l.Listener.Accept()
	if err != nil {
		l.leave()
		return nil, err
	}
	c := newConn(forClients(accepted), l.connections)
	c.at, c.accepted = l.Address, time.Now()
	if !l.TLS && c.raw != nil {
		c.parkable.Store(true)
		c.place.Store(announced)
	}
	l.mu.Lock()
	l.open[c] = struct{}{}
	l.mu.Unlock()
	return c, nil
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

func newConn(accepted net.Conn, owner *connections) *conn {
	c := &conn{Conn: accepted, owner: owner, timeout: owner.timeout, unread: true}
	c.tcp, _ = accepted.(*net.TCPConn)
	if has, ok := accepted.(syscall.Conn); ok {
		c.raw, _ = has.SyscallConn()
	}
	return c
}

// ---- reading ----

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

// noteState records which connections are idle. It is http.Server's ConnState.
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

// ---- writing ----

// renew moves the deadline of writes on. A kept connection with many requests does so once in a while only.
func (c *conn) renew(always bool) {
	if c.timeout <= 0 || c.foreign.Load() {
		return
	}
	if now := time.Now(); always || now.Sub(c.renewed) > c.timeout/4 {
		c.renewed = now
		c.Conn.SetWriteDeadline(now.Add(c.timeout))
	}
}

// goesOn reports whether a write that ended with err has only to be taken up again.
func (c *conn) goesOn(err error, written bool) bool {
	return written && errors.Is(err, os.ErrDeadlineExceeded) && c.timeout > 0 && !c.foreign.Load()
}

func (c *conn) Write(p []byte) (n int, err error) {
	c.wrote.Store(true)
	c.renew(false)
	n, err = c.Conn.Write(p)
	for more := n > 0; err != nil && c.goesOn(err, more); {
		var m int
		c.renew(true)
		m, err = c.Conn.Write(p[n:])
		n += m
		more = m > 0
	}
	return n, err
}

// ReadFrom sends a file without copying it through this process, where the kernel can.
func (c *conn) ReadFrom(r io.Reader) (n int64, err error) {
	if c.tcp == nil {
		return io.Copy(writerOnly{c}, r)
	}
	part, _ := r.(*io.LimitedReader)
	if part == nil {
		return io.Copy(writerOnly{c}, r)
	}
	for {
		left := part.N
		c.renew(n > 0)
		m, err := c.tcp.ReadFrom(part)
		n += m
		// Where bytes were read and not written, they are lost.
		if err == nil || left-part.N != m || !c.goesOn(err, m > 0) {
			return n, err
		}
	}
}

type writerOnly struct{ io.Writer }

// CloseWrite lets net/http tell a client that no more comes, before it closes.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.foreign.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

func (c *conn) SetDeadline(t time.Time) error {
	c.foreign.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

// Close closes the connection, or parks it where net/http was told that it ended.
func (c *conn) Close() error {
	if c.place.CompareAndSwap(leaving, left) {
		c.owner.park(c)
		return nil
	}
	if c.place.Load() == left {
		return nil
	}
	if c.shared && c.raw != nil { // else it would stay open
		c.raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
	err := c.Conn.Close()
	if !c.released.Swap(true) {
		c.owner.release(c)
	}
	return err
}

// descriptor is the connection's; -1: it is closed.
func (c *conn) descriptor() int32 {
	found := int32(-1)
	if c.raw != nil {
		c.raw.Control(func(fd uintptr) { found = int32(fd) })
	}
	return found
}
