// Counterpart: main/fastcgi.c (fcgi_accept_request, fcgi_is_allowed, fcgi_get_last_client_ip)

package responder

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Peer is a connection's other end; the zero value is a client on a unix socket.
type Peer struct{ addr netip.Addr }

// Allowed are the clients that may connect: listen.allowed_clients, or FCGI_WEB_SERVER_ADDRS.
type Allowed struct {
	Addrs   []netip.Addr
	Limited bool // false: all clients may, and Addrs does not matter
}

// Admits reports whether a client may connect. An IPv4 address in the list admits it in its IPv6 form, too. Unlike
// main/fastcgi.c, which compares 12 bytes of 16, it compares the whole of an IPv6 address.
func (a *Allowed) Admits(p Peer) bool {
	if !a.Limited || !p.addr.IsValid() {
		return true
	}
	for _, addr := range a.Addrs {
		if addr == p.addr || addr == p.addr.Unmap() {
			return true
		}
	}
	return false
}

// String returns the address as logs show it; "" on a unix socket.
func (p Peer) String() string {
	if !p.addr.IsValid() {
		return ""
	}
	return p.addr.Unmap().String()
}

// Append puts the address into the memory of b; nil on a unix socket.
func (p Peer) Append(b []byte) []byte {
	if !p.addr.IsValid() {
		return nil
	}
	return p.addr.Unmap().AppendTo(b[:0])
}

// Accept takes a new connection from a listening socket. It returns its descriptor, which is closed on exec, and the other end. The
// error is a syscall.Errno.
func Accept(listen int) (fd int, p Peer, err error) {
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	r, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listen), uintptr(unsafe.Pointer(&sa)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, Peer{}, errno
	}
	return int(r), peerOf(&sa), nil
}

// PeerBehind returns the other end of the connection fd.
func PeerBehind(fd int) Peer {
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPEERNAME, uintptr(fd), uintptr(unsafe.Pointer(&sa)),
		uintptr(unsafe.Pointer(&size))); errno != 0 {
		return Peer{}
	}
	return peerOf(&sa)
}

// peerOf reads the address that accept(2) or getpeername(2) gave.
func peerOf(sa *unix.RawSockaddrAny) Peer {
	switch sa.Addr.Family {
	case unix.AF_INET:
		return Peer{netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr)}
	case unix.AF_INET6:
		return Peer{netip.AddrFrom16((*unix.RawSockaddrInet6)(unsafe.Pointer(sa)).Addr)}
	}
	return Peer{}
}
