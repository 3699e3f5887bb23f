package worker

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// send says a letter to the master, with a descriptor unless it is -1. A master that is gone is noticed elsewhere.
func (k *worker) send(letter byte, fd int) {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	for {
		_, err := unix.SendmsgN(k.control, []byte{letter}, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return
		}
	}
}

// hear takes one message of the master's, and after an Idle its answer.
func (k *worker) hear() {
	letter, fd := k.receive()
	if letter == contract.WhenIdle {
		k.send(contract.Idle, -1)
		letter, fd = k.receive()
	}
	switch letter {
	case 0, contract.Quit:
		k.leaving = true
	case contract.Connection:
		if fd >= 0 {
			k.converse(fd, k.peerBehind(fd), false, nextByteTimeout)
			return
		}
	case contract.AccessLog:
		k.setAccessLog(fd)
		return
	}
	if fd >= 0 {
		unix.Close(fd)
	}
}

func (k *worker) receive() (letter byte, fd int) { return receiveFrom(k.control) }

// receiveFrom reads one message. Letter 0: the master is gone.
func receiveFrom(socket int) (letter byte, fd int) {
	var text [contract.MaxMessage]byte
	var rights [64]byte
	for {
		n, rn, _, _, err := unix.Recvmsg(socket, text[:], rights[:], unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, -1
		}
		return text[0], firstRight(rights[:rn])
	}
}

// firstRight is the descriptor that came with a message; -1: none.
func firstRight(control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return -1
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil && len(fds) > 0 {
			return fds[0]
		}
	}
	return -1
}

// peerBehind finds out who is at the other end of a connection that was parked.
func (k *worker) peerBehind(fd int) peer {
	if !k.tcp {
		return peer{}
	}
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPEERNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa)),
		uintptr(unsafe.Pointer(&size))); errno != 0 {
		return peer{}
	}
	return peerOf(&sa)
}
