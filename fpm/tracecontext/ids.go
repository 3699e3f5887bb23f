package tracecontext

import (
	crypto "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

// ofProcess are random bits of the process's own. Processes that are forked with a Go runtime continue with one state of math/rand, and draw
// the same numbers.
var ofProcess = sync.OnceValue(func() (bits [2]uint64) {
	var raw [16]byte
	crypto.Read(raw[:])
	return [2]uint64{binary.NativeEndian.Uint64(raw[:8]), binary.NativeEndian.Uint64(raw[8:])}
})

// Random returns 128 random bits, which nobody needs to be unable to guess.
func Random() (a, b uint64) {
	own := ofProcess()
	return rand.Uint64() ^ own[0], rand.Uint64() ^ own[1]
}

// NewTrace begins a trace.
func (c *Context) NewTrace() {
	for c.Trace == (TraceID{}) {
		a, b := Random()
		binary.NativeEndian.PutUint64(c.Trace[:8], a)
		binary.NativeEndian.PutUint64(c.Trace[8:], b)
	}
	c.Parent, c.Flags = SpanID{}, 0
}

// NewSpan gives the request an id of its own.
func (c *Context) NewSpan() {
	c.Span = SpanID{}
	for c.Span == (SpanID{}) {
		a, _ := Random()
		binary.NativeEndian.PutUint64(c.Span[:], a)
	}
}
