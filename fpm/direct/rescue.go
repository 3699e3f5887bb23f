package direct

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// saved is the rescue socket, which has room for the present connection. The master holds that socket, too. If the
// worker dies, the front finds there whom to answer.
type saved struct {
	in, out int
	holds   bool // the present connection is in it
	letter  [1]byte
	part    unix.Iovec
	header  unix.Msghdr
	rights  [channel.RightsSize]byte
}

// rescue puts the present connection into the rescue socket, if it is not there, and says that it is to be answered.
func (c *Conn) rescue() {
	r := &c.saved
	if !r.holds {
		channel.PutDescriptor(r.rights[:], c.fd)
		r.part.Base = &r.letter[0]
		r.part.SetLen(1)
		r.header = unix.Msghdr{Iov: &r.part, Iovlen: 1, Control: &r.rights[0]}
		r.header.SetControllen(len(r.rights))
		_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(r.in), uintptr(unsafe.Pointer(&r.header)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		r.holds = errno == 0 // otherwise a client of a worker that dies gets no answer, and nothing else is lost
	}
	c.Slot.HTTP(scoreboard.HTTPUnsent, c.listener)
}

// answered says that the present connection has had its response.
func (c *Conn) answered() {
	switch {
	case !c.saved.holds:
		c.Slot.HTTP(scoreboard.NoHTTP, 0)
	case c.Pending():
		c.reads()
	default:
		c.Slot.HTTP(scoreboard.HTTPWaits, c.listener)
	}
}

// reads says that something of the next request of the present connection may have been read: a front that let the connection wait for
// that request would wait for ever.
func (c *Conn) reads() {
	if c.saved.holds {
		c.Slot.HTTP(scoreboard.HTTPReads, c.listener)
	}
}

// unrescue takes the present connection out of the rescue socket. A read that has no room for descriptors closes them.
func (c *Conn) unrescue() {
	r := &c.saved
	c.Slot.HTTP(scoreboard.NoHTTP, 0)
	if !r.holds {
		return
	}
	unix.RawSyscall(unix.SYS_READ, uintptr(r.out), uintptr(unsafe.Pointer(&r.letter[0])), 1)
	r.holds = false
}
