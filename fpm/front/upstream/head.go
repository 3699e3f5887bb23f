package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxHead is the longest head of a response, in bytes. nginx takes 4 or 8 KiB unless told otherwise.
const maxHead = 64 << 10

// What can be wrong with a head.
var (
	errLongHead = fmt.Errorf("the response's head is longer than %d bytes", maxHead)
	errNoHead   = errors.New("the response ended before its head did")
)

// head is the head of a response.
type head struct {
	status int
	// length is Content-Length; -1: there is none.
	length int64
	// kind and path are the header that names a file in place of the body, X-Sendfile or X-Accel-Redirect; "": none.
	kind, path string
	names      []string // the headers that were set, so that those of an interim head can be taken back
}

// cutHead gives what follows the empty line that ends a head, and the head without that line. ok says that it is there.
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

// parse reads a head into the headers of a response, in place of those of the same names that h has. Where a status is
// missing, a Location means 302 and everything else 200, as in nginx.
func (r *head) parse(block []byte, h http.Header) error {
	*r = head{length: -1, names: r.names[:0]}
	text := string(block) // once, for all names and values
	values := make([]string, strings.Count(text, "\n"))
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line = strings.TrimRight(line, " \t\r"); line == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "HTTP/"); ok && r.status == 0 && len(r.names) == 0 {
			// A whole status line, as with cgi.rfc2616_headers.
			_, line, _ = strings.Cut(rest, " ")
			if err := r.setStatus(line); err != nil {
				return err
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimRight(name, " \t"); !ok || !isToken(name) {
			return fmt.Errorf("the response's head has a line that is no header: %.80q", line)
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		value = strings.TrimLeft(value, " \t")
		taken, err := r.take(key, value)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		r.add(h, key, value, &values)
	}
	if r.status == 0 {
		r.status = http.StatusOK
		if len(h["Location"]) > 0 {
			r.status = http.StatusFound
		}
	}
	return nil
}

// add sets a header, or adds to one that the response has already; what was there before the response goes.
func (r *head) add(h http.Header, key, value string, values *[]string) {
	for _, name := range r.names {
		if name == key {
			h[key] = append(h[key], value)
			return
		}
	}
	v := *values
	v[0] = value
	h[key] = v[:1:1]
	*values = v[1:]
	r.names = append(r.names, key)
}

// take deals with the headers that are not the client's: those that say how the response is to be sent.
func (r *head) take(key, value string) (taken bool, err error) {
	switch key {
	case "Status":
		return true, r.setStatus(value)
	case "Content-Length":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 || r.length >= 0 && r.length != n {
			return true, fmt.Errorf("the response's head has a wrong Content-Length: %.40q", value)
		}
		r.length = n
		return true, nil
	case "X-Sendfile", "X-Accel-Redirect":
		r.kind, r.path = key, value
		return true, nil
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Expires", "X-Accel-Limit-Rate":
		return true, nil
	}
	return false, nil
}

func (r *head) setStatus(text string) error {
	code, _, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || n < 100 || n == http.StatusSwitchingProtocols {
		return fmt.Errorf("the response's head has a wrong status: %.80q", text)
	}
	r.status = n
	return nil
}

// bodyless says that a response with this status has no body.
func (r *head) bodyless() bool {
	return r.status == http.StatusNoContent || r.status == http.StatusNotModified
}

// isToken says whether a text may be a header's name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}
