package channel

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What follows is for sockets that many processes share, and for workers, whose messages allocate nothing.

// RightsSize is room, in bytes, for the one descriptor that may come with a message.
const RightsSize = unix.SizeofCmsghdr + 8

// Descriptor returns the one descriptor that came with a message, without allocation; -1: none.
func Descriptor(rights []byte) int {
	if len(rights) < unix.SizeofCmsghdr+4 {
		return -1
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&rights[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_RIGHTS {
		return -1
	}
	return int(*(*int32)(unsafe.Pointer(&rights[unix.SizeofCmsghdr])))
}

// PutDescriptor makes rights, RightsSize bytes, say that fd comes with a message.
func PutDescriptor(rights []byte, fd int) {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&rights[0]))
	h.Level, h.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS
	h.SetLen(unix.SizeofCmsghdr + 4)
	*(*int32)(unsafe.Pointer(&rights[unix.SizeofCmsghdr])) = int32(fd)
}

// inFlightPause is how long a sender waits whose user has as many descriptors on their way in sockets as one process may have open
// (unix(7), ETOOMANYREFS): the reader takes them out, and no poll tells of that.
const inFlightPause = 2 * time.Millisecond

// SendPacket sends a packet with descriptors as soon as there is room for it. It returns unix.EAGAIN if there is none within patience,
// and unix.EMSGSIZE if the packet has more than most bytes.
func SendPacket(to int, packet []byte, most int, patience time.Duration, fds ...int) error {
	if len(packet) > most {
		return unix.EMSGSIZE
	}
	rights := unix.UnixRights(fds...)
	for deadline := time.Now().Add(patience); ; {
		err := unix.Sendmsg(to, packet, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		left := time.Until(deadline)
		switch {
		case err == unix.EINTR:
		case left > 0 && err == unix.ETOOMANYREFS:
			time.Sleep(inFlightPause)
		case err != unix.EAGAIN || left <= 0:
			return err
		default:
			unix.Poll([]unix.PollFd{{Fd: int32(to), Events: unix.POLLOUT}}, int(left.Milliseconds())+1)
		}
	}
}
