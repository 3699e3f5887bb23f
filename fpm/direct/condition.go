package direct

import (
	"bytes"
	"net/http"
	"time"
)

// demand is what the conditions of a request leave of a file.
type demand int

const (
	whole   demand = iota // all of the file
	unasked               // nothing, because the client has it already: 304
	unsure                // the front decides: ranges, and rare conditions
)

// demands evaluates the conditions of the present request (RFC 9110, section 13), as net/http does for the front. tag is the file's ETag,
// modified its time, and since its Last-Modified.
func (h *head) demands(tag, since []byte, modified time.Time) demand {
	var noneMatch, modifiedSince []byte
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
				if noneMatch != nil {
					return unsure
				}
				noneMatch = f.value
			}
		case len("If-Modified-Since"):
			if equalFold(f.name, "If-Modified-Since") {
				if modifiedSince != nil {
					return unsure
				}
				modifiedSince = f.value
			}
		case len("If-Unmodified-Since"):
			if equalFold(f.name, "If-Unmodified-Since") {
				return unsure
			}
		}
	}
	switch {
	case len(noneMatch) > 0:
		return matches(noneMatch, tag)
	case len(modifiedSince) > 0:
		return isSince(modifiedSince, since, modified)
	}
	return whole
}

// matches evaluates an If-None-Match.
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

// isSince evaluates an If-Modified-Since.
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
