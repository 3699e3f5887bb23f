package front

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
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

func newConn(accepted net.Conn, owner *connections) *conn {
	c := &conn{Conn: accepted, owner: owner, timeout: owner.timeout, unread: true}
	c.tcp, _ = accepted.(*net.TCPConn)
	if has, ok := accepted.(syscall.Conn); ok {
		c.raw, _ = has.SyscallConn()
	}
	return c
}

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
