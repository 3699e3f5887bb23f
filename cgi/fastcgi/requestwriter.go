package fastcgi

import (
	"fmt"
	"io"
)

// RequestWriter is a client's side of a connection, towards the application.
// It is independent of ResponseReader, so that one goroutine may send while
// another reads; a client that does both in turn deadlocks on long bodies. The
// response can be complete before the request is: wait for the sender, too,
// before the next Begin.
// The caller keeps the order of §6: Begin, Param…, EndParams, Write…, EndStdin.
// Everything waits in the buffer until it is full or Flush. An error of the
// transport is final.
type RequestWriter struct{ f framer }

// NewRequestWriter writes through the caller's buffer, of MinBuffer bytes at
// least. Stock PHP closes on a name-value pair that is split over records, so
// only a pair that fits the buffer goes to it safely: 64 KiB or more is right.
func NewRequestWriter(dst io.Writer, buf []byte) *RequestWriter {
	w := &RequestWriter{}
	w.f.init(buf)
	w.f.reset(dst)
	return w
}

// Reset begins a new connection with the same buffer.
func (w *RequestWriter) Reset(dst io.Writer) { w.f.reset(dst) }

// Begin begins a request (§5.1). The id is not 0.
func (w *RequestWriter) Begin(id uint16, b BeginRequest) error {
	w.f.close()
	w.f.id = id
	body := b.Body()
	return w.f.put(TypeBeginRequest, body[:])
}

// Param adds a param (§5.2), in one record if it fits.
func (w *RequestWriter) Param(name, value string) error { return param(&w.f, name, value) }

// ParamBytes is Param for a name and a value that are not strings. They are not
// kept.
func (w *RequestWriter) ParamBytes(name, value []byte) error { return param(&w.f, name, value) }

func param[T string | []byte](f *framer, name, value T) error {
	if len(name) > maxPairLen || len(value) > maxPairLen {
		return fmt.Errorf("fastcgi: param name of %d, value of %d bytes: limit is %d", len(name), len(value), maxPairLen)
	}
	size := pairSize(len(name), len(value))
	if size > f.room(TypeParams) {
		f.close()
	}
	if size > f.room(TypeParams) {
		f.flush()
	}
	if size > f.room(TypeParams) {
		_, err := f.write(TypeParams, AppendPair(nil, name, value))
		return err
	}
	f.n += len(AppendPair(f.buf[f.n:f.n], name, value))
	return f.err
}

// EndParams ends PARAMS (§5.2).
func (w *RequestWriter) EndParams() error { return w.f.put(TypeParams, nil) }

// Write puts p on STDIN (§5.3). p is not kept.
func (w *RequestWriter) Write(p []byte) (int, error) { return w.f.write(TypeStdin, p) }

// EndStdin ends STDIN and flushes.
func (w *RequestWriter) EndStdin() error {
	w.f.put(TypeStdin, nil)
	return w.f.flush()
}

// WriteData puts p on a filter's DATA (§6.4), after EndStdin. p is not kept.
func (w *RequestWriter) WriteData(p []byte) (int, error) { return w.f.write(TypeData, p) }

// EndData ends DATA and flushes.
func (w *RequestWriter) EndData() error {
	w.f.put(TypeData, nil)
	return w.f.flush()
}

// Abort asks the application to give up the request (§5.4) and flushes. The
// response is still to be read to its END_REQUEST. Stock PHP takes it for the
// end of params or body, and in a body closes the connection after the
// response.
func (w *RequestWriter) Abort() error {
	w.f.put(TypeAbortRequest, nil)
	return w.f.flush()
}

// GetValues asks for management values (§4.1) and flushes; not while a stream
// of this client is half written by somebody else.
func (w *RequestWriter) GetValues(names ...string) error {
	var q []byte
	for _, name := range names {
		q = AppendPair(q, name, "")
	}
	w.f.flush()
	return w.f.writeNow(Record{Type: TypeGetValues, Content: q, PaddingLength: uint8(padTo8(len(q)))}.AppendTo(nil))
}

// Available returns how much more fits the buffer, framing included, before it is
// written: EndParams takes 8 bytes, EndStdin 8 and up to 7 for padding.
func (w *RequestWriter) Available() int { return len(w.f.buf) - w.f.n - TailRoom }

// Flush writes what is buffered.
func (w *RequestWriter) Flush() error { return w.f.flush() }
