package front

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// backlogOf returns how many connections wait at a listening socket.
func backlogOf(fd int) int {
	if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		return int(info.Unacked)
	}
	if n, ok := unixBacklog(fd); ok {
		return n
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0); err == nil && n > 0 {
		return 1 // or more
	}
	return 0
}

// The kernel's words about unix sockets: linux/unix_diag.h.
const (
	sockDiagByFamily = 20
	showQueue        = 0x10 // UDIAG_SHOW_RQLEN
	queueAttribute   = 4    // UNIX_DIAG_RQLEN
)

// unixBacklog asks the kernel about a unix socket. It returns false if that does not tell.
func unixBacklog(fd int) (waiting int, ok bool) {
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil {
		return 0, false
	}
	netlink, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, false
	}
	defer unix.Close(netlink)
	order := binary.NativeEndian
	const header, request = unix.SizeofNlMsghdr, 24
	question := make([]byte, header+request)
	order.PutUint32(question[0:], header+request)
	order.PutUint16(question[4:], sockDiagByFamily)
	order.PutUint16(question[6:], unix.NLM_F_REQUEST)
	question[header] = unix.AF_UNIX
	order.PutUint32(question[header+4:], 0xffffffff) // any state
	order.PutUint32(question[header+8:], uint32(stat.Ino))
	order.PutUint32(question[header+12:], showQueue)
	order.PutUint32(question[header+16:], 0xffffffff) // no cookie
	order.PutUint32(question[header+20:], 0xffffffff)
	if unix.Sendto(netlink, question, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, false
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(netlink, answer, 0)
	const fixed = header + 16 // struct unix_diag_msg
	if err != nil || n < fixed || order.Uint16(answer[4:]) != sockDiagByFamily {
		return 0, false
	}
	for rest := answer[fixed:n]; len(rest) >= 4; {
		size, kind := int(order.Uint16(rest[0:])), order.Uint16(rest[2:])
		if size < 4 || size > len(rest) {
			break
		}
		if kind == queueAttribute && size >= 8 {
			return int(order.Uint32(rest[4:])), true
		}
		rest = rest[min((size+3)&^3, len(rest)):]
	}
	return 0, false
}
