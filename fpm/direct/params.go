package direct

import (
	"bytes"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// adder adds meta-variables to params. None of them comes twice.
type adder fastcgi.Params

func (a *adder) Param(name, value string) error {
	(*fastcgi.Params)(a).Add(name, value)
	return nil
}

func (a *adder) ParamBytes(name, value []byte) error {
	(*fastcgi.Params)(a).AddBytes(name, value)
	return nil
}

// setParams gives p the meta-variables of the present request: those that the front gives the same request.
func (c *Conn) setParams(p *fastcgi.Params, s *site.Script) {
	p.Reset()
	h, to := &c.head, (*adder)(p)
	p.Add("FCGI_ROLE", "RESPONDER") // as if the request had come by FastCGI
	c.meta.Write(to, &site.Meta{Proto: "HTTP/1.1", Method: view(h.method), URI: view(h.target), Query: view(h.query), Host: c.who.Host,
		ID: view(c.id), Script: *s, Remote: c.who.Remote, Server: c.local, HTTPS: c.who.HTTPS, ContentType: view(h.first("Content-Type")),
		Length: h.length, HasLength: h.length >= 0})
	for i := range h.fields {
		if h.isFirst(i) {
			c.values = h.appendValues(c.values[:0], i)
			c.meta.Header(to, view(h.fields[i].name), c.values, true)
		}
	}
}

// isFirst reports whether no header before the one at i has its name.
func (h *head) isFirst(i int) bool {
	for j := range i {
		if h.sameName(i, j) {
			return false
		}
	}
	return true
}

// appendValues appends the values of the headers from i on that have the name of the one there.
func (h *head) appendValues(values []string, i int) []string {
	values = append(values, view(h.fields[i].value))
	for j := i + 1; j < len(h.fields); j++ {
		if h.sameName(i, j) {
			values = append(values, view(h.fields[j].value))
		}
	}
	return values
}

func (h *head) sameName(i, j int) bool {
	a, b := h.fields[i].name, h.fields[j].name
	return len(a) == len(b) && a[0]|0x20 == b[0]|0x20 && bytes.EqualFold(a, b)
}
