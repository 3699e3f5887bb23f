package upstream

import (
	"bytes"
	"net/http"
	"unsafe"

	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// head is the head of a response.
type head struct {
	scripthead.Head
	names []string // the headers that were set, so that those of an interim head can be taken back
}

// parse reads a head into the headers of a response, in place of those of the same names that h has.
func (r *head) parse(block []byte, h http.Header) error {
	r.names = r.names[:0]
	// The strings below are of this copy, which does not change once it is parsed.
	if err := r.Parse(bytes.Clone(block)); err != nil {
		return err
	}
	values := make([]string, len(r.Fields))
	for i, f := range r.Fields {
		values[i] = text(f.Value)
		r.add(h, text(f.Name), values[i:i+1:i+1])
	}
	return nil
}

// text returns a string that shares b's memory.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// add sets a header, or adds to one that the response has already; what was there before the response goes.
func (r *head) add(h http.Header, key string, value []string) {
	for _, name := range r.names {
		if name == key {
			h[key] = append(h[key], value...)
			return
		}
	}
	h[key] = value
	r.names = append(r.names, key)
}
