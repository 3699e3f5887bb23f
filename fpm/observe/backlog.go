package observe

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// backlog is how many connections wait at a listening socket, and how many can.
type backlog struct{ waiting, most int }

// The kernel's interface for the queues of unix sockets: sock_diag(7). Package unix has no names for it.
const (
	sockDiagByFamily = 20
	udiagShowRQLen   = 0x10
	unixDiagRQLen    = 4
	tcpListen        = 10
)

// unixDiagRequest is struct unix_diag_req.
type unixDiagRequest struct {
	family, protocol uint8
	_                uint16
	states           uint32
	inode            uint32
	show             uint32
	cookie           [2]uint32
}

// An answer begins with struct unix_diag_msg: a byte each for family, type and state, one that is unused, the inode number in 4 bytes,
// and a cookie of 8.
const (
	diagInode   = 4  // the offset
	diagMessage = 16 // the length
)

// unixBacklogs returns the queues of the pools' unix sockets by their inode numbers: what the kernel tells anybody of the network namespace. It
// is empty if the kernel tells nothing.
func unixBacklogs(pools []*watched) map[uint64]backlog {
	wanted := map[uint64]backlog{}
	for _, w := range pools {
		if w.Socket != 0 {
			wanted[w.Socket] = backlog{most: -1}
		}
	}
	if len(wanted) > 0 {
		readBacklogs(wanted)
	}
	for inode, b := range wanted {
		if b.most < 0 {
			delete(wanted, inode)
		}
	}
	return wanted
}

// readBacklogs asks for all listening unix sockets, and notes those that are wanted.
func readBacklogs(wanted map[uint64]backlog) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	patience := unix.NsecToTimeval(1e9)
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience)
	request := struct {
		header unix.NlMsghdr
		unixDiagRequest
	}{
		header:          unix.NlMsghdr{Type: sockDiagByFamily, Flags: unix.NLM_F_REQUEST | unix.NLM_F_DUMP},
		unixDiagRequest: unixDiagRequest{family: unix.AF_UNIX, states: 1 << tcpListen, show: udiagShowRQLen},
	}
	request.header.Len = uint32(unsafe.Sizeof(request))
	message := unsafe.Slice((*byte)(unsafe.Pointer(&request)), unsafe.Sizeof(request))
	if unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return
	}
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || !heedBacklogs(buffer[:n], wanted) {
			return
		}
	}
}

// heedBacklogs notes what the messages of a datagram say. It returns false after the last one.
func heedBacklogs(datagram []byte, wanted map[uint64]backlog) bool {
	const header = unix.SizeofNlMsghdr
	for len(datagram) >= header {
		length := int(binary.NativeEndian.Uint32(datagram))
		kind := binary.NativeEndian.Uint16(datagram[4:])
		if length < header || length > len(datagram) || kind != sockDiagByFamily {
			return false // the end, or an error
		}
		heedBacklog(datagram[header:length], wanted)
		datagram = datagram[min((length+3)&^3, len(datagram)):]
	}
	return true
}

// heedBacklog notes what a message says of a socket.
func heedBacklog(message []byte, wanted map[uint64]backlog) {
	if len(message) < diagMessage {
		return
	}
	inode := uint64(binary.NativeEndian.Uint32(message[diagInode:]))
	if _, is := wanted[inode]; !is {
		return
	}
	for rest := message[diagMessage:]; len(rest) >= 4; {
		length, kind := int(binary.NativeEndian.Uint16(rest)), binary.NativeEndian.Uint16(rest[2:])
		if length < 4 || length > len(rest) {
			return
		}
		if kind == unixDiagRQLen && length >= 12 {
			wanted[inode] = backlog{int(binary.NativeEndian.Uint32(rest[4:])), int(binary.NativeEndian.Uint32(rest[8:]))}
		}
		rest = rest[min((length+3)&^3, len(rest)):]
	}
}
