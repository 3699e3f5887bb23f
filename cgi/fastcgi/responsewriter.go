package fastcgi

import (
	"fmt"
	"io"
)

// ResponseWriter frames one request's output (§5.3, §5.5) for Conn. Output is
// collected in the buffer and written when that is full, or there is as much as
// Config.WriteAfter says, on Flush, and by End; so what fits the buffer, END_REQUEST included, is one write. Consecutive
// writes to one stream become one record. Long output is written with one
// writev from where it lies, if the transport can. Records are padded to eight
// bytes. An error of the transport is final, and returned by all that follows.
//
// As stock PHP does, it ends the streams by END_REQUEST alone, without the
// empty STDOUT record of §5.3; web servers are used to that.
type ResponseWriter struct {
	f     framer
	ended bool
}

func (w *ResponseWriter) init(buf []byte) {
	w.f.init(buf)
	w.ended = true
}

func (w *ResponseWriter) reset(dst io.Writer) {
	w.f.reset(dst)
	w.ended = true
}

func (w *ResponseWriter) begin(id uint16) {
	w.f.id, w.ended = id, false
	w.f.restart()
}

// Ended reports whether END_REQUEST has been written.
func (w *ResponseWriter) Ended() bool { return w.ended }

// Write puts p on STDOUT. p is not kept. After End it returns ErrEnded.
func (w *ResponseWriter) Write(p []byte) (int, error) { return w.write(TypeStdout, p) }

// WriteStderr puts p on STDERR, in order with STDOUT.
func (w *ResponseWriter) WriteStderr(p []byte) (int, error) { return w.write(TypeStderr, p) }

func (w *ResponseWriter) write(t Type, p []byte) (int, error) {
	if w.ended {
		return 0, ErrEnded
	}
	return w.f.write(t, p)
}

// Room returns where the next bytes of STDOUT go, for a producer that can put them
// there itself: fill from its start, then Commit how many. It is at least one
// byte long, at most one record, and valid until any other call; what is
// buffered may be written to make room. It ends an open record of STDERR.
func (w *ResponseWriter) Room() ([]byte, error) {
	if w.ended {
		return nil, ErrEnded
	}
	n := w.f.room(TypeStdout)
	if n == 0 {
		w.f.makeRoom()
		n = w.f.room(TypeStdout)
	}
	return w.f.buf[w.f.n : w.f.n+n : w.f.n+n], w.f.err
}

// Commit puts the first n bytes of Room on STDOUT. It panics if Room was not
// that long, or if anything was written after it was asked for.
func (w *ResponseWriter) Commit(n int) {
	if n == 0 {
		return
	}
	if n < 0 || w.f.open < 0 || w.f.typ != TypeStdout || n > w.f.room(TypeStdout) {
		panic(fmt.Sprintf("BUG: fastcgi: Commit of %d bytes without room", n))
	}
	w.f.n += n
}

// Buffered returns the number of bytes, framing included, waiting to be written.
func (w *ResponseWriter) Buffered() int { return w.f.n }

// Flush writes what is buffered.
func (w *ResponseWriter) Flush() error { return w.f.flush() }

// End writes what is buffered and END_REQUEST (§5.5). Of several calls the
// first counts; the others return ErrEnded.
func (w *ResponseWriter) End(appStatus uint32, s ProtocolStatus) error {
	return w.WriteLast(nil, appStatus, s)
}

// WriteLast puts p on STDOUT and ends the response: one write for all that is
// buffered, p and END_REQUEST.
func (w *ResponseWriter) WriteLast(p []byte, appStatus uint32, s ProtocolStatus) error {
	if w.ended {
		return ErrEnded
	}
	w.ended = true
	body := EndRequest{appStatus, s}.Body()
	f := &w.f
	if f.err == nil && f.vec != nil && len(p) > 0 && len(p) > f.room(TypeStdout) {
		var last [HeaderLen + bodyLen]byte
		f.direct(TypeStdout, p, appendFixed(last[:0], TypeEndRequest, f.id, body))
		return f.err
	}
	if _, err := f.write(TypeStdout, p); err != nil {
		return err
	}
	f.close()
	f.n += len(appendFixed(f.buf[f.n:f.n], TypeEndRequest, f.id, body))
	return f.flush()
}
