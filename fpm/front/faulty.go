package front

import (
	"bytes"
	"net/http"
	"sync/atomic"
)

// transferEncoding is the header that HTTP/1.0 does not have.
const transferEncoding = "transfer-encoding:"

// headWatch looks for Transfer-Encoding in the head of the request that a connection without TLS reads. net/http drops
// the header in a request of HTTP/1.0, takes the body for empty or as long as Content-Length says, and does not tell. A
// head that came together with the request before it is not seen; HTTP/1.0 has no pipelines.
type headWatch struct {
	line  [len(transferEncoding)]byte // how the line begins
	n     int                         // of line
	over  bool                        // the head has ended
	coded atomic.Bool                 // it has the header
}

// next expects another head.
func (h *headWatch) next() {
	h.n, h.over = 0, false
	h.coded.Store(false)
}

// see takes what was read.
func (h *headWatch) see(p []byte) {
	for !h.over {
		part, rest, whole := bytes.Cut(p, []byte{'\n'})
		h.n += copy(h.line[h.n:], part)
		if !whole {
			return
		}
		switch begin := h.line[:h.n]; {
		case h.n == 0 || h.n == 1 && begin[0] == '\r':
			h.over = true
		case h.n == len(h.line) && bytes.EqualFold(begin, []byte(transferEncoding)):
			h.coded.Store(true)
		}
		h.n, p = 0, rest
	}
}

// isFaulty reports whether the framing of a request is faulty: one of HTTP/1.0 with Transfer-Encoding (RFC 9112, section
// 6.1).
func (x *exchange) isFaulty(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ProtoMinor == 0 && x.client.conn != nil && x.client.conn.head.coded.Load()
}
