package worker

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// endpoint is the worker's end of the control or the trace socket. Kept connections come and go by it with every few
// requests, so it allocates nothing.
type endpoint struct {
	rights [channel.RightsSize]byte // aligned, as it comes first
	fd     int
	letter [1]byte
	text   [32]byte // of the message that came last, from its letter on,
	length int      // and how long that is
	part   unix.Iovec
	header unix.Msghdr
}

// message makes header say: this text, and so much of rights.
func (e *endpoint) message(text []byte, rights int) uintptr {
	e.part.Base = unsafe.SliceData(text)
	e.part.SetLen(len(text))
	e.header = unix.Msghdr{Iov: &e.part, Iovlen: 1}
	if rights > 0 {
		e.header.Control = &e.rights[0]
		e.header.SetControllen(rights)
	}
	return uintptr(unsafe.Pointer(&e.header))
}

// send says a letter to the master, with a descriptor unless it is -1. A master that is gone is noticed elsewhere.
func (e *endpoint) send(letter byte, fd int) {
	size := 0
	if fd >= 0 {
		channel.PutDescriptor(e.rights[:], fd)
		size = len(e.rights)
	}
	e.letter[0] = letter
	for {
		_, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(e.fd), e.message(e.letter[:], size), unix.MSG_NOSIGNAL)
		if errno != unix.EINTR {
			return
		}
	}
}

// say says a letter to the master, with a text.
func (e *endpoint) say(letter byte, text string) {
	message := append([]byte{letter}, text...)
	unix.SendmsgN(e.fd, message[:min(len(message), contract.MaxMessage)], nil, nil, unix.MSG_NOSIGNAL)
}

// receive reads one message, and the descriptor that came with it; -1: none. Letter 0: the master is gone.
func (e *endpoint) receive() (letter byte, fd int) {
	for {
		n, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(e.fd), e.message(e.text[:], len(e.rights)), unix.MSG_CMSG_CLOEXEC)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || n == 0 {
			return 0, -1
		}
		e.length = min(int(n), len(e.text))
		return e.text[0], channel.Descriptor(e.rights[:e.header.Controllen])
	}
}

// isTold reports whether the next message is one of these letters, and leaves it there.
func (e *endpoint) isTold(letters ...byte) bool {
	var next [1]byte
	n, _, err := unix.Recvfrom(e.fd, next[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == nil && n == 1 && bytes.IndexByte(letters, next[0]) >= 0
}

// hear takes one message of the master's, and after an Idle all up to its answer: a worker that is told to leave meanwhile
// may be brought a connection still.
func (k *worker) hear() {
	letter, fd := k.control.receive()
	if letter != contract.WhenIdle {
		k.heed(letter, fd)
		return
	}
	k.control.send(contract.Idle, -1)
	for {
		letter, fd = k.control.receive()
		k.heed(letter, fd)
		if letter == contract.Connection || letter == contract.Nothing || letter == 0 {
			return
		}
	}
}

// heed does what a message asks for.
func (k *worker) heed(letter byte, fd int) {
	switch letter {
	case 0, contract.Quit:
		k.leaving = true
	case contract.Yield:
		k.leaving = true
		k.control.send(contract.Yielded, -1)
	case contract.Connection:
		if fd >= 0 {
			k.converse(talk{fd: fd, peer: responder.PeerBehind(fd), brought: true}, responder.NextByteTimeout, nil)
			return
		}
	case contract.LogLevel:
		k.setLogLevel(zlog.Level(k.control.text[1] - '0'))
	case contract.Caches:
		k.inspectCaches(string(k.control.text[1:k.control.length]))
	case contract.Profile:
		k.endSolitude()
		k.beginProfile(string(k.control.text[1:k.control.length]))
	case contract.AccessLog:
		k.setAccessLog(fd)
		return
	case contract.HTTPAccessLog:
		if fd >= 0 && k.web != nil {
			k.web.SetAccessLog(fd)
			k.withhold()
			return
		}
	case contract.LeaveHTTP:
		k.leaveHTTP()
	}
	if fd >= 0 {
		unix.Close(fd)
	}
}
