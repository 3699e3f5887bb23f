package upstream

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// requestID is the FastCGI id of every request: a connection has one at a time.
const requestID = 1

// params writes a request's meta-variables (RFC 3875, section 4.1): those that nginx's fastcgi_params and Apache pass.
type params struct {
	w       *fastcgi.RequestWriter
	scratch []byte // a value or a name in the making
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
	p.w = w
	h := r.HTTP
	w.Param("GATEWAY_INTERFACE", "CGI/1.1")
	w.Param("SERVER_SOFTWARE", "phpsapi")
	w.Param("SERVER_PROTOCOL", h.Proto)
	w.Param("REDIRECT_STATUS", "200") // cgi.force_redirect wants it
	w.Param("REQUEST_METHOD", h.Method)
	w.Param("REQUEST_URI", requestURI(h))
	w.Param("QUERY_STRING", h.URL.RawQuery)
	p.script(&r.Script, chroot)
	p.peers(r)
	p.body(h, length)
	if h.Host != "" {
		w.Param("HTTP_HOST", h.Host)
	}
	if r.ID != "" {
		w.Param("HTTP_X_REQUEST_ID", r.ID)
	}
	for name, values := range h.Header {
		p.header(name, values, r.ID != "")
	}
}

// requestURI is the request's target without what an absolute one begins with.
func requestURI(h *http.Request) string {
	if strings.HasPrefix(h.RequestURI, "/") || h.RequestURI == "*" {
		return h.RequestURI
	}
	return h.URL.RequestURI()
}

func (p *params) script(s *site.Script, chroot string) {
	w := p.w
	w.Param("DOCUMENT_ROOT", below(chroot, s.DocumentRoot))
	w.Param("SCRIPT_FILENAME", below(chroot, s.Filename))
	w.Param("SCRIPT_NAME", s.Name)
	if s.PathInfo == "" {
		w.Param("DOCUMENT_URI", s.Name)
		return
	}
	p.scratch = append(append(p.scratch[:0], s.Name...), s.PathInfo...)
	w.ParamBytes(documentURI, p.scratch)
	w.Param("PATH_INFO", s.PathInfo)
	p.scratch = append(append(p.scratch[:0], below(chroot, s.DocumentRoot)...), s.PathInfo...)
	w.ParamBytes(pathTranslated, p.scratch)
}

// below is a path as a process in the directory root sees it.
func below(root, path string) string {
	if root == "" || root == "/" {
		return path
	}
	root = strings.TrimRight(root, "/")
	if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
		return "/" + strings.TrimPrefix(rest, "/")
	}
	return path
}

// The names of values that are put together here.
var (
	documentURI    = []byte("DOCUMENT_URI")
	pathTranslated = []byte("PATH_TRANSLATED")
	remoteAddr     = []byte("REMOTE_ADDR")
	remotePort     = []byte("REMOTE_PORT")
	serverAddr     = []byte("SERVER_ADDR")
	serverPort     = []byte("SERVER_PORT")
	contentLength  = []byte("CONTENT_LENGTH")
)

// peers says who talks to whom. A client on a unix socket has nginx's address for such, "unix:", and no port.
func (p *params) peers(r *Request) {
	w := p.w
	scheme, port := "http", "80"
	if r.HTTPS {
		scheme, port = "https", "443"
		w.Param("HTTPS", "on")
	}
	w.Param("REQUEST_SCHEME", scheme)
	if r.RemoteAddr.Addr().IsValid() {
		p.addrPort(remoteAddr, remotePort, r.RemoteAddr)
	} else {
		w.Param("REMOTE_ADDR", "unix:")
		w.Param("REMOTE_PORT", "")
	}
	if r.ServerAddr.Addr().IsValid() {
		p.addrPort(serverAddr, serverPort, r.ServerAddr)
	} else {
		w.Param("SERVER_ADDR", "unix:")
		w.Param("SERVER_PORT", port)
	}
	if name := hostname(r.HTTP.Host); name != "" {
		w.Param("SERVER_NAME", name)
	} else if r.ServerAddr.Addr().IsValid() {
		w.Param("SERVER_NAME", r.ServerAddr.Addr().Unmap().String())
	} else {
		w.Param("SERVER_NAME", "localhost")
	}
}

func (p *params) addrPort(addr, port []byte, a netip.AddrPort) {
	p.scratch = a.Addr().Unmap().AppendTo(p.scratch[:0])
	p.w.ParamBytes(addr, p.scratch)
	p.scratch = strconv.AppendUint(p.scratch[:0], uint64(a.Port()), 10)
	p.w.ParamBytes(port, p.scratch)
}

// hostname is a Host header without its port.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

func (p *params) body(h *http.Request, length int64) {
	contentType := ""
	if v := h.Header["Content-Type"]; len(v) > 0 {
		contentType = v[0]
	}
	p.w.Param("CONTENT_TYPE", contentType)
	if length == 0 && len(h.Header["Content-Length"]) == 0 {
		p.w.Param("CONTENT_LENGTH", "") // as in nginx
		return
	}
	p.scratch = strconv.AppendInt(p.scratch[:0], length, 10)
	p.w.ParamBytes(contentLength, p.scratch)
}

// header passes on a header of the request. identified says that the request has an id, in place of the client's.
//
// Not passed are names that two headers could share, such as X_Y and X-Y, or that are no names; and Proxy, which as
// HTTP_PROXY many programs would take for a setting of their environment's.
func (p *params) header(name string, values []string, identified bool) {
	switch name {
	case "Proxy", "Content-Type", "Content-Length", "Host":
		return
	case "X-Request-Id":
		if identified {
			return
		}
	}
	p.scratch = append(p.scratch[:0], "HTTP_"...)
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case c == '-':
			c = '_'
		case 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		default:
			return
		}
		p.scratch = append(p.scratch, c)
	}
	n := len(p.scratch)
	for i, v := range values {
		switch {
		case i == 0:
		case name == "Cookie":
			p.scratch = append(p.scratch, "; "...)
		default:
			p.scratch = append(p.scratch, ", "...)
		}
		p.scratch = append(p.scratch, v...)
	}
	p.w.ParamBytes(p.scratch[:n], p.scratch[n:])
}
