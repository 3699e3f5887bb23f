// Counterpart: main/fastcgi.c (safe_read, safe_write, fcgi_accept_request, fcgi_close)

package responder

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// How long a client may say nothing. main/fastcgi.c waits for the first byte as long as this, and for ever afterwards.
const (
	FirstByteTimeout = 5 * time.Second
	NextByteTimeout  = 60 * time.Second
	lingerTimeout    = time.Second
	hurriedTimeout   = time.Second // since one of HurryBy's descriptors is readable
)

// errWoken says that the descriptor of WakeBy had something to say before the client.
var errWoken = errors.New("there is something else to do")

// errAnswered says that the request was answered for the time that it takes: the process is about to end.
var errAnswered = errors.New("the request has taken too long")

// errSilent says that the client said nothing for too long.
var errSilent = errors.New("the client was silent for too long")

// silentError says, with that, what was being read.
type silentError struct{ stage fastcgi.Stage }

func (e *silentError) Error() string { return errSilent.Error() + ", while " + e.stage.String() }
func (e *silentError) Unwrap() error { return errSilent }

// connection is the transport of the present connection: a blocking socket that is read without blocking first, since
// as a rule the bytes are there.
type connection struct {
	fd      int    // -1: none
	inForks *int32 // where fd stands for the processes that scripts fork; nil: nowhere
	began   bool
	timeout time.Duration
	onBegin func() // called when the first byte of a request has come, or a new connection has ended without one
	iov     []unix.Iovec
	ahead   []byte  // what another process has read of it; it comes first
	sent    *uint64 // Responder.Sent; nil: nobody asks
	begins  func()  // Responder.Begins
	overdue *lifecycle.Overdue
	wake    int // a descriptor that ends the wait for the first byte of a request when it is readable; -1: none

	hurry   [2]int32 // descriptors that make every wait short if they are readable; -1: none
	givenUp bool     // a wait that they made short was in vain: there is no other

	// onTry is called with true before a read that may bring the first byte, and with false if it did not bring one. It may be nil.
	onTry func(bool)
}

// begin makes fd the present connection.
func (c *connection) begin(fd int, timeout time.Duration) {
	c.began, c.givenUp, c.timeout = false, false, timeout
	c.take(fd)
}

// take makes fd the descriptor; -1: none.
func (c *connection) take(fd int) {
	c.overdue.Take()
	c.fd = fd
	if c.inForks != nil {
		atomic.StoreInt32(c.inForks, int32(fd))
	}
}

// Read returns what has come, after waiting for it if need be.
func (c *connection) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		if !c.began {
			c.began, c.timeout = true, NextByteTimeout
			c.onBegin()
		}
		return n, nil
	}
	for {
		c.try(true)
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			c.try(false)
			if err := c.wait(); err != nil {
				return 0, err
			}
		case errno != 0:
			c.try(false)
			c.ended()
			return 0, errno
		case n == 0:
			c.try(false)
			c.ended()
			return 0, io.EOF
		default:
			if !c.began {
				c.began, c.timeout = true, NextByteTimeout
				c.onBegin()
			}
			return int(n), nil
		}
	}
}

func (c *connection) try(reads bool) {
	if !c.began && c.onTry != nil {
		c.onTry(reads)
	}
}

// ended notes the end of what comes. php-fpm begins a request when there is something to read, and the end of a new
// connection is: it counts those that bring none. (It also counts each wait for another request on a kept one.)
func (c *connection) ended() {
	if !c.began && c.timeout == FirstByteTimeout {
		c.began = true
		c.onBegin()
	}
}

func (c *connection) wait() error {
	deadline := time.Now().Add(c.timeout)
	hurry := c.hurry
	if c.givenUp {
		return errSilent
	}
	for {
		left := time.Until(deadline)
		if left <= 0 {
			c.givenUp = hurry != c.hurry
			return errSilent
		}
		polled := [...]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLIN},
			{Fd: hurry[0], Events: unix.POLLIN}, {Fd: hurry[1], Events: unix.POLLIN}}
		if !c.began {
			polled[1].Fd = int32(c.wake)
		}
		n, err := poll(polled[:], int(left.Milliseconds())+1)
		switch {
		case n <= 0:
		case polled[0].Revents != 0:
			return nil
		case polled[1].Revents != 0:
			return errWoken
		default:
			if soon := time.Now().Add(hurriedTimeout); soon.Before(deadline) {
				deadline = soon
			}
			hurry = [...]int32{-1, -1}
		}
		if err != nil && err != unix.EINTR {
			return err
		}
	}
}

