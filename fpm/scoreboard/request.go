package scoreboard

import (
	"bytes"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// Request is what Info says of a request. The texts are copied, cut to the
// lengths of Proc, and end at a NUL.
type Request struct {
	Method, URI, Query, User, Script []byte
	ID                               []byte // the front's, or a web server's that sends X-Request-Id; empty: none
	Host                             []byte // the Host header
	Target                           []byte // what the client asked for: the path and the query as they came; empty: not known
	Client                           []byte // REMOTE_ADDR; empty: not known
	Since                            int64  // ns of CLOCK_MONOTONIC: when it began to wait for a worker; 0: not known
	Site                             int    // the number of the front's site that it is for, from 1; 0: not known
	ContentLength                    uint64
	Trace                            tracecontext.Context // zero: the request is in none

	Long bool // URI and Query are as long as php-fpm shows them since 8.5
}

// sizes are those of URI and Query.
func (r *Request) sizes() (uri, query int) {
	if r.Long {
		return uriSize, querySize
	}
	return shortURISize, shortQuerySize
}

// Shown returns the request with its texts as readers get them. It shares their memory.
func (r *Request) Shown() Request {
	uri, query := r.sizes()
	return Request{
		Method: cut(r.Method, methodSize), URI: cut(r.URI, uri), Query: cut(r.Query, query),
		User: cut(r.User, userSize), Script: cut(r.Script, scriptSize), ID: cut(r.ID, idSize),
		ContentLength: r.ContentLength, Long: r.Long,
	}
}

func cut(text []byte, size int) []byte {
	text = text[:min(len(text), size-1)]
	if end := bytes.IndexByte(text, 0); end >= 0 {
		return text[:end]
	}
	return text
}
