package direct

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// maxHead is the longest head that a script may give, in bytes; it is the front's.
const maxHead = 64 << 10

// What can be wrong with a script's head.
var (
	errLongHead = fmt.Errorf("the response's head is longer than %d bytes", maxHead)
	errNoHead   = errors.New("the response ended before its head did")
)

// field is a header of a response.
type field struct{ name, value []byte }

// scriptHead is the head of a script's response, as a CGI program writes it.
type scriptHead struct {
	status int
	length int64 // Content-Length; -1: there is none
	file   bool  // it names a file in place of the body, by X-Sendfile or X-Accel-Redirect
	fields []field
	raw    []byte // all of it
}

// cutHead returns what is before and what is behind the empty line that ends a head. ok reports whether there is one.
func cutHead(b []byte) (head, rest []byte, ok bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return nil, nil, false
		}
		line := b[at : at+i]
		at += i + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return b[:at], b[at:], true
		}
	}
}

// parse reads a head by the front's rules: if there is no status, a Location means 302 and everything else 200. It makes the names
// canonical where they stand, and keeps references to block.
func (h *scriptHead) parse(block []byte) error {
	*h = scriptHead{length: -1, fields: h.fields[:0], raw: block}
	for len(block) > 0 {
		var line []byte
		line, block, _ = bytes.Cut(block, newline)
		if line = bytes.TrimRight(line, " \t\r"); len(line) == 0 {
			continue
		}
		if h.status == 0 && len(h.fields) == 0 && bytes.HasPrefix(line, protocol) { // a whole status line, as with cgi.rfc2616_headers
			_, status, _ := bytes.Cut(line, space)
			if err := h.setStatus(status); err != nil {
				return err
			}
			continue
		}
		colon := bytes.IndexByte(line, ':')
		name := bytes.TrimRight(line[:max(colon, 0)], " \t")
		if colon < 0 || !canonize(name) {
			return fmt.Errorf("the response's head has a line that is no header: %.80q", line)
		}
		if err := h.take(name, bytes.TrimLeft(line[colon+1:], " \t")); err != nil {
			return err
		}
	}
	if h.status == 0 {
		h.status = http.StatusOK
		if h.has("Location") {
			h.status = http.StatusFound
		}
	}
	return nil
}

var (
	newline  = []byte("\n")
	space    = []byte(" ")
	protocol = []byte("HTTP/")
)

// take takes a header, if it is the client's.
func (h *scriptHead) take(name, value []byte) error {
	switch string(name) {
	case "Status":
		return h.setStatus(value)
	case "Content-Length":
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 || h.length >= 0 && h.length != n {
			return fmt.Errorf("the response's head has a wrong Content-Length: %.40q", value)
		}
		h.length = n
		return nil
	case "X-Sendfile", "X-Accel-Redirect":
		h.file = true
		return nil
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Expires", "X-Accel-Limit-Rate":
		return nil
	}
	h.fields = append(h.fields, field{name, value})
	return nil
}

func (h *scriptHead) setStatus(text []byte) error {
	code, _, _ := bytes.Cut(text, space)
	n, err := strconv.Atoi(string(code))
	if err != nil || len(code) != 3 || n < 100 || n == http.StatusSwitchingProtocols {
		return fmt.Errorf("the response's head has a wrong status: %.80q", text)
	}
	h.status = n
	return nil
}

// bodyless reports whether a response with this status has no body.
func (h *scriptHead) bodyless() bool {
	return h.status == http.StatusNoContent || h.status == http.StatusNotModified
}

func (h *scriptHead) has(name string) bool {
	for i := range h.fields {
		if string(h.fields[i].name) == name {
			return true
		}
	}
	return false
}

// set sets a header in place of all of that name.
func (h *scriptHead) set(name, value []byte) {
	h.remove(string(name))
	h.fields = append(h.fields, field{name, value})
}

// remove takes a header out.
func (h *scriptHead) remove(name string) {
	kept := h.fields[:0]
	for _, f := range h.fields {
		if string(f.name) != name {
			kept = append(kept, f)
		}
	}
	h.fields = kept
}

// sort brings the headers into the order in which net/http writes them. Those of one name stay in their order.
func (h *scriptHead) sort() {
	f := h.fields
	for i := 1; i < len(f); i++ {
		for j := i; j > 0 && bytes.Compare(f[j].name, f[j-1].name) < 0; j-- {
			f[j], f[j-1] = f[j-1], f[j]
		}
	}
}

// canonize gives a header's name the form that net/http gives it, in place. It returns false if it is no name.
func canonize(name []byte) bool {
	upper := true
	for i, c := range name {
		switch {
		case 'a' <= c && c <= 'z':
			if upper {
				name[i] = c - ('a' - 'A')
			}
		case 'A' <= c && c <= 'Z':
			if !upper {
				name[i] = c + ('a' - 'A')
			}
		case !isTokenByte[c]:
			return false
		}
		upper = c == '-'
	}
	return len(name) > 0
}

// isTokenByte says which bytes a header's name may have (RFC 9110, section 5.6.2).
var isTokenByte = func() (is [256]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0
	}
	return is
}()

// appendStatusLine appends a status line of HTTP/1.1.
func appendStatusLine(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	if text := http.StatusText(status); text != "" {
		b = append(append(b, ' '), text...)
	} else {
		b = strconv.AppendInt(append(b, " status code "...), int64(status), 10)
	}
	return append(b, "\r\n"...)
}

// appendFields appends the headers.
func (h *scriptHead) appendFields(b []byte) []byte {
	for _, f := range h.fields {
		b = append(append(b, f.name...), ": "...)
		at := len(b)
		b = append(b, bytes.Trim(f.value, " \t\r\n")...)
		for i := at; i < len(b); i++ {
			if b[i] == '\r' {
				b[i] = ' '
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// date is the value of the Date header of the present second.
type date struct {
	second int64
	text   []byte
}

// append appends the Date header.
func (d *date) append(b []byte, now time.Time) []byte {
	if s := now.Unix(); s != d.second || d.text == nil {
		d.second, d.text = s, now.UTC().AppendFormat(append(d.text[:0], "Date: "...), http.TimeFormat)
		d.text = append(d.text, "\r\n"...)
	}
	return append(b, d.text...)
}
