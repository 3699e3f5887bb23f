// Counterpart: main/fastcgi.c (fcgi_is_allowed, fcgi_get_last_client_ip)

package worker

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peer is a connection's other end; the zero value is a client on a unix socket.
type peer struct{ addr netip.Addr }

// allowed is listen.allowed_clients.
type allowed struct {
	addrs   []netip.Addr
	limited bool
}

// admits says whether a client may connect. An IPv4 address in the list admits it in its IPv6 form, too. Unlike
// php-fpm, which compares 12 bytes of 16, it compares the whole of an IPv6 address.
func (a *allowed) admits(p peer) bool {
	if !a.limited || !p.addr.IsValid() {
		return true
	}
	for _, addr := range a.addrs {
		if addr == p.addr || addr == p.addr.Unmap() {
			return true
		}
	}
	return false
}

// String is the address as logs show it; "" on a unix socket.
func (p peer) String() string {
	if !p.addr.IsValid() {
		return ""
	}
	return p.addr.Unmap().String()
}

// append puts the address into the memory of b; nil on a unix socket.
func (p peer) append(b []byte) []byte {
	if !p.addr.IsValid() {
		return nil
	}
	return p.addr.Unmap().AppendTo(b[:0])
}

// peerOf reads the address that accept(2) or getpeername(2) gave.
func peerOf(sa *unix.RawSockaddrAny) peer {
	switch sa.Addr.Family {
	case unix.AF_INET:
		return peer{netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr)}
	case unix.AF_INET6:
		return peer{netip.AddrFrom16((*unix.RawSockaddrInet6)(unsafe.Pointer(sa)).Addr)}
	}
	return peer{}
}
