package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// Sizes of a connection's buffers. A worker reads up to 16 KiB at once, and writes as a rule what fits 8 KiB.
const (
	readBuffer  = 32 << 10
	writeBuffer = 16 << 10
)

// slice is how long a read waits before it is looked whether the client is still there.
const slice = time.Second

// conn is a connection to a worker. One request at a time has it. It is the transport of its own writer and reader;
// while a body is sent, one goroutine writes and another reads.
//
// The request's last bytes are held until the first read, which writes them when the network poller has been told to
// listen already: so the answer cannot come unnoticed, and nothing need be read before there is something.
type conn struct {
	pool   *Pool
	socket net.Conn
	raw    syscall.RawConn
	local  bool // a unix socket: a write to one that was closed fails, at once and without a byte sent
	w      *fastcgi.RequestWriter
	r      *fastcgi.ResponseReader
	params params
	stderr stderr
	head   []byte // the head of a response that came in pieces

	since    time.Time // idle since
	asked    time.Time // when the present request came
	deadline time.Time // of reads
	reused   bool      // it has carried a request before
	carried  int64     // bytes of body sent with the request before

	// The request under way.
	ctx      context.Context
	current  atomic.Pointer[answer] // who takes the response; nil: a spool does
	watched  func() bool            // stops the watch on ctx; nil: there is none
	progress atomic.Int64           // when something last happened, in Unix nanoseconds
	sent     bool                   // the kernel has taken a byte of the request
	writes   int                    // of the request
	heard    bool                   // a byte of the response has come
	taken    bool                   // a worker has read something of the request: see withdraw.go
	tells    bool                   // a worker that has read it says so
	waits    bool                   // it was seen to wait for a worker
	back     bool                   // it was taken back
	hold     bool                   // the next write is the request's last
	held     []byte                 // that is to be written by the next read

	ticking atomic.Bool // timer runs: see slow.go
	timer   *time.Timer

	// For the functions below, which are made once: a closure for each read would be garbage.
	to      []byte
	n       int
	errno   syscall.Errno
	onWrite func(fd uintptr) bool
	onRead  func(fd uintptr) bool
	onTry   func(fd uintptr) bool
}

// errSocket is a connection of another kind than Dial may give.
var errSocket = errors.New("the connection is not a socket")

// connect makes a connection.
func (p *Pool) connect(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	var c *conn
	if n := len(p.spare); n > 0 {
		c, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	p.mu.Unlock()
	if c != nil {
		return c, c.dial(ctx)
	}
	c = &conn{pool: p}
	if err := c.dial(ctx); err != nil {
		return nil, err
	}
	c.w = fastcgi.NewRequestWriter(c, make([]byte, writeBuffer))
	c.r = fastcgi.NewResponseReader(c, make([]byte, readBuffer))
	c.onWrite, c.onRead, c.onTry = c.writeThenWait, c.readOrWait, c.readOnce
	c.timer = time.AfterFunc(time.Hour, c.tick)
	c.timer.Stop()
	return c, nil
}

// dial connects. Where the backlog is full it tries again until ConnectTimeout. The error is ErrGone or ErrLack, or
// ErrClient where that has left meanwhile.
func (c *conn) dial(request context.Context) error {
	ctx := request
	if limit := c.pool.Limits.ConnectTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		socket, err := c.pool.Dial(ctx)
		if err == nil {
			return c.adopt(socket)
		}
		if errors.Is(err, unix.EAGAIN) {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
				continue
			}
		}
		if request.Err() != nil {
			return because(ErrClient, context.Cause(request))
		}
		return unless(ErrGone, err)
	}
}

func (c *conn) adopt(socket net.Conn) error {
	raw, ok := socket.(syscall.Conn)
	if !ok {
		socket.Close()
		return because(ErrGone, errSocket)
	}
	var err error
	if c.raw, err = raw.SyscallConn(); err != nil {
		socket.Close()
		return because(ErrGone, err)
	}
	_, c.local = socket.(*net.UnixConn)
	c.socket, c.reused, c.carried, c.deadline = socket, false, 0, time.Time{}
	return nil
}

func (c *conn) close() { c.socket.Close() }

// stale reports whether a kept connection was closed at its other end, or has something to say that nobody asked for. On a
// unix socket the write itself finds out.
func (c *conn) stale() bool {
	if c.local && c.carried == 0 {
		return false
	}
	var b [1]byte
	var errno syscall.Errno
	err := c.raw.Control(func(fd uintptr) {
		_, _, errno = unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), 1,
			unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	})
	return err != nil || errno != unix.EAGAIN
}

// begin makes the connection ready for a request.
func (c *conn) begin(ctx context.Context, a *answer) {
	c.ctx, c.watched = ctx, nil
	c.current.Store(a)
	c.sent, c.writes, c.heard, c.hold, c.held = false, 0, false, false, nil
	c.taken, c.tells, c.back = c.pool.Limits.QueueTimeout <= 0, false, false
	c.carried = 0
	c.stderr.begin(c.pool, a.r)
	c.head = c.head[:0]
	c.w.Reset(c)
	c.r.Reset(c)
	c.r.Begin(requestID)
}

// end forgets the request.
func (c *conn) end() {
	if c.watched != nil {
		c.watched()
	}
	c.noteTaken()
	c.current.Store(nil)
	c.ctx, c.watched, c.held, c.reused = nil, nil, nil, true
}

