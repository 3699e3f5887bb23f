package direct

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addrPort returns the address that accept(2), getpeername(2) or getsockname(2) gave. It is not valid if that is not an internet
// address. One of IPv4 that came to a listener of IPv6 is one of IPv4, as trusted proxies are told.
func addrPort(sa *unix.RawSockaddrAny) netip.AddrPort {
	port := func(p *uint16) uint16 {
		b := (*[2]byte)(unsafe.Pointer(p)) // network byte order
		return uint16(b[0])<<8 | uint16(b[1])
	}
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(&in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), port(&in.Port))
	}
	return netip.AddrPort{}
}

// localAddress returns the address that a client has connected to.
func localAddress(fd int) netip.AddrPort { return askAddress(unix.SYS_GETSOCKNAME, fd) }

// RemoteAddress returns a client's address.
func RemoteAddress(fd int) netip.AddrPort { return askAddress(unix.SYS_GETPEERNAME, fd) }

// isUnix reports whether a socket is one of the file system.
func isUnix(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_UNIX
}

func askAddress(call uintptr, fd int) netip.AddrPort {
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	if _, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return netip.AddrPort{}
	}
	return addrPort(&sa)
}
