package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"unsafe"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/scripthead"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// answer is a response on its way from a worker to the client.
type answer struct {
	c        *conn
	b        *body
	s        *sender // of the request's body; nil: it was sent before
	w        http.ResponseWriter
	r        *Request
	sendfile bool // a file named by the response is sent in place of its body

	head    head
	began   bool // the response's own head has come
	started bool // something was written to the client
	unsent  bool // something of it waits in net/http's buffers
	written int64
	excess  bool // there is more than Content-Length says

	// See slow.go.
	passed   uint64 // bytes written under watch
	state    atomic.Uint64
	seen     uint64                // state, at the watch's last look
	spool    atomic.Pointer[spool] // nil: none was needed so far; the timer makes it, for a writer that may not need it
	spooling bool                  // what comes next comes from there
	held     bool                  // the client holds the worker: no spool can be had
}

// errShort is a response that ended before its Content-Length.
var errShort = errors.New("the response ended before its Content-Length")

// relay takes the response to its end, and to the client.
func (a *answer) relay() error {
	for {
		b, err := a.next()
		switch err {
		case nil:
			err = a.stdout(b)
		case errQuiet:
			a.flush()
			err = nil
		case io.EOF:
			return a.end()
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next piece of the response: from the worker, or from where it was put for a slow client.
func (a *answer) next() ([]byte, error) {
	if a.spooling {
		return a.spool.Load().next(a)
	}
	return a.c.next(a)
}

// next returns the next piece of the response, valid until the next call. After the last it is io.EOF.
func (c *conn) next(a *answer) ([]byte, error) {
	for {
		t, b, err := c.r.Next()
		switch {
		case err == errQuiet, err == io.EOF:
			return nil, err
		case err != nil:
			return nil, a.lost(err)
		case t == fastcgi.TypeStdout:
			c.stderr.flush(c.pool)
			return b, nil
		case t == fastcgi.TypeStderr:
			c.stderr.add(c.pool, b, c.r.Buffered() == 0)
		case t == fastcgi.TypeEndRequest:
			if status := c.r.Status().ProtocolStatus; status != fastcgi.RequestComplete {
				return nil, fmt.Errorf("%w: it answered %v", ErrGone, status)
			}
			return nil, io.EOF
		case t == fastcgi.TypeGetValuesResult: // the request was read, and nothing of the response has come
			c.heard = false
		}
	}
}

// lost is why the response did not come to its end.
func (a *answer) lost(err error) error {
	switch {
	case errors.Is(err, ErrClient), errors.Is(err, ErrTimeout), errors.Is(err, ErrBusy), errors.Is(err, ErrGone), errors.Is(err, ErrAnswer):
		return err
	case a.began:
		return fmt.Errorf("%w: it ended within the response: %w", ErrGone, err)
	case a.c.heard:
		return fmt.Errorf("%w: it ended within the response's head: %w", ErrGone, err)
	}
	return a.c.gone(err)
}

// stdout takes a piece of the response.
func (a *answer) stdout(b []byte) error {
	for !a.began {
		block, rest, ok := a.cut(b)
		if len(block) > scripthead.Longest || len(a.c.head) > scripthead.Longest && !ok {
			return because(ErrAnswer, scripthead.ErrLong)
		}
		if !ok {
			return nil
		}
		err := a.takeHead(block, len(rest))
		a.c.head = a.c.head[:0]
		if err != nil {
			return err
		}
		b = rest
	}
	if len(b) == 0 {
		return nil
	}
	return a.write(b)
}

// cut finds the end of a head that may have come in pieces.
func (a *answer) cut(b []byte) (block, rest []byte, ok bool) {
	if len(a.c.head) == 0 {
		if block, rest, ok = scripthead.Cut(b); ok {
			return block, rest, true
		}
	}
	a.c.head = append(a.c.head, b...)
	return scripthead.Cut(a.c.head)
}

// takeHead takes a head, the response's own or an interim one. left is how much of the piece that it came in follows it.
func (a *answer) takeHead(block []byte, left int) error {
	h := a.w.Header()
	if err := a.head.parse(block, h); err != nil {
		return because(ErrAnswer, err)
	}
	if a.head.Status < 200 {
		if a.r.HTTP.ProtoAtLeast(1, 1) {
			a.w.WriteHeader(a.head.Status)
		}
		for _, name := range a.head.names {
			delete(h, name)
		}
		return nil
	}
	a.began = true
	if a.head.Kind != "" && a.sendfile {
		return nil // the head is sendfile's
	}
	if a.head.Length < 0 && !a.head.Bodyless() && a.r.HTTP.Method != http.MethodHead {
		if n, whole := a.c.r.Rest(); whole {
			a.head.Length = int64(left + n)
		}
	}
	if a.head.Length >= 0 && a.head.Status != http.StatusNoContent {
		h["Content-Length"] = []string{strconv.FormatInt(a.head.Length, 10)}
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // net/http would guess one
	}
	a.closing()
	a.started, a.unsent = true, true
	a.w.WriteHeader(a.head.Status)
	return nil
}

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

// closing has the client's connection closed after the response where the request's body was not read to its end: net/http
// leaves it to us, as both streams run side by side, and what is left would be taken for the next request. HTTP/2 knows
// better.
func (a *answer) closing() {
	if a.s.reading() && a.r.HTTP.ProtoMajor == 1 {
		a.w.Header()["Connection"] = []string{"close"}
	}
}

// write writes a piece of the body to the client.
func (a *answer) write(b []byte) error {
	if a.head.Kind != "" && a.sendfile || a.head.Bodyless() || a.r.HTTP.Method == http.MethodHead {
		return nil
	}
	if left := a.head.Length - a.written; a.head.Length >= 0 && int64(len(b)) > left {
		b = b[:left]
		if !a.excess {
			a.excess = true
			a.c.pool.say(zlog.Warning, a.r.ID, fmt.Sprintf("the response is longer than its Content-Length of %d bytes, "+
				"the rest is dropped", a.head.Length))
		}
		if len(b) == 0 {
			return nil
		}
	}
	a.written += int64(len(b))
	a.unsent = true
	word := a.enter()
	_, err := a.w.Write(b)
	a.leave(word, len(b))
	if err != nil {
		return because(ErrClient, err)
	}
	return nil
}

// pending says that something waits in net/http's buffers.
func (a *answer) pending() bool { return a != nil && a.unsent }

// flush sends what waits there. An error shows at the next write.
func (a *answer) flush() {
	a.unsent = false
	word := a.enter()
	http.NewResponseController(a.w).Flush()
	a.leave(word, 0)
}

// end is the end of the response.
func (a *answer) end() error {
	switch {
	case !a.began:
		return because(ErrAnswer, scripthead.ErrNone)
	case a.head.Kind != "" && a.sendfile, a.head.Bodyless(), a.r.HTTP.Method == http.MethodHead:
	case a.head.Length >= 0 && a.written < a.head.Length:
		return because(ErrGone, errShort)
	}
	return nil
}
