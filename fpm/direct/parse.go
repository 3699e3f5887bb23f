package direct

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// errForeign is a head that is not plain, or that somebody might read in another way: the front answers it.
var errForeign = errors.New("the head is the front's to read")

// field is a header of a request.
type field struct{ name, value []byte }

// mostFields is how many headers a request may have.
const mostFields = 128

// head is the head of a request. Slices are of what was parsed.
type head struct {
	method, target []byte
	path, query    []byte // of the target, as they came
	host           []byte
	length         int64 // Content-Length; -1: there is none
	close          bool  // Connection: close
	fields         []field
}

// parse parses the head at the beginning of b. It returns how long that is; 0: it continues. Names keep their letters' case.
//
// What it takes is what net/http reads in the same way, and no other server in another: HTTP/1.1, lines that end in CR LF, names of
// letters, digits and marks with a colon after them, values without control characters. errForeign is everything else.
func (h *head) parse(b []byte) (n int, err error) {
	*h = head{length: -1, fields: h.fields[:0]}
	line, n, ok := cutLine(b)
	if !ok {
		return 0, plain(b, line)
	}
	if !h.parseLine(line) {
		return 0, errForeign
	}
	hosts := 0
	for {
		line, m, ok := cutLine(b[n:])
		if !ok {
			return 0, plain(b[n:], line)
		}
		n += m
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || len(h.fields) == mostFields {
			return 0, errForeign
		}
		f := field{line[:colon], trim(line[colon+1:])}
		if !isToken(f.name) || !isValue(f.value) {
			return 0, errForeign
		}
		if !h.take(f, &hosts) {
			return 0, errForeign
		}
	}
	if hosts != 1 || string(h.first("Pragma")) == "no-cache" && h.first("Cache-Control") == nil { // of which net/http makes a Cache-Control
		return 0, errForeign
	}
	return n, nil
}

// cutLine returns the line at the beginning of b, without its end, and how long it is with that.
func cutLine(b []byte) (line []byte, n int, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, 0, false
	}
	if i == 0 || b[i-1] != '\r' {
		return b[:i], 0, false
	}
	return b[:i-1], i + 1, true
}

// plain returns why there is no line at the beginning of b: nil if the line continues.
func plain(b, line []byte) error {
	if line != nil || bytes.IndexByte(b, 0) >= 0 {
		return errForeign
	}
	return nil
}

// parseLine reads the request line.
func (h *head) parseLine(line []byte) bool {
	const version = " HTTP/1.1"
	space := bytes.IndexByte(line, ' ')
	if space < 0 || !bytes.HasSuffix(line, []byte(version)) || len(line) < space+1+len(version) {
		return false
	}
	h.method, h.target = line[:space], line[space+1:len(line)-len(version)]
	switch string(h.method) {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		return false
	}
	if len(h.target) == 0 || h.target[0] != '/' || len(h.target) > 1 && h.target[1] == '/' {
		return false
	}
	for _, c := range h.target {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	h.path, h.query, _ = bytes.Cut(h.target, []byte("?"))
	return true
}

// take heeds a header. It returns false if the request is the front's.
func (h *head) take(f field, hosts *int) bool {
	switch len(f.name) {
	case len("Host"): // and Date, From
		if bytes.EqualFold(f.name, []byte("Host")) {
			*hosts++
			h.host = f.value
			return isHost(f.value)
		}
	case len("Expect"):
		if bytes.EqualFold(f.name, []byte("Expect")) {
			return false
		}
	case len("Upgrade"): // and Trailer
		if bytes.EqualFold(f.name, []byte("Upgrade")) || bytes.EqualFold(f.name, []byte("Trailer")) {
			return false
		}
	case len("Connection"):
		if bytes.EqualFold(f.name, []byte("Connection")) {
			switch {
			case bytes.EqualFold(f.value, []byte("close")):
				h.close = true
			case !bytes.EqualFold(f.value, []byte("keep-alive")):
				return false
			}
		}
	case len("Content-Length"):
		if bytes.EqualFold(f.name, []byte("Content-Length")) {
			n, err := strconv.ParseUint(string(f.value), 10, 62)
			if err != nil || h.length >= 0 || f.value[0] == '+' {
				return false
			}
			h.length = int64(n)
		}
	case len("Transfer-Encoding"):
		if bytes.EqualFold(f.name, []byte("Transfer-Encoding")) {
			return false
		}
	}
	h.fields = append(h.fields, f)
	return true
}

// trim takes spaces and tabs from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

func isToken(name []byte) bool {
	for _, c := range name {
		if !scripthead.IsTokenByte[c] {
			return false
		}
	}
	return true
}

// isValue reports whether a header's value has no control characters but tabs.
func isValue(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isHost reports whether a Host header is one that all servers understand.
func isHost(host []byte) bool {
	for _, c := range host {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return len(host) > 0
}

// first returns the first value of a header, by its canonical name.
func (h *head) first(name string) []byte {
	for i := range h.fields {
		if equalFold(h.fields[i].name, name) {
			return h.fields[i].value
		}
	}
	return nil
}

// Values returns the values of a header: site.Fields.
func (h *head) Values(name string) (values []string) {
	for i := range h.fields {
		if equalFold(h.fields[i].name, name) {
			values = append(values, string(h.fields[i].value))
		}
	}
	return values
}

// equalFold compares names without regard to the case of their letters.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}
