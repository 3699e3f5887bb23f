package front

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// body is a request's body within its limits: of its length, and of the time between two reads. The limit of a length
// that the head tells has been looked at before.
type body struct {
	io.ReadCloser
	deadline func(time.Time) error // of the connection's reads
	timeout  time.Duration         // 0: none
	limit    int64                 // 0: none
	left     int64                 // of limit
	chunked  bool                  // by HTTP/1's chunks, which can be malformed
	failed   int                   // the status for what went wrong: 400, 408, 413; 0: nothing
}

// bound puts the time limit around a request's body. Whatever is left of it when the request has been answered is read by
// net/http, for as long as one time-out.
func (b *body) bound(w http.ResponseWriter, r *http.Request, timeout time.Duration) {
	*b = body{}
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	*b = body{ReadCloser: r.Body, timeout: timeout, chunked: len(r.TransferEncoding) > 0}
	if c, ok := w.(interface{ SetReadDeadline(time.Time) error }); ok && timeout > 0 {
		b.deadline = c.SetReadDeadline
		b.deadline(time.Now().Add(timeout))
	}
	r.Body = b
}

// restrict limits the body's length, before it is read.
func (b *body) restrict(limit int64) { b.limit, b.left = limit, limit }

func (b *body) Read(p []byte) (n int, err error) {
	if b.deadline != nil {
		b.deadline(time.Now().Add(b.timeout))
	}
	if b.limit > 0 && int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err = b.ReadCloser.Read(p)
	if b.limit > 0 && int64(n) > b.left {
		n, b.left = int(b.left), 0
		b.failed = http.StatusRequestEntityTooLarge
		return n, &http.MaxBytesError{Limit: b.limit}
	}
	b.left -= int64(n)
	switch {
	case err == io.EOF && b.deadline != nil:
		// From now on net/http reads to notice that the client leaves, and that may take as long as it takes.
		b.deadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.failed = http.StatusRequestTimeout
	case b.chunked && isMalformed(err):
		b.failed = http.StatusBadRequest
	}
	return n, err
}

// isMalformed reports whether an error of reading chunks is about what came, and not that the client is gone. net/http has
// no names for these errors.
func isMalformed(err error) bool {
	var network net.Error
	return err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) &&
		!errors.Is(err, http.ErrBodyReadAfterClose) && !errors.As(err, &network)
}