// Write writes all of p, or holds it for the next read. On a kept connection that turns out to be closed, and has taken
// nothing of the request, it continues with a new one.
func (c *conn) Write(p []byte) (int, error) {
	c.writes++
	if c.hold {
		c.held = p
		return len(p), nil
	}
	n, err := c.socket.Write(p)
	if n > 0 && !c.sent {
		c.sent = true
	}
	if err != nil && c.renew(err) {
		return c.Write(p)
	}
	return n, err
}

// renew replaces a kept connection that was closed before it took a byte of the request.
func (c *conn) renew(err error) bool {
	if c.sent || !c.reused || !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		return false
	}
	c.socket.Close()
	return c.dial(c.ctx) == nil
}

// errQuiet means that the worker has sent nothing more for now: the caller must flush buffered output before it waits
// again.
var errQuiet = errors.New("nothing has come")

// Read returns what has come, after waiting for it if need be.
func (c *conn) Read(p []byte) (int, error) {
	now := time.Now()
	c.progress.Store(now.UnixNano())
	c.arm(now)
	for {
		n, err := c.read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if n > 0 && !c.heard {
				c.heard = true
				c.noteTaken()
			}
			return n, err
		}
		now = time.Now()
		if err := c.prolong(now); err != nil {
			return 0, err
		}
	}
}

// arm sees to it that a read comes back before long. A deadline costs more than a look at the clock: it serves for many
// requests.
func (c *conn) arm(now time.Time) {
	wait := slice
	if limit := c.pool.Limits.RequestTimeout; limit > 0 {
		wait = min(wait, limit)
	}
	if !c.taken {
		if end := c.latest(); end.Sub(now) < wait {
			c.wake(later(end, now.Add(time.Millisecond)))
			return
		}
	}
	if c.deadline.Sub(now) < wait/2 {
		c.wake(now.Add(wait))
	}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wake has reads come back at a time.
func (c *conn) wake(at time.Time) {
	c.deadline = at
	c.socket.SetReadDeadline(at)
}

// prolong has a read that is overdue be repeated, or returns why it is not to be. From now on the end of the request's context ends the wait at once.
func (c *conn) prolong(now time.Time) error {
	c.stderr.flush(c.pool)
	if c.ctx.Err() != nil {
		c.deadline = time.Time{}
		return because(ErrClient, context.Cause(c.ctx))
	}
	next := now.Add(slice)
	if c.waitsForWorker() {
		end := c.latest()
		if !now.Before(end) && c.takeBack() {
			return fmt.Errorf("%w: none took the request for %v", ErrBusy, c.pool.Limits.QueueTimeout)
		}
		c.progress.Store(now.UnixNano())
		if now.Before(end) && end.Before(next) {
			next = end
		}
	}
	if limit := c.pool.Limits.RequestTimeout; limit > 0 {
		end := time.Unix(0, c.progress.Load()).Add(limit)
		if !now.Before(end) {
			c.deadline = time.Time{}
			return fmt.Errorf("%w: %v (see http.limits.request_timeout)", ErrTimeout, limit)
		}
		if end.Before(next) {
			next = end
		}
	}
	c.wake(next)
	if c.watched == nil {
		socket := c.socket
		c.watched = context.AfterFunc(c.ctx, func() { socket.SetReadDeadline(time.Unix(1, 0)) })
	}
	return nil
}

// read reads once, in the way that costs least.
func (c *conn) read(p []byte) (int, error) {
	c.to = p
	if c.held != nil {
		if err := c.writeHeld(); err != nil {
			return 0, err
		}
	} else if c.current.Load().pending() {
		if err := c.raw.Read(c.onTry); err != nil {
			return 0, err
		}
		if c.errno == unix.EAGAIN {
			return 0, errQuiet
		}
	} else if err := c.raw.Read(c.onRead); err != nil {
		return 0, err
	}
	switch {
	case c.errno != 0:
		return 0, os.NewSyscallError("read", c.errno)
	case c.n == 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// writeHeld writes the request's last bytes and waits for the first of the response.
func (c *conn) writeHeld() error {
	for {
		if err := c.raw.Read(c.onWrite); err != nil {
			return err
		}
		if c.held == nil {
			return nil
		}
		// It was not written, or not all of it.
		if c.errno == 0 || c.errno == unix.EAGAIN || c.errno == unix.EINTR {
			rest := c.held
			c.held, c.hold = nil, false
			if _, err := c.Write(rest); err != nil {
				return err
			}
			return c.raw.Read(c.onRead)
		}
		if err := os.NewSyscallError("write", c.errno); !c.renew(err) {
			return err
		}
		c.arm(time.Now())
	}
}

// writeThenWait writes what is held at its first call, and reads at the next ones.
func (c *conn) writeThenWait(fd uintptr) bool {
	if c.held == nil {
		return c.readOrWait(fd)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(c.held))),
		uintptr(len(c.held)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	c.errno = errno
	if errno != 0 {
		return true
	}
	c.sent = true
	if int(n) < len(c.held) {
		c.held = c.held[n:]
		return true
	}
	c.held = nil
	return false
}

func (c *conn) readOrWait(fd uintptr) bool {
	c.readOnce(fd)
	return c.errno != unix.EAGAIN
}

func (c *conn) readOnce(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(c.to))),
			uintptr(len(c.to)), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			c.n, c.errno = int(n), errno
			return true
		}
	}
}