// lookInterval is how often descriptors are looked at that cannot be waited for together.
const lookInterval = 10 * time.Millisecond

// poll is unix.Poll, for which a process's limit of descriptors may be lower than their number here: the kernel refuses to
// wait for so many (EINVAL), but not to look at one.
func poll(fds []unix.PollFd, timeout int) (int, error) {
	n, err := unix.Poll(fds, timeout)
	for deadline := time.Now().Add(time.Duration(timeout) * time.Millisecond); err == unix.EINVAL; time.Sleep(lookInterval) {
		for i := range fds {
			if n, err := unix.Poll(fds[i:i+1], 0); n != 0 && err != unix.EINTR {
				return n, err
			}
		}
		if !time.Now().Before(deadline) {
			return 0, nil
		}
	}
	return n, err
}

// hasEnd reports whether the client has shut down its sending side.
func (c *connection) hasEnd() bool {
	polled := unix.PollFd{Fd: int32(c.fd), Events: unix.POLLRDHUP}
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&polled)), 1, uintptr(unsafe.Pointer(&unix.Timespec{})), 0, 0, 0)
	return errno == 0 && n > 0
}

// tellRead answers fastcgi.TellRead.
func (c *connection) tellRead() {
	unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // what follows does not wait for the client to confirm this
	c.Write(fastcgi.Record{Type: fastcgi.TypeGetValuesResult}.AppendTo(nil))
}

// Write writes all of p. As a rule there is room for it: Go's runtime is told of the call only if it has to wait.
func (c *connection) Write(p []byte) (int, error) {
	if !c.overdue.Take() {
		return 0, errAnswered
	}
	done := 0
	for waits := false; done < len(p); {
		n, errno := c.send(p[done:], waits)
		switch waits = errno == unix.EAGAIN; {
		case waits, errno == unix.EINTR:
		case errno != 0:
			return done, errno
		default:
			c.wrote()
			done += n
		}
	}
	return done, nil
}

// wrote notes that something was sent.
func (c *connection) wrote() {
	if c.sent != nil && *c.sent == SentNothing {
		*c.sent = SentPart
		if c.begins != nil {
			c.begins()
		}
	}
}

// send writes something of p, if need be after a wait for room.
func (c *connection) send(p []byte, waits bool) (int, unix.Errno) {
	if waits {
		n, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
			unix.MSG_NOSIGNAL, 0, 0)
		return int(n), errno
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// Writev writes all of bufs. It makes fastcgi write long output from where it lies.
func (c *connection) Writev(bufs [][]byte) (int, error) {
	if !c.overdue.Take() {
		return 0, errAnswered
	}
	done := 0
	for {
		for len(bufs) > 0 && len(bufs[0]) == 0 {
			bufs = bufs[1:]
		}
		if len(bufs) == 0 {
			return done, nil
		}
		c.iov = c.iov[:0]
		for _, b := range bufs {
			v := unix.Iovec{Base: unsafe.SliceData(b)}
			v.SetLen(len(b))
			c.iov = append(c.iov, v)
		}
		n, _, errno := unix.Syscall(unix.SYS_WRITEV, uintptr(c.fd), uintptr(unsafe.Pointer(&c.iov[0])), uintptr(len(c.iov)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return done, errno
		}
		c.wrote()
		done += int(n)
		for left := int(n); left > 0; {
			m := min(left, len(bufs[0]))
			bufs[0] = bufs[0][m:]
			left -= m
			for len(bufs) > 0 && len(bufs[0]) == 0 {
				bufs = bufs[1:]
			}
		}
	}
}

// close closes the connection. With linger something is unread, and the reset that closing then sends must not
// overtake the response: the client gets a moment to read it.
func (c *connection) close(linger bool) {
	if c.fd < 0 {
		return
	}
	if linger && unix.Shutdown(c.fd, unix.SHUT_WR) == nil {
		c.began, c.timeout = true, lingerTimeout
		var waste [4096]byte
		for deadline := time.Now().Add(lingerTimeout); time.Now().Before(deadline); {
			if _, err := c.Read(waste[:]); err != nil {
				break
			}
		}
	}
	fd := c.fd
	c.take(-1) // before the number can be another file's, for the thread that watches the client
	unix.Close(fd)
}
