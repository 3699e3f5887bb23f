package direct

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// appendIovec appends a piece, unless it is empty.
func appendIovec(v []unix.Iovec, p []byte) []unix.Iovec {
	if len(p) == 0 {
		return v
	}
	one := unix.Iovec{Base: unsafe.SliceData(p)}
	one.SetLen(len(p))
	return append(v, one)
}

// send sends pieces to the client, or to the front if that has the connection.
func (c *Conn) send(v []unix.Iovec) error { return c.sendWith(v, 0) }

// sendWith is send with flags of sendmsg(2).
func (c *Conn) sendWith(v []unix.Iovec, flags int) error {
	r := &c.response
	if !r.sent {
		r.sent = true
	}
	if r.relay >= 0 {
		return c.relay(v)
	}
	c.Slot.HTTP(scoreboard.HTTPSent, c.listener)
	for {
		header := unix.Msghdr{Iov: &v[0]}
		header.SetIovlen(len(v))
		n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&header)), uintptr(unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL|flags))
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
			if err == nil {
				return c.stall(v, pair)
			}
			if !c.wait(err) {
				r.gone = true
				return errGone
			}
			c.Slot.HTTP(scoreboard.HTTPSent, c.listener)
			continue
		case errno != 0:
			r.gone = true
			return errGone
		}
		if v = after(v, int(n)); len(v) == 0 {
			return nil
		}
	}
}

// after returns what is left of pieces after n bytes of them.
func after(v []unix.Iovec, n int) []unix.Iovec {
	for len(v) > 0 && uint64(n) >= v[0].Len {
		n -= int(v[0].Len)
		v = v[1:]
	}
	if len(v) > 0 && n > 0 {
		v[0].Base = (*byte)(unsafe.Add(unsafe.Pointer(v[0].Base), n))
		v[0].SetLen(int(v[0].Len) - n)
	}
	return v
}

// bytesOf returns a piece.
func bytesOf(v unix.Iovec) []byte { return unsafe.Slice(v.Base, int(v.Len)) }

// relayPacket is how much of a response goes to the front at once, in bytes.
const relayPacket = 64 << 10

// stall passes the front a connection whose client does not take the response, with what is left of it. What follows goes on a
// socket of its own, which is a pair.
func (c *Conn) stall(v []unix.Iovec, pair [2]int) error {
	h := contract.HandOver{Letter: contract.Output, Next: contract.OutputMore}
	c.hand(&h, pair[1])
	unix.Close(pair[1])
	c.response.relay = pair[0]
	return c.relay(v)
}

// wait waits for a client that is slow, and that the front cannot take because of err, as long as the front would. It returns false if
// that was in vain.
func (c *Conn) wait(err error) bool {
	if r := &c.response; !r.waited {
		r.waited = true
		c.Say(zlog.Warning, "the worker waits for its slow client, because the front cannot take it: "+err.Error())
	}
	timeout := -1
	if limit := c.Orders.Limits.BodyTimeout; limit > 0 {
		timeout = int(limit.Milliseconds()) + 1
	}
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}, timeout)
		if err != unix.EINTR {
			return err == nil && n > 0
		}
	}
}

// relay sends pieces to the front. It waits as long as the front has no room for them, and no longer than the front waits for the
// client.
func (c *Conn) relay(v []unix.Iovec) error {
	for _, piece := range v {
		for b := bytesOf(piece); len(b) > 0; {
			n := min(len(b), relayPacket)
			if err := c.sendRelay(contract.OutputMore, b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
	}
	return nil
}

func (c *Conn) sendRelay(next byte, b []byte) error {
	c.relayed = append(append(c.relayed[:0], next), b...)
	for {
		_, err := unix.SendmsgN(c.response.relay, c.relayed, nil, nil, unix.MSG_NOSIGNAL)
		switch err {
		case unix.EINTR:
		case nil:
			return nil
		default:
			c.response.gone = true
			return errGone
		}
	}
}

// endRelay says how a response has ended that the front sends.
func (c *Conn) endRelay() {
	r := &c.response
	switch {
	case r.gone, r.failed: // a socket that ends silently is a response that was cut off
	case c.keeps:
		c.sendRelay(contract.OutputEnd, c.in[c.first:])
	default:
		c.sendRelay(contract.OutputClose, nil)
	}
	unix.Close(r.relay)
	r.relay, c.relayed = -1, nil
	c.in, c.first = c.in[:0], 0
}
