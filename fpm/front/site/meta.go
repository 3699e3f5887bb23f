package site

import (
	"net/netip"
	"strconv"
	"strings"
)

// Meta is what the meta-variables of a request (RFC 3875, section 4.1) say, but for its headers.
type Meta struct {
	Proto, Method string
	URI, Query    string // as the client wrote them, URI with the query
	Host          string // "": there is none
	ID            string // goes to PHP as HTTP_X_REQUEST_ID, in place of the client's; "": none
	Script        Script
	Chroot        string // is taken off the paths of Script
	// Remote and Server are the client's address and its listener's; not valid for a unix socket.
	Remote, Server netip.AddrPort
	HTTPS          bool
	ContentType    string // the first header of this name; "": there is no CONTENT_TYPE
	Length         int64  // of the body
	HasLength      bool   // CONTENT_LENGTH is Length; else there is none
}

// ParamWriter takes meta-variables. It keeps none of the names and values that it is given.
type ParamWriter interface {
	Param(name, value string) error
	ParamBytes(name, value []byte) error
}

// MetaWriter writes meta-variables: those that nginx's fastcgi_params and Apache pass. It remembers nothing but memory.
type MetaWriter struct {
	scratch []byte // a value or a name in the making
}

// Write writes those that are not a header's, but for the host and the id. Each name comes once, and none is one that Header writes.
func (p *MetaWriter) Write(w ParamWriter, m *Meta) {
	w.Param("GATEWAY_INTERFACE", "CGI/1.1")
	w.Param("SERVER_SOFTWARE", "phpsapi")
	w.Param("SERVER_PROTOCOL", m.Proto)
	w.Param("REDIRECT_STATUS", "200") // cgi.force_redirect wants it
	w.Param("REQUEST_METHOD", m.Method)
	w.Param("REQUEST_URI", m.URI)
	w.Param("QUERY_STRING", m.Query)
	p.script(w, &m.Script, m.Chroot)
	p.peers(w, m)
	// nginx passes both in any case, empty: getallheaders() then has headers that the client has not sent.
	if m.ContentType != "" {
		w.Param("CONTENT_TYPE", m.ContentType)
	}
	if m.HasLength {
		p.scratch = strconv.AppendInt(p.scratch[:0], m.Length, 10)
		w.ParamBytes(contentLength, p.scratch)
	}
	if m.Host != "" {
		w.Param("HTTP_HOST", m.Host)
	}
	if m.ID != "" {
		w.Param("HTTP_X_REQUEST_ID", m.ID)
	}
}

func (p *MetaWriter) script(w ParamWriter, s *Script, chroot string) {
	root := below(chroot, s.DocumentRoot)
	w.Param("DOCUMENT_ROOT", root)
	w.Param("SCRIPT_FILENAME", below(chroot, s.Filename))
	w.Param("SCRIPT_NAME", s.Name)
	if s.PathInfo == "" {
		w.Param("DOCUMENT_URI", s.Name)
		return
	}
	p.scratch = append(append(p.scratch[:0], s.Name...), s.PathInfo...)
	w.ParamBytes(documentURI, p.scratch)
	w.Param("PATH_INFO", s.PathInfo)
	p.scratch = append(append(p.scratch[:0], root...), s.PathInfo...)
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
func (p *MetaWriter) peers(w ParamWriter, m *Meta) {
	scheme, port := "http", "80"
	if m.HTTPS {
		scheme, port = "https", "443"
		w.Param("HTTPS", "on")
	}
	w.Param("REQUEST_SCHEME", scheme)
	if m.Remote.Addr().IsValid() {
		p.addrPort(w, remoteAddr, remotePort, m.Remote)
	} else {
		w.Param("REMOTE_ADDR", "unix:")
		w.Param("REMOTE_PORT", "")
	}
	if m.Server.Addr().IsValid() {
		p.addrPort(w, serverAddr, serverPort, m.Server)
	} else {
		w.Param("SERVER_ADDR", "unix:")
		w.Param("SERVER_PORT", port)
	}
	if name := hostname(m.Host); name != "" {
		w.Param("SERVER_NAME", name)
	} else if m.Server.Addr().IsValid() {
		w.Param("SERVER_NAME", m.Server.Addr().Unmap().String())
	} else {
		w.Param("SERVER_NAME", "localhost")
	}
}

func (p *MetaWriter) addrPort(w ParamWriter, addr, port []byte, a netip.AddrPort) {
	p.scratch = a.Addr().Unmap().AppendTo(p.scratch[:0])
	w.ParamBytes(addr, p.scratch)
	p.scratch = strconv.AppendUint(p.scratch[:0], uint64(a.Port()), 10)
	w.ParamBytes(port, p.scratch)
}

// hostname is a Host header without its port.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// Header writes the meta-variable of a header, in whatever case its name is. identified says that the request has an id, in place of
// the client's.
//
// Not written are names that two headers could share, such as X_Y and X-Y, or that are not names; and Proxy, which as
// HTTP_PROXY many programs would take for a setting of their environment's. Write has written those that have names of their own.
func (p *MetaWriter) Header(w ParamWriter, name string, values []string, identified bool) {
	p.scratch = append(p.scratch[:0], "HTTP_"...)
	for i := range len(name) {
		c := variable[name[i]]
		if c == 0 {
			return
		}
		p.scratch = append(p.scratch, c)
	}
	n := len(p.scratch)
	separator := ", "
	switch string(p.scratch[len("HTTP_"):]) {
	case "PROXY", "CONTENT_TYPE", "CONTENT_LENGTH", "HOST":
		return
	case "X_REQUEST_ID":
		if identified {
			return
		}
	case "COOKIE":
		separator = "; "
	}
	for i, v := range values {
		if i > 0 {
			p.scratch = append(p.scratch, separator...)
		}
		p.scratch = append(p.scratch, v...)
	}
	w.ParamBytes(p.scratch[:n], p.scratch[n:])
}

// variable is what a byte of a header's name is in a meta-variable's name; 0: such a header has none.
var variable = [256]byte{
	'-': '_',
	'0': '0', '1': '1', '2': '2', '3': '3', '4': '4', '5': '5', '6': '6', '7': '7', '8': '8', '9': '9',
	'A': 'A', 'B': 'B', 'C': 'C', 'D': 'D', 'E': 'E', 'F': 'F', 'G': 'G', 'H': 'H', 'I': 'I', 'J': 'J', 'K': 'K', 'L': 'L', 'M': 'M',
	'N': 'N', 'O': 'O', 'P': 'P', 'Q': 'Q', 'R': 'R', 'S': 'S', 'T': 'T', 'U': 'U', 'V': 'V', 'W': 'W', 'X': 'X', 'Y': 'Y', 'Z': 'Z',
	'a': 'A', 'b': 'B', 'c': 'C', 'd': 'D', 'e': 'E', 'f': 'F', 'g': 'G', 'h': 'H', 'i': 'I', 'j': 'J', 'k': 'K', 'l': 'L', 'm': 'M',
	'n': 'N', 'o': 'O', 'p': 'P', 'q': 'Q', 'r': 'R', 's': 'S', 't': 'T', 'u': 'U', 'v': 'V', 'w': 'W', 'x': 'X', 'y': 'Y', 'z': 'Z',
}
