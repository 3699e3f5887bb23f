package fastcgi

import (
	"errors"
	"fmt"
	"io"
)

// MinBuffer is the least size of a buffer given to this package.
const MinBuffer = 64

// RecordReader splits a byte stream into records (§3.3). It reads as much as
// its buffer takes with each Read of the source, hands contents out in place,
// and never holds more of a record than the buffer has room for.
//
// An error of the source is returned as it is and nothing is lost by it: when
// the source can be read again, call the same method again. The end of the
// stream between two records is io.EOF, within one io.ErrUnexpectedEOF.
type RecordReader struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] has been read from the source and not consumed

	h    Header
	left int // content of the current record not yet consumed
	pad  int // padding of the current record not yet consumed
}

// NewRecordReader reads src through the caller's buffer, of MinBuffer bytes at least.
func NewRecordReader(src io.Reader, buf []byte) *RecordReader {
	rr := &RecordReader{}
	rr.init(buf)
	rr.Reset(src)
	return rr
}

func (rr *RecordReader) init(buf []byte) {
	if len(buf) < MinBuffer {
		panic(fmt.Sprintf("BUG: fastcgi: buffer of %d bytes, least is %d", len(buf), MinBuffer))
	}
	rr.buf = buf
}

func (rr *RecordReader) rebuffer(buf []byte) (old []byte) {
	if len(buf) < len(rr.buf) {
		panic(fmt.Sprintf("BUG: fastcgi: buffer of %d bytes in place of one of %d", len(buf), len(rr.buf)))
	}
	old, rr.r, rr.w = rr.buf, 0, copy(buf, rr.buf[rr.r:rr.w])
	rr.buf = buf
	return old
}

// Reset begins a new stream with the same buffer; what was read ahead is dropped.
func (rr *RecordReader) Reset(src io.Reader) { *rr = RecordReader{src: src, buf: rr.buf} }

// Buffered returns the number of bytes read from the source and not yet consumed.
func (rr *RecordReader) Buffered() int { return rr.w - rr.r }

// Header returns the header that Next returned last.
func (rr *RecordReader) Header() Header { return rr.h }

// Next skips what is left of the current record and reads the header of the
// next. A version other than 1 is an ErrVersion.
func (rr *RecordReader) Next() (Header, error) {
	if err := rr.skip(); err != nil {
		return Header{}, err
	}
	if err := rr.need(HeaderLen); err != nil {
		if err == io.EOF && rr.Buffered() > 0 {
			err = io.ErrUnexpectedEOF
		}
		return Header{}, err
	}
	h := ParseHeader(rr.buf[rr.r:])
	if h.Version != Version1 {
		return h, ErrVersion
	}
	rr.r += HeaderLen
	rr.h, rr.left, rr.pad = h, int(h.ContentLength), int(h.PaddingLength)
	return h, nil
}

// Chunk consumes up to max bytes of the current record's content and returns
// them in place: valid until the next call, and less than max is not an end. The
// end is io.EOF. It reads from the source only when nothing is buffered.
func (rr *RecordReader) Chunk(max int) ([]byte, error) {
	if rr.left == 0 {
		return nil, io.EOF
	}
	if rr.r == rr.w {
		if err := rr.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
	n := min(max, rr.left, rr.w-rr.r)
	b := rr.buf[rr.r : rr.r+n : rr.r+n]
	rr.r += n
	rr.left -= n
	return b, nil
}

// body8 consumes the first eight content bytes of the current record, or none.
func (rr *RecordReader) body8() (b [bodyLen]byte, err error) {
	if err := rr.need(bodyLen); err != nil {
		return b, unexpected(err)
	}
	copy(b[:], rr.buf[rr.r:])
	rr.r += bodyLen
	rr.left -= bodyLen
	return b, nil
}

// skip consumes the rest of the current record, padding too.
func (rr *RecordReader) skip() error {
	for rr.left > 0 || rr.pad > 0 {
		if rr.r == rr.w {
			if err := rr.fill(); err != nil {
				return unexpected(err)
			}
		}
		n := min(rr.left, rr.w-rr.r)
		rr.left -= n
		rr.r += n
		n = min(rr.pad, rr.w-rr.r)
		rr.pad -= n
		rr.r += n
	}
	return nil
}

// need sees to it that n bytes are buffered in one piece.
func (rr *RecordReader) need(n int) error {
	for rr.w-rr.r < n {
		if err := rr.fill(); err != nil {
			return err
		}
	}
	return nil
}

// peek returns up to n bytes that are buffered, and leaves them.
func (rr *RecordReader) peek(n int) []byte { return rr.buf[rr.r:min(rr.r+n, rr.w)] }

// fill reads once from the source, behind what is buffered. That is next to
// nothing when fill is called, so moving it to the beginning costs nothing.
func (rr *RecordReader) fill() error {
	rr.w = copy(rr.buf, rr.buf[rr.r:rr.w])
	rr.r = 0
	for range 100 {
		n, err := rr.src.Read(rr.buf[rr.w:])
		if n < 0 || n > len(rr.buf)-rr.w {
			panic("BUG: fastcgi: source returned an impossible count")
		}
		if n > 0 {
			rr.w += n
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
