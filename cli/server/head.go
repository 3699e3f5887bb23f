package server

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Counterpart: sapi/cli/php_http_parser.c, whose tolerance this file has: bare line feeds, HTTP/0.9, absolute URLs,
// blanks in header names.

// maxHead is how many bytes a request's line and header fields may have.
const maxHead = 80 << 10

// maxPath is how many bytes a URL's path may have.
const maxPath = 16 << 10

// isMethod reports whether a method is passed on; every other one is notImplemented.
func isMethod(name string) bool {
	switch name {
	case "DELETE", "GET", "HEAD", "POST", "PUT", "PATCH", "CONNECT", "OPTIONS", "TRACE", "COPY", "LOCK", "MKCOL", "MOVE",
		"MKCALENDAR", "PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK", "REPORT", "MKACTIVITY", "CHECKOUT", "MERGE",
		"M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE":
		return true
	}
	return false
}

// notImplemented stands for a method that is not known, in the log too.
const notImplemented = "NOTIMPLEMENTED"

// Why there is no request.
var (
	errMalformed  = errors.New("malformed request")
	errTLS        = errors.New("the client speaks TLS")
	errUnfinished = errors.New("the request is not complete")
	errNothing    = errors.New("no request")
)

// head is a request without its body.
type head struct {
	method   string
	uri      string  // the target as it was sent
	path     string  // its path, still encoded; empty if the target is a host alone
	query    *string // nil if there is none; "/?" has none
	protocol int     // 101 for HTTP/1.1, 9 for HTTP/0.9
	fields   []field // in the order they were sent, repeated ones too
	length   int64   // Content-Length; 0 where it is not given
	chunked  bool
}

type field struct {
	name, value string
}

// headReader reads one head.
type headReader struct {
	r    *bufio.Reader
	read int // bytes so far
	head head
}

// readHead reads a head. The error is one of this file's, or the connection's own.
func readHead(r *bufio.Reader) (*head, error) {
	h := headReader{r: r}
	first, err := h.start()
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{func() error { return h.method(first) }, h.target} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if h.head.protocol != 9 {
		if err := h.version(); err != nil {
			return nil, err
		}
	}
	if h.head.fields, err = h.fields(); err != nil {
		return nil, err
	}
	return &h.head, h.head.framing()
}

// next returns the next byte.
func (h *headReader) next() (byte, error) {
	h.read++
	if h.read > maxHead {
		return 0, errMalformed
	}
	c, err := h.r.ReadByte()
	if err == io.EOF {
		err = errUnfinished
	}
	return c, err
}

// start skips empty lines before the request, and returns its first byte.
func (h *headReader) start() (byte, error) {
	for {
		c, err := h.next()
		switch {
		case err == errUnfinished:
			return 0, errNothing
		case err != nil:
			return 0, err
		case c == '\r' || c == '\n':
			continue
		case c >= 'A' && c <= 'Z':
			return c, nil
		case c&0x80 != 0 || c == 0x16: // how SSL 2 and TLS begin
			return 0, errTLS
		}
		return 0, errMalformed
	}
}

func (h *headReader) method(first byte) error {
	name := []byte{first}
	for {
		c, err := h.next()
		if err != nil {
			return err
		}
		if c == 0 {
			return errMalformed
		}
		if c == ' ' {
			break
		}
		name = append(name, c)
	}
	h.head.method = notImplemented
	if isMethod(string(name)) {
		h.head.method = string(name)
	}
	return nil
}

// blanks skips spaces and returns the byte after them.
func (h *headReader) blanks() (byte, error) {
	for {
		c, err := h.next()
		if err != nil || c != ' ' {
			return c, err
		}
	}
}

// target reads the request's target up to the space behind it, or up to the line's end, which makes it HTTP/0.9.
func (h *headReader) target() error {
	c, err := h.blanks()
	if err != nil {
		return err
	}
	var uri []byte
	for ; ; uri = append(uri, c) {
		if len(uri) > 0 {
			if c, err = h.next(); err != nil {
				return err
			}
		}
		if len(uri) == 0 && c != '/' && c != '*' && !isLetter(c) {
			return errMalformed
		}
		if c == ' ' || c == '\r' || c == '\n' {
			break
		}
		if !isURLByte(c) {
			return errMalformed
		}
	}
	h.head.uri = string(uri)
	if c != ' ' {
		h.head.protocol = 9
		if err := h.lineEnd(c); err != nil {
			return err
		}
	}
	return h.head.split()
}

// split takes the target's path and query.
func (h *head) split() error {
	rest := h.uri
	if rest[0] != '/' && rest[0] != '*' {
		authority, ok := authorityEnd(rest)
		if !ok || authority == len(rest) && h.protocol == 9 {
			return errMalformed
		}
		rest = rest[authority:]
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, found := strings.Cut(rest, "?")
	if len(path) > maxPath {
		return errMalformed
	}
	h.path = path
	if query = strings.TrimLeft(query, "?"); found && query != "" {
		h.query = &query
	}
	return nil
}

// authorityEnd finds the end of the scheme, host and port with which an absolute URL begins: the index of the first
// slash behind them.
func authorityEnd(uri string) (int, bool) {
	i := 0
	for i < len(uri) && isLetter(uri[i]) {
		i++
	}
	switch {
	case i == len(uri):
		return 0, false
	case uri[i] == ':':
		i += 3 // "://"
	case uri[i] == '.' || isDigit(uri[i]):
		i++
	default:
		return 0, false
	}
	for i < len(uri) && (isLetter(uri[i]) || isDigit(uri[i]) || uri[i] == '.' || uri[i] == '-') {
		i++
	}
	if i < len(uri) && uri[i] == ':' {
		for i++; i < len(uri) && isDigit(uri[i]); i++ {
		}
	}
	return i, i == len(uri) || i < len(uri) && uri[i] == '/'
}

// version reads "HTTP/1.1" and the line's end.
func (h *headReader) version() error {
	c, err := h.blanks()
	if err != nil {
		return err
	}
	if c != 'H' {
		return errMalformed
	}
	for range len("TTP/") { // php does not look at them
		if _, err := h.next(); err != nil {
			return err
		}
	}
	major, c, err := h.number()
	if err != nil {
		return err
	}
	if c != '.' || major == 0 {
		return errMalformed
	}
	minor, c, err := h.number()
	if err != nil {
		return err
	}
	h.head.protocol = major*100 + minor
	return h.lineEnd(c)
}

// number reads digits, at least one, and returns the byte after them too.
func (h *headReader) number() (n int, behind byte, err error) {
	for digits := 0; ; digits++ {
		c, err := h.next()
		if err != nil {
			return 0, 0, err
		}
		if !isDigit(c) {
			if digits == 0 {
				return 0, 0, errMalformed
			}
			return n, c, nil
		}
		if n = n*10 + int(c-'0'); n > 999 {
			return 0, 0, errMalformed
		}
	}
}

// lineEnd finishes the request line, of which c was read.
func (h *headReader) lineEnd(c byte) error {
	switch c {
	case '\n':
		return nil
	case '\r':
		c, err := h.next()
		if err == nil && c != '\n' {
			err = errMalformed
		}
		return err
	}
	return errMalformed
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// isURLByte reports whether a target may hold c.
func isURLByte(c byte) bool { return c > ' ' && c < 0x7f }
