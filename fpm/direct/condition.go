package direct

import (
	"bytes"
	"net/http"
	"time"
)

// demand is what a request's headers make of the answer by a file.
type demand int

const (
	whole   demand = iota // all of the file
	unasked               // nothing, as the client has it already: 304
	unsure                // the front finds out: ranges, and conditions that are seldom
)

// demands reads the conditions of the present request (RFC 9110, section 13), as net/http does for the front. tag is the ETag,
// modified the file's time, and since that as a header has it.
func (h *head) demands(tag, since []byte, modified time.Time) demand {
	var none, time []byte
	for i := range h.fields {
		f := &h.fields[i]
		switch len(f.name) {
		case len("Range"):
			if equalFold(f.name, "Range") {
				return unsure
			}
		case len("If-Range"): // and If-Match
			if equalFold(f.name, "If-Range") || equalFold(f.name, "If-Match") {
				return unsure
			}
		case len("If-None-Match"):
			if equalFold(f.name, "If-None-Match") {
				if none != nil {
					return unsure
				}
				none = f.value
			}
		case len("If-Modified-Since"):
			if equalFold(f.name, "If-Modified-Since") {
				if time != nil {
					return unsure
				}
				time = f.value
			}
		case len("If-Unmodified-Since"):
			if equalFold(f.name, "If-Unmodified-Since") {
				return unsure
			}
		}
	}
	switch {
	case len(none) > 0:
		return matches(none, tag)
	case len(time) > 0:
		return isSince(time, since, modified)
	}
	return whole
}

// matches reads an If-None-Match.
func matches(value, tag []byte) demand {
	one, weak := bytes.TrimPrefix(value, []byte("W/")), bytes.TrimPrefix(tag, []byte("W/"))
	switch {
	case value[0] == '*':
		return unasked
	case len(one) < 2 || one[0] != '"' || one[len(one)-1] != '"' || bytes.IndexByte(one[1:len(one)-1], '"') >= 0:
		return unsure
	case bytes.Equal(one, weak):
		return unasked
	}
	return whole
}

// isSince reads an If-Modified-Since.
func isSince(value, since []byte, modified time.Time) demand {
	if bytes.Equal(value, since) {
		return unasked
	}
	t, err := http.ParseTime(string(value))
	if err == nil && !modified.Truncate(time.Second).After(t) {
		return unasked
	}
	return whole
}
