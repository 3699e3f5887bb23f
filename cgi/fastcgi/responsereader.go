package fastcgi

import (
	"errors"
	"fmt"
	"io"
)

// ResponseReader is a client's side of a connection, from the application:
// one response at a time, piece by piece, never more in memory than its
// buffer. See RequestWriter for the other direction.
type ResponseReader struct {
	in     RecordReader
	id     uint16
	done   bool
	ended  [2]bool // STDOUT, STDERR
	status EndRequest
}

// NewResponseReader reads through the caller's buffer, of MinBuffer bytes at
// least.
func NewResponseReader(src io.Reader, buf []byte) *ResponseReader {
	r := &ResponseReader{}
	r.in.init(buf)
	r.Reset(src)
	return r
}

// Reset begins a new connection with the same buffer.
func (r *ResponseReader) Reset(src io.Reader) {
	r.in.Reset(src)
	r.Begin(NullRequestID)
}

// Begin expects the response to request id, on a new connection or a kept one.
// With id 0 only answers to management records are expected.
func (r *ResponseReader) Begin(id uint16) {
	r.id, r.done, r.ended, r.status = id, false, [2]bool{}, EndRequest{}
}

// Next returns the next piece of the response: its type, and its content in
// place, valid until the next call.
//
//	TypeStdout, TypeStderr               some bytes of the stream, at least one
//	TypeGetValuesResult, TypeUnknownType a whole record (see Params.Parse)
//	TypeEndRequest                       no content; see Status
//
// After TypeEndRequest it returns io.EOF until Begin. The error is
// io.ErrUnexpectedEOF if the application closes before END_REQUEST, and a
// *RecordError if it makes another mistake; after either the connection is of
// no more use. An error of the source comes back unchanged, and the call may
// be repeated.
func (r *ResponseReader) Next() (Type, []byte, error) {
	if r.done {
		return 0, nil, io.EOF
	}
	for {
		h := r.in.Header()
		if r.in.left == 0 {
			var err error
			if h, err = r.in.Next(); err != nil {
				return 0, nil, r.source(err)
			}
			if err := r.check(h); err != nil {
				return 0, nil, err
			}
		}
		switch h.Type {
		case TypeStdout, TypeStderr:
			if h.ContentLength == 0 {
				r.ended[h.Type-TypeStdout] = true
				continue
			}
			b, err := r.in.Chunk(MaxContent)
			if err != nil {
				return 0, nil, r.source(err)
			}
			return h.Type, b, nil
		case TypeEndRequest:
			body, err := r.in.body8()
			if err != nil {
				return 0, nil, r.source(err)
			}
			r.status, r.done = ParseEndRequest(body), true
			return h.Type, nil, nil
		default:
			if err := r.in.need(r.in.left); err != nil {
				return 0, nil, r.source(err)
			}
			if r.in.left == 0 {
				return h.Type, nil, nil
			}
			b, err := r.in.Chunk(r.in.left)
			return h.Type, b, err
		}
	}
}

// Rebuffer continues with another buffer, of the same size at least, and returns the one used until now: in it what Next returned
// last stays as it is.
func (r *ResponseReader) Rebuffer(buf []byte) (old []byte) { return r.in.rebuffer(buf) }

// Status returns the body of the END_REQUEST that Next reported.
func (r *ResponseReader) Status() EndRequest { return r.status }

// Buffered returns the number of bytes read and not yet consumed, which is 0
// between two responses unless the application sent what nobody asked for.
func (r *ResponseReader) Buffered() int { return r.in.Buffered() }

// Left returns how many bytes of the record that Next returned a piece of are still to come.
func (r *ResponseReader) Left() int { return r.in.left }

// Rest reports whether all that is left of the response has been read already,
// to its END_REQUEST, and then how many bytes of STDOUT Next will still return.
// Records that Next will refuse are not whole.
func (r *ResponseReader) Rest() (stdout int, whole bool) {
	if r.done {
		return 0, true
	}
	in := &r.in
	b := in.buf[in.r:in.w]
	h, n := in.h, in.left+in.pad
	if h.Type == TypeStdout {
		stdout = in.left
	}
	for len(b)-n >= HeaderLen {
		b = b[n:]
		h = ParseHeader(b)
		switch {
		case h.Version != Version1 || h.RequestID != r.id:
			return 0, false
		case h.Type == TypeEndRequest:
			return stdout, len(b) >= HeaderLen+bodyLen
		case h.Type == TypeStdout:
			stdout += int(h.ContentLength)
		}
		n = HeaderLen + int(h.ContentLength) + int(h.PaddingLength)
	}
	return 0, false
}

// check judges the header of a record.
func (r *ResponseReader) check(h Header) error {
	wrong := func(err error, format string, args ...any) error {
		return &RecordError{h, stageResponse, err, fmt.Sprintf(format, args...)}
	}
	switch h.Type {
	case TypeStdout, TypeStderr:
		if h.ContentLength > 0 && r.ended[h.Type-TypeStdout] {
			return wrong(ErrOutOfOrder, "the stream has ended")
		}
	case TypeEndRequest:
		if h.ContentLength != bodyLen {
			return wrong(ErrMalformed, "its body is %d bytes long", bodyLen)
		}
	case TypeGetValuesResult, TypeUnknownType:
		if limit := len(r.in.buf) - HeaderLen; int(h.ContentLength) > limit {
			return wrong(ErrTooLarge, "limit is %d bytes", limit)
		}
		return nil
	default:
		return wrong(ErrOutOfOrder, "applications do not send it")
	}
	if h.RequestID != r.id || r.id == NullRequestID {
		return wrong(ErrOutOfOrder, "request %d was sent", r.id)
	}
	return nil
}

func (r *ResponseReader) source(err error) error {
	if errors.Is(err, io.EOF) || err == io.ErrUnexpectedEOF {
		return &RecordError{Stage: stageResponse, Err: io.ErrUnexpectedEOF}
	}
	if err == ErrVersion {
		return &RecordError{Stage: stageResponse, Err: err, Detail: fmt.Sprintf("it begins with %q", r.in.peek(HeaderLen))}
	}
	return err
}
