package front

import (
	"net"
	"net/netip"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// clientKey is the key of a connection's *client in its context.
type clientKey struct{}

// client is the other end of a connection.
type client struct {
	remote, local netip.AddrPort // not valid on a unix socket
	tls           bool
	trusted       bool // it is a trusted proxy
	conn          *conn
}

// newClient returns the client at the other end of a connection.
func newClient(c net.Conn, tls bool, trusted site.Proxies) *client {
	made := &client{remote: addrPort(c.RemoteAddr()), local: addrPort(c.LocalAddr()), tls: tls}
	if made.remote.IsValid() {
		made.trusted = trusted.Has(made.remote.Addr())
	} else {
		made.trusted = trusted.Unix
	}
	return made
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	found := tcp.AddrPort()
	return netip.AddrPortFrom(found.Addr().Unmap(), found.Port())
}

// clientOf returns the client at the other end of a connection of net/http's.
func (f *Front) clientOf(c net.Conn) *client {
	secured, isTLS := c.(interface{ NetConn() net.Conn })
	if isTLS {
		c = secured.NetConn()
	}
	made := newClient(c, isTLS, f.proxies)
	made.conn, _ = c.(*conn)
	return made
}
