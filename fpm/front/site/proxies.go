package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are those whose word about their clients counts.
type Proxies struct {
	networks []netip.Prefix
	Unix     bool // every client of a unix socket is one
}

// NewProxies reads contract.Front.TrustedProxies.
func NewProxies(list []string) (p Proxies, err error) {
	for _, text := range list {
		if text == "unix" {
			p.Unix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return p, fmt.Errorf("trusted proxy %q is not an address, a network such as 10.0.0.0/8, or \"unix\"", text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		p.networks = append(p.networks, network.Masked())
	}
	return p, nil
}

// Has reports whether an address is one of them.
func (p Proxies) Has(a netip.Addr) bool {
	for i := range p.networks {
		if p.networks[i].Contains(a) {
			return true
		}
	}
	return false
}

// Visitor is who a request is from and what it is for, as far as proxies have a say in it.
type Visitor struct {
	Remote netip.AddrPort // not valid: unknown, on a unix socket
	HTTPS  bool
	Host   string // the Host header
}

// Fields are a request's headers, by their canonical names. http.Header is one.
type Fields interface {
	Values(name string) []string
}

// Heed takes the client's address, scheme and host from what a trusted proxy says: X-Forwarded-For, -Proto and -Host,
// or, if there is none of them, Forwarded (RFC 7239). Every proxy adds to the end of a list, so they are read from
// there, to the first address that is not a trusted proxy's.
func (p Proxies) Heed(v *Visitor, h Fields) {
	forwarded := forwardedLists{h.Values("X-Forwarded-For"), h.Values("X-Forwarded-Proto"), h.Values("X-Forwarded-Host")}
	if forwarded.empty() {
		lines := h.Values("Forwarded")
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
		v.Remote, hops = address, i
		if !p.Has(address.Addr()) {
			break
		}
	}
	switch strings.ToLower(forwarded.at(1, hops)) {
	case "https":
		v.HTTPS = true
	case "http":
		v.HTTPS = false
	}
	if host := forwarded.at(2, hops); isHost(host) {
		v.Host = host
	}
}

// forwardedLists are the values of for, proto and host.
type forwardedLists [3][]string

func (f *forwardedLists) empty() bool { return len(f[0])+len(f[1])+len(f[2]) == 0 }

// reversed returns a list's elements, the last first.
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

// isHost reports whether a host that a proxy names can stand for the Host header.
func isHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	return !strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"'/\\<>?#@%,;`", c) })
}
