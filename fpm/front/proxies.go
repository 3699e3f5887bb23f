package front

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// clientKey is the key of a connection's *client in its context.
type clientKey struct{}

// client is who is at the other end of a connection.
type client struct {
	remote, local netip.AddrPort // not valid on a unix socket
	tls           bool
	trusted       bool // it is a trusted proxy
	conn          *conn
}

// newClient looks who is at the other end.
func newClient(c net.Conn, tls bool, trusted proxies) *client {
	made := &client{remote: addrPort(c.RemoteAddr()), local: addrPort(c.LocalAddr()), tls: tls}
	if made.remote.IsValid() {
		made.trusted = trusted.has(made.remote.Addr())
	} else {
		made.trusted = trusted.unix
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

// proxies are those whose word about their clients counts.
type proxies struct {
	networks []netip.Prefix
	unix     bool
}

// newProxies reads contract.Front.TrustedProxies.
func newProxies(list []string) (p proxies, err error) {
	for _, text := range list {
		if text == "unix" {
			p.unix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return p, fmt.Errorf("trusted proxy %q is not an address, a network as 10.0.0.0/8, or \"unix\"", text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

func (p proxies) has(a netip.Addr) bool {
	return slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// heedProxy takes the client's address, scheme and host from what trusted proxies say: X-Forwarded-For, -Proto and -Host,
// or, where there is none of them, Forwarded (RFC 7239). Every proxy adds to the end of a list, so they are read from
// there, to the first address that is no trusted proxy's.
func (x *exchange) heedProxy() {
	h := x.r.Header
	forwarded := forwardedLists{h["X-Forwarded-For"], h["X-Forwarded-Proto"], h["X-Forwarded-Host"]}
	if forwarded.empty() {
		lines := h["Forwarded"]
		if len(lines) == 0 {
			return
		}
		forwarded = readForwarded(lines)
	}
	hops := 0
	for i, element := range forwarded.reversed(0) {
		address, ok := forwardedAddress(element)
		if !ok {
			break
		}
		x.remote, hops = address, i
		if !x.front.proxies.has(address.Addr()) {
			break
		}
	}
	switch strings.ToLower(forwarded.at(1, hops)) {
	case "https":
		x.https = true
	case "http":
		x.https = false
	}
	if host := forwarded.at(2, hops); isHost(host) {
		x.r.Host = host
	}
}

// forwardedLists are the values of for, proto and host.
type forwardedLists [3][]string

func (f *forwardedLists) empty() bool { return len(f[0])+len(f[1])+len(f[2]) == 0 }

// reversed gives a list's elements, the last first.
func (f *forwardedLists) reversed(which int) (elements []string) {
	for _, line := range slices.Backward(f[which]) {
		for _, element := range slices.Backward(strings.Split(line, ",")) {
			elements = append(elements, strings.TrimSpace(element))
		}
	}
	return elements
}

// at is the element that belongs to the proxy so many hops away. Many proxies make no list of it.
func (f *forwardedLists) at(which, hops int) string {
	elements := f.reversed(which)
	if len(elements) == 0 {
		return ""
	}
	return elements[min(hops, len(elements)-1)]
}

// readForwarded reads Forwarded headers. An element that does not name something has it empty.
func readForwarded(lines []string) (f forwardedLists) {
	for element := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		var values [3]string
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			value = strings.Trim(value, `"`)
			switch strings.ToLower(name) {
			case "for":
				values[0] = value
			case "proto":
				values[1] = value
			case "host":
				values[2] = value
			}
		}
		for i := range values {
			f[i] = append(f[i], values[i])
		}
	}
	return f
}

// forwardedAddress reads an address with or without port. "unknown" and made-up names (RFC 7239, 6.3) are none.
func forwardedAddress(text string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), 0), true
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), true
	}
	return netip.AddrPort{}, false
}

// isHost says whether a host that a proxy names can stand for the Host header.
func isHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	return !strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"'/\\<>?#@%,;`", c) })
}

// clientOf looks who is at the other end of a connection of net/http's.
func (f *Front) clientOf(c net.Conn) *client {
	secured, isTLS := c.(interface{ NetConn() net.Conn })
	if isTLS {
		c = secured.NetConn()
	}
	made := newClient(c, isTLS, f.proxies)
	made.conn, _ = c.(*conn)
	return made
}
