package fastcgi

import (
	"fmt"
	"io"
	"time"
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

// VectorWriter is a transport that can write from many places at once, as
// writev(2) does. It writes everything or returns an error; it may change the
// slice of slices but not the bytes.
type VectorWriter interface {
	Writev(bufs [][]byte) (int, error)
}

// TailRoom is the part of a write buffer that stays free after the content, so
// that the last record's padding and an END_REQUEST always fit: one write, not
// two.
const TailRoom = 7 + HeaderLen + bodyLen

// batch is how many records one writev carries at most; 1 MiB in all.
const batch = 16

// framer puts streams into records in a buffer, and writes whole records only.
// A failed write is final.
type framer struct {
	dst  io.Writer
	vec  VectorWriter // dst, if it is one
	err  error
	buf  []byte
	n    int    // buf[:n] is to be written
	open int    // offset of the header of the record being filled, or -1
	typ  Type   // of that record
	id   uint16 // of every record

	first int       // see Config.WriteAfter
	due   int       // a write is due when content has come so near to buf[due]
	sent  time.Time // when content was last written; zero: it was not yet

	// for direct
	iov     [2 + 2*batch][]byte
	headers [batch * HeaderLen]byte
	tail    [TailRoom]byte
}

func (f *framer) init(buf []byte) {
	if len(buf) < MinBuffer {
		panic(fmt.Sprintf("BUG: fastcgi: buffer of %d bytes, least is %d", len(buf), MinBuffer))
	}
	f.buf, f.open, f.first = buf, -1, len(buf)
	f.restart()
}

// writeAfter says how much is collected at first.
func (f *framer) writeAfter(n int) {
	f.first = min(n+TailRoom, len(f.buf))
	f.restart()
}

// restart begins to collect as at first.
func (f *framer) restart() { f.due, f.sent = f.first, time.Time{} }

func (f *framer) reset(dst io.Writer) {
	f.err, f.n, f.open = nil, 0, -1
	if dst != f.dst { // a worker has one for life
		f.dst = dst
		f.vec, _ = dst.(VectorWriter)
	}
}

// room opens a record of type t if none is, and says how much content it can
// still take: 0 means makeRoom first.
func (f *framer) room(t Type) int {
	if f.open >= 0 && (f.typ != t || f.n-f.open-HeaderLen >= fullContent) {
		f.close()
	}
	end := f.due - TailRoom
	if f.open < 0 {
		if f.n+HeaderLen >= end {
			return 0
		}
		f.open, f.typ = f.n, t
		f.n += HeaderLen
	}
	return min(end-f.n, fullContent-(f.n-f.open-HeaderLen))
}

// quick is how soon after a write content comes that is collected beyond what is at first.
const quick = 5 * time.Millisecond

// isQuick reports whether content comes so soon after the last write that more will.
func (f *framer) isQuick() bool { return !f.sent.IsZero() && time.Since(f.sent) < quick }

// hasSent notes that content was written, because there was so much of it.
func (f *framer) hasSent() {
	if f.first < len(f.buf) {
		f.sent = time.Now()
	}
}

// makeRoom makes room for content: it writes what is buffered, unless that came quickly and there is more buffer.
func (f *framer) makeRoom() {
	if f.due < len(f.buf) && f.typ == TypeStdout && f.isQuick() {
		f.due = min(2*f.due, len(f.buf))
		return
	}
	f.flush()
	f.hasSent()
}

// close completes the open record. An empty one is taken back: it would end
// the stream.
func (f *framer) close() {
	if f.open < 0 {
		return
	}
	n := f.n - f.open - HeaderLen
	if n == 0 {
		f.n = f.open
	} else {
		pad := f.header(f.buf[f.open:], f.typ, n)
		f.n += copy(f.buf[f.n:], zeros[:pad])
	}
	f.open = -1
}

func (f *framer) header(b []byte, t Type, n int) (pad int) {
	pad = padTo8(n)
	Header{Version: Version1, Type: t, RequestID: f.id, ContentLength: uint16(n), PaddingLength: uint8(pad)}.Put(b)
	return pad
}

// write puts p on stream t: copied into the buffer, or written from where it
// lies if it is long and the transport can. Messages are always copied, so that
// a record of many ends only where the buffer is full.
func (f *framer) write(t Type, p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 && f.err == nil {
		room := f.room(t)
		if len(p) > room && f.vec != nil && t != TypeStderr && f.isLong(len(p)) {
			f.direct(t, p, nil)
			f.hasSent()
			p = nil
			break
		}
		n := copy(f.buf[f.n:f.n+room], p)
		f.n += n
		if p = p[n:]; len(p) > 0 && f.room(t) == 0 {
			f.makeRoom()
		}
	}
	if f.err != nil {
		return total - len(p), f.err
	}
	return total, nil
}

// isLong reports whether content that does not fit is better written from where it lies.
func (f *framer) isLong(n int) bool {
	return n > len(f.buf)/2 || n > f.first/2 && !f.isQuick()
}

// direct writes what is buffered, p framed as stream t, and the record last,
// with as few writes as the batch size allows.
func (f *framer) direct(t Type, p, last []byte) {
	f.close()
	iov := f.iov[:0]
	if f.n > 0 {
		iov = append(iov, f.buf[:f.n])
		f.n = 0
	}
	for records := 0; len(p) > 0; records++ {
		if records == batch {
			if f.writev(iov); f.err != nil {
				return
			}
			iov, records = f.iov[:0], 0
		}
		n := min(len(p), fullContent)
		h := f.headers[records*HeaderLen : (records+1)*HeaderLen]
		pad := f.header(h, t, n)
		iov = append(iov, h, p[:n])
		if p = p[n:]; len(p) == 0 {
			tail := append(append(f.tail[:0], zeros[:pad]...), last...)
			if len(tail) > 0 {
				iov = append(iov, tail)
			}
		}
	}
	f.writev(iov)
}

func (f *framer) writev(iov [][]byte) {
	if f.err != nil {
		return
	}
	want := 0
	for _, b := range iov {
		want += len(b)
	}
	n, err := f.vec.Writev(iov)
	f.wrote(n, want, err)
	clear(f.iov[:])
}

// put appends a whole record, flushing first if it does not fit.
func (f *framer) put(t Type, content []byte) error {
	f.close()
	n := len(content)
	if f.n+HeaderLen+n+7 > len(f.buf) {
		f.flush()
	}
	pad := f.header(f.buf[f.n:], t, n)
	f.n += HeaderLen
	f.n += copy(f.buf[f.n:], content)
	f.n += copy(f.buf[f.n:], zeros[:pad])
	return f.err
}

// flush writes what is buffered.
func (f *framer) flush() error {
	f.close()
	f.due = f.first
	if f.n > 0 && f.err == nil {
		n, err := f.dst.Write(f.buf[:f.n])
		f.wrote(n, f.n, err)
	}
	f.n = 0
	return f.err
}

// writeNow writes whole records past what is buffered.
func (f *framer) writeNow(b []byte) error {
	if f.err == nil {
		n, err := f.dst.Write(b)
		f.wrote(n, len(b), err)
	}
	return f.err
}

func (f *framer) wrote(n, want int, err error) {
	if err == nil && n != want {
		err = io.ErrShortWrite
	}
	f.err = err
}

// appendFixed appends a record with one of the eight-byte bodies.
func appendFixed(b []byte, t Type, id uint16, body [bodyLen]byte) []byte {
	var h [HeaderLen]byte
	Header{Version: Version1, Type: t, RequestID: id, ContentLength: bodyLen}.Put(h[:])
	return append(append(b, h[:]...), body[:]...)
}
