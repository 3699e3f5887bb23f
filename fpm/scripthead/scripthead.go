// Package scripthead parses the head of a script's response, which is written as a CGI program writes it (RFC 3875, section 6): header lines,
// among them Status and Location, which decide the status of the HTTP response, and X-Sendfile and X-Accel-Redirect, which name a file to be sent instead of
// the body. The front uses it for what a worker sends, and workers that speak HTTP for what PHP prints: both make the same response.
//
//	head, body, ok := scripthead.Cut(output)   // false: the head is not complete
//	err := parsed.Parse(head)                  // an error: the client gets a 502
//
// It allocates nothing in a steady state and refuses what a client could understand in two ways.
package scripthead

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Longest is the longest head that a script may give, in bytes. nginx takes 4 or 8 KiB unless told otherwise.
const Longest = 64 << 10

// What can be wrong with a head besides its lines.
var (
	ErrLong = fmt.Errorf("the response's head is longer than %d bytes", Longest)
	ErrNone = errors.New("the response ended before its head did")
)

// Field is a header. Its name is canonical, as net/http has it.
type Field struct{ Name, Value []byte }

// Head is the head of a script's response.
type Head struct {
	Status int
	Length int64 // Content-Length; -1: there is none
	// Kind and Path are the header that names a file in place of the body, X-Sendfile or X-Accel-Redirect; "": there is none.
	Kind, Path string
	Fields     []Field // in their order, without those that say how the response is to be sent

	sorted []uint16 // see Sorted
}

// Emptied returns an empty Head that reuses h's memory.
func (h *Head) Emptied() Head { return Head{Fields: h.Fields[:0], sorted: h.sorted[:0]} }

// Cut returns the head with the empty line that ends it, and what follows that. ok reports whether there is such a line.
func Cut(b []byte) (head, rest []byte, ok bool) {
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

// Parse reads a head. If there is no status, a Location means 302 and everything else 200, as in nginx. It makes the names canonical
// where they stand, and keeps references to block. It returns an error if a line is not a header, or makes no sense.
func (h *Head) Parse(block []byte) error {
	*h = h.Emptied()
	h.Length = -1
	for len(block) > 0 {
		line := block
		if end := bytes.IndexByte(block, '\n'); end >= 0 {
			line, block = block[:end], block[end+1:]
		} else {
			block = nil
		}
		if line = trimRight(line); len(line) == 0 {
			continue
		}
		if h.Status == 0 && len(h.Fields) == 0 && bytes.HasPrefix(line, protocol) { // a whole status line, as with cgi.rfc2616_headers
			_, status, _ := bytes.Cut(line, space)
			if err := h.setStatus(status); err != nil {
				return err
			}
			continue
		}
		colon := bytes.IndexByte(line, ':')
		name := trimRight(line[:max(colon, 0)])
		if colon < 0 || !canonize(name) {
			return fmt.Errorf("the response's head has a line that is not a header: %.80q", line)
		}
		value := line[colon+1:]
		for len(value) > 0 && (value[0] == ' ' || value[0] == '\t') {
			value = value[1:]
		}
		if err := h.take(name, value); err != nil {
			return err
		}
	}
	if h.Status == 0 {
		h.Status = http.StatusOK
		if h.Has("Location") {
			h.Status = http.StatusFound
		}
	}
	return nil
}

// trimRight returns b without the blanks at its end.
func trimRight(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

var (
	space    = []byte(" ")
	protocol = []byte("HTTP/")
)

// take takes a header, if it is the client's.
func (h *Head) take(name, value []byte) error {
	switch string(name) {
	case "Status":
		return h.setStatus(value)
	case "Content-Length":
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 || h.Length >= 0 && h.Length != n {
			return fmt.Errorf("the response's head has a wrong Content-Length: %.40q", value)
		}
		h.Length = n
		return nil
	case "X-Sendfile", "X-Accel-Redirect":
		h.Kind, h.Path = string(name), string(value)
		return nil
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Expires", "X-Accel-Limit-Rate":
		return nil
	}
	h.Fields = append(h.Fields, Field{name, value})
	return nil
}

func (h *Head) setStatus(text []byte) error {
	code, _, _ := bytes.Cut(text, space)
	n, err := strconv.Atoi(string(code))
	if err != nil || len(code) != 3 || n < 100 || n == http.StatusSwitchingProtocols {
		return fmt.Errorf("the response's head has a wrong status: %.80q", text)
	}
	h.Status = n
	return nil
}

// Bodyless reports whether a response with this status has no body.
func (h *Head) Bodyless() bool {
	return h.Status == http.StatusNoContent || h.Status == http.StatusNotModified
}

// Has reports whether there is a header of a canonical name.
func (h *Head) Has(name string) bool {
	for i := range h.Fields {
		if string(h.Fields[i].Name) == name {
			return true
		}
	}
	return false
}

// First returns the first value of a header by its canonical name; nil: the head does not have it.
func (h *Head) First(name string) []byte {
	for i := range h.Fields {
		if string(h.Fields[i].Name) == name {
			return h.Fields[i].Value
		}
	}
	return nil
}

// Set sets a header in place of all of that name.
func (h *Head) Set(name, value []byte) {
	h.Remove(string(name))
	h.Fields = append(h.Fields, Field{name, value})
}

// Remove takes a header out.
func (h *Head) Remove(name string) {
	kept := h.Fields[:0]
	for _, f := range h.Fields {
		if string(f.Name) != name {
			kept = append(kept, f)
		}
	}
	h.Fields = kept
}

// Sorted returns the indexes of Fields in the order in which net/http writes headers. Fields of one name stay in their order. The result is
// valid until Fields change.
func (h *Head) Sorted() []uint16 {
	h.sorted = h.sorted[:0]
	for i := range h.Fields {
		name := h.Fields[i].Name
		from, to := 0, len(h.sorted) // where the first greater one is
		if to > 0 && bytes.Compare(name, h.Fields[h.sorted[to-1]].Name) >= 0 {
			from = to
		}
		for from < to {
			middle := (from + to) / 2
			if bytes.Compare(name, h.Fields[h.sorted[middle]].Name) < 0 {
				to = middle
			} else {
				from = middle + 1
			}
		}
		h.sorted = slices.Insert(h.sorted, from, uint16(i))
	}
	return h.sorted
}

// canonize makes a header's name canonical in place: textproto.CanonicalMIMEHeaderKey. It returns false if the name is not a token.
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
		case !IsTokenByte[c]:
			return false
		}
		upper = c == '-'
	}
	return len(name) > 0
}

// IsTokenByte says of each byte whether a header's name may have it (RFC 9110, section 5.6.2).
var IsTokenByte = func() (is [256]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0
	}
	return is
}()
