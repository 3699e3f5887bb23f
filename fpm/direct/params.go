package direct

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// setParams gives p the meta-variables of the present request (RFC 3875, section 4.1): those that the front gives the same request.
func (c *Conn) setParams(p *fastcgi.Params, s *site.Script) {
	p.Reset()
	h := &c.head
	set := func(name string, value []byte) { p.Add(name, value) }
	c.text(p, "FCGI_ROLE", "RESPONDER") // as if the request had come by FastCGI
	c.text(p, "GATEWAY_INTERFACE", "CGI/1.1")
	c.text(p, "SERVER_SOFTWARE", "phpsapi")
	c.text(p, "SERVER_PROTOCOL", "HTTP/1.1")
	c.text(p, "REDIRECT_STATUS", "200")
	set("REQUEST_METHOD", h.method)
	set("REQUEST_URI", h.target)
	set("QUERY_STRING", h.query)
	c.setScript(p, s)
	c.setPeers(p)
	kind := h.first("Content-Type")
	set("CONTENT_TYPE", kind)
	if h.length < 0 {
		set("CONTENT_LENGTH", nil)
	} else {
		c.scratch = strconv.AppendInt(c.scratch[:0], h.length, 10)
		set("CONTENT_LENGTH", c.scratch)
	}
	c.text(p, "HTTP_HOST", c.who.Host)
	set("HTTP_X_REQUEST_ID", c.id)
	for i := range h.fields {
		c.setField(p, i)
	}
}

// text is Add for a string.
func (c *Conn) text(p *fastcgi.Params, name, value string) {
	c.scratch = append(c.scratch[:0], value...)
	p.Add(name, c.scratch)
}

func (c *Conn) setScript(p *fastcgi.Params, s *site.Script) {
	c.text(p, "DOCUMENT_ROOT", s.DocumentRoot)
	c.text(p, "SCRIPT_FILENAME", s.Filename)
	c.text(p, "SCRIPT_NAME", s.Name)
	c.scratch = append(append(c.scratch[:0], s.Name...), s.PathInfo...)
	p.Add("DOCUMENT_URI", c.scratch)
	if s.PathInfo == "" {
		return
	}
	c.text(p, "PATH_INFO", s.PathInfo)
	c.scratch = append(append(c.scratch[:0], s.DocumentRoot...), s.PathInfo...)
	p.Add("PATH_TRANSLATED", c.scratch)
}

// setPeers says who talks to whom. A client on a unix socket has nginx's address for such, "unix:", and no port.
func (c *Conn) setPeers(p *fastcgi.Params) {
	scheme, port := "http", "80"
	if c.who.HTTPS {
		scheme, port = "https", "443"
		c.text(p, "HTTPS", "on")
	}
	c.text(p, "REQUEST_SCHEME", scheme)
	if c.who.Remote.Addr().IsValid() {
		c.address(p, "REMOTE_ADDR", "REMOTE_PORT", c.who.Remote)
	} else {
		c.text(p, "REMOTE_ADDR", "unix:")
		c.text(p, "REMOTE_PORT", "")
	}
	if c.local.Addr().IsValid() {
		c.address(p, "SERVER_ADDR", "SERVER_PORT", c.local)
	} else {
		c.text(p, "SERVER_ADDR", "unix:")
		c.text(p, "SERVER_PORT", port)
	}
	host := c.who.Host
	if i := lastColon(host); i >= 0 {
		host = host[:i]
	}
	switch {
	case host != "":
		c.text(p, "SERVER_NAME", host)
	case c.local.Addr().IsValid():
		c.scratch = c.local.Addr().Unmap().AppendTo(c.scratch[:0])
		p.Add("SERVER_NAME", c.scratch)
	default:
		c.text(p, "SERVER_NAME", "localhost")
	}
}

// lastColon returns where a host's port begins; -1: it has none.
func lastColon(host string) int {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			return i
		}
	}
	return -1
}

func (c *Conn) address(p *fastcgi.Params, addr, port string, a netip.AddrPort) {
	c.scratch = a.Addr().Unmap().AppendTo(c.scratch[:0])
	p.Add(addr, c.scratch)
	c.scratch = strconv.AppendUint(c.scratch[:0], uint64(a.Port()), 10)
	p.Add(port, c.scratch)
}

// setField passes on header i, with all others of its name. Not passed are names that two headers could share, such as X_Y and X-Y, or
// that are no names; and Proxy, which as HTTP_PROXY many programs would take for a setting of their environment's.
func (c *Conn) setField(p *fastcgi.Params, i int) {
	fields := c.head.fields
	name := fields[i].name
	for _, not := range [...]string{"Proxy", "Content-Type", "Content-Length", site.RequestIDHeader} {
		if equalFold(name, not) {
			return
		}
	}
	for j := range i {
		if len(fields[j].name) == len(name) && bytes.EqualFold(fields[j].name, name) {
			return // it went with that
		}
	}
	c.scratch = append(c.scratch[:0], "HTTP_"...)
	for _, ch := range name {
		switch {
		case 'a' <= ch && ch <= 'z':
			ch -= 'a' - 'A'
		case ch == '-':
			ch = '_'
		case 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9':
		default:
			return
		}
		c.scratch = append(c.scratch, ch)
	}
	n := len(c.scratch)
	more := false
	for j := i + 1; j < len(fields); j++ {
		if len(fields[j].name) == len(name) && bytes.EqualFold(fields[j].name, name) {
			more = true
			break
		}
	}
	if !more {
		p.AddBytes(c.scratch[:n], fields[i].value)
		return
	}
	c.scratch = append(c.scratch, fields[i].value...)
	for j := i + 1; j < len(fields); j++ {
		if len(fields[j].name) != len(name) || !bytes.EqualFold(fields[j].name, name) {
			continue
		}
		if equalFold(name, "Cookie") {
			c.scratch = append(c.scratch, "; "...)
		} else {
			c.scratch = append(c.scratch, ", "...)
		}
		c.scratch = append(c.scratch, fields[j].value...)
	}
	p.AddBytes(c.scratch[:n], c.scratch[n:])
}
