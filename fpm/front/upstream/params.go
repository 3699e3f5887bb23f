package upstream

import (
	"net/http"
	"strings"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// requestID is the FastCGI id of every request: a connection has one at a time.
const requestID = 1

// params writes a request's meta-variables.
type params struct {
	meta site.MetaWriter
	span []byte
}

// maxOwn is more than the meta-variables that are not a header's.
const maxOwn = 32

// takes reports whether a worker takes the headers of a request: of one with too many it closes the connection. How long
// they are need not be counted if net/http takes no head long enough.
func (p *Pool) takes(h *http.Request) bool {
	if len(h.Header) > fastcgi.DefaultMaxParams-maxOwn {
		return false
	}
	if most := p.Limits.HeaderBytes; most > 0 && most <= fastcgi.DefaultMaxParamBytes/8 {
		return true
	}
	n := 8 * (len(h.RequestURI) + len(h.Host)) // the path is in several meta-variables
	for name, values := range h.Header {
		n += len("HTTP_") + len(name) + 8
		for _, v := range values {
			n += len(v) + len("; ")
		}
	}
	return n < fastcgi.DefaultMaxParamBytes/8*7
}

// write writes all of r's. length is that of the body.
func (p *params) write(w *fastcgi.RequestWriter, r *Request, length int64, chroot string) {
	h := r.HTTP
	m := site.Meta{Proto: h.Proto, Method: h.Method, URI: requestURI(h), Query: h.URL.RawQuery, Host: h.Host, ID: r.ID, Script: r.Script,
		Chroot: chroot, Remote: r.RemoteAddr, Server: r.ServerAddr, HTTPS: r.HTTPS, Length: length,
		HasLength: length != 0 || len(h.Header["Content-Length"]) > 0}
	if v := h.Header["Content-Type"]; len(v) > 0 {
		m.ContentType = v[0]
	}
	p.meta.Write(w, &m)
	if r.Trace != nil {
		p.span = r.Trace.AppendOwn(p.span[:0])
		w.ParamBytes(spanParam, p.span)
	}
	for name, values := range h.Header {
		p.meta.Header(w, name, values, r.ID != "")
	}
}

var spanParam = []byte(contract.SpanParam)

// requestURI is the request's target without what an absolute one begins with.
func requestURI(h *http.Request) string {
	if strings.HasPrefix(h.RequestURI, "/") || h.RequestURI == "*" {
		return h.RequestURI
	}
	return h.URL.RequestURI()
}
