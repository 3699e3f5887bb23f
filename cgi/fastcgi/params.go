package fastcgi

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// Pair locates one param in Params.Bytes: offsets and lengths, no pointers, so
// that the array of them and the bytes may be handed to C as they are.
type Pair struct {
	Name, NameLen   uint32
	Value, ValueLen uint32
}

// Params are the params of one request, in the order they came. The wire bytes
// are collected in one buffer and parsed there, in place: afterwards each value
// in it is followed by a NUL byte, so it is a C string too. (One that itself
// contains a NUL ends there for C, and only for C.)
//
// The zero value is ready. The slices it hands out are valid until the next
// Reset; memory is kept for the next request.
//
// A name that comes twice keeps its place and takes the later value, as in
// stock PHP (whose hash of a name of three bytes takes in the byte after it,
// so that it keeps both, and getenv finds neither by its name alone). Stock PHP
// walks its params last one first when it fills $_SERVER.
type Params struct {
	buf   []byte
	pairs []Pair
	index index
}

// Reset forgets the params and keeps the memory.
func (p *Params) Reset() {
	p.buf = p.buf[:0]
	p.pairs = p.pairs[:0]
	p.index.reset()
}

// Len returns the number of params.
func (p *Params) Len() int { return len(p.pairs) }

// At returns the i-th param; it panics unless 0 <= i < Len.
func (p *Params) At(i int) (name, value []byte) {
	pr := &p.pairs[i]
	return p.at(pr.Name, pr.NameLen), p.at(pr.Value, pr.ValueLen)
}

func (p *Params) at(off, n uint32) []byte { return p.buf[off : off+n : off+n] }

// name is the i-th param's name, until the bytes move.
func (p *Params) name(i int) string {
	pr := &p.pairs[i]
	return view(p.buf[pr.Name : pr.Name+pr.NameLen])
}

// view returns a string that shares b's memory, for as long as that does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Get returns the value of a param, or nil if there is none; a param with an
// empty value is an empty slice that is not nil.
func (p *Params) Get(name string) []byte {
	if i := p.index.find(p, name); i >= 0 {
		return p.at(p.pairs[i].Value, p.pairs[i].ValueLen)
	}
	return nil
}

// Set gives a param a new value, or appends it. It copies name and value.
// Slices handed out before stay readable, but Bytes may move.
func (p *Params) Set(name string, value []byte) {
	if i := p.index.find(p, name); i >= 0 {
		off := uint32(len(p.buf))
		p.buf = append(append(p.buf, value...), 0)
		p.pairs[i].Value, p.pairs[i].ValueLen = off, uint32(len(value))
		return
	}
	p.AddBytes(unsafe.Slice(unsafe.StringData(name), len(name)), value)
}

// Add appends a param. The caller knows that there is no other of this name. It copies name and value.
func (p *Params) Add(name, value string) { add(p, name, value) }

// AddBytes is Add for a name and a value that are not strings.
func (p *Params) AddBytes(name, value []byte) { add(p, name, value) }

func add[S string | []byte](p *Params, name, value S) {
	at := uint32(len(p.buf))
	p.buf = append(append(p.buf, name...), 0)
	valueAt := uint32(len(p.buf))
	p.buf = append(append(p.buf, value...), 0)
	p.index.add(p, len(p.pairs), view(p.at(at, uint32(len(name)))))
	p.pairs = append(p.pairs, Pair{at, uint32(len(name)), valueAt, uint32(len(value))})
}

// Delete removes a param if it is there; the others keep their order.
func (p *Params) Delete(name string) {
	i := p.index.find(p, name)
	if i < 0 {
		return
	}
	p.pairs = slices.Delete(p.pairs, i, i+1)
	p.index.rebuild(p)
}

// Bytes returns the buffer that Pairs points into. Read only.
func (p *Params) Bytes() []byte { return p.buf }

// Pairs locates every param in Bytes, in order. Read only.
func (p *Params) Pairs() []Pair { return p.pairs }

// Parse takes the pairs of a whole stream, or of a GET_VALUES_RESULT, from its
// wire form (§3.4), which it copies. What is not pairs to its last byte is an
// ErrMalformed, and leaves the Params unusable until Reset.
func (p *Params) Parse(wire []byte) error {
	p.Reset()
	if len(wire) > maxParamBytes {
		return &pairError{0, ErrTooLarge, fmt.Sprintf("limit is %d bytes", maxParamBytes)}
	}
	p.collect(wire)
	return p.parse(math.MaxInt)
}

// collect appends wire bytes to be parsed later.
func (p *Params) collect(b []byte) { p.buf = append(p.buf, b...) }

// parse turns the collected wire bytes (§3.4) into at most limit pairs. On an
// error the Params are unusable until Reset.
//
// Nothing moves: a value's NUL is where the lengths of the next pair began.
func (p *Params) parse(limit int) error {
	end := len(p.buf)
	p.buf = append(p.buf, 0) // the last value's
	buf := p.buf
	for at := 0; at < end; {
		var name, value, next int
		if at+2 <= end && buf[at]|buf[at+1] < 0x80 {
			name = at + 2
			value = name + int(buf[at])
			next = value + int(buf[at+1])
		}
		if name == 0 || next > end {
			nl, vl, size, err := pairHeader(buf[at:end])
			if err != nil {
				return &pairError{len(p.pairs), ErrMalformed, err.Error()}
			}
			name = at + size
			value = name + nl
			next = value + vl
		}
		buf[at] = 0
		at = next

		if i := p.index.add(p, len(p.pairs), view(buf[name:value])); i >= 0 {
			p.pairs[i].Value, p.pairs[i].ValueLen = uint32(value), uint32(next-value)
			continue
		}
		if len(p.pairs) >= limit {
			return &pairError{len(p.pairs), ErrTooLarge, fmt.Sprintf("limit is %d params", limit)}
		}
		p.pairs = append(p.pairs, Pair{uint32(name), uint32(value - name), uint32(value), uint32(next - value)})
	}
	return nil
}

// pairError says which pair was wrong; readers turn it into a RecordError.
type pairError struct {
	n      int
	err    error
	detail string
}

func (e *pairError) Error() string { return fmt.Sprintf("param %d: %s", e.n, e.detail) }
func (e *pairError) Unwrap() error { return e.err }
