package lifecycle

/*
#include "engine_load.h"
#include "engine_sample.h"
*/
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// Sampler reads PHP's stack many times a second while PHP runs, for profiles. There is one in a process. One goroutine uses it, which must be
// locked to a thread that takes no signals.
//
// A sample is never guessed: either it is a stack that PHP had, or there is none. Ask has PHP write its stack down itself, which PHP does at the
// next loop or call. While PHP is in a function of C, or waits, there is none, and Read reads the stack from this thread. That PHP has not
// answered Ask yet is what makes it true.
type Sampler struct {
	now, asked *C.struct_engine_sample // C memory, for life
	reads      bool                    // the stack can be read from outside
}

// MostFrames is how many frames a sample has at most.
const MostFrames = C.ENGINE_MOST_FRAMES

// SampledName is a name in PHP's memory, as a sample has it: Sample.Text returns its text.
type SampledName struct {
	at        uint64
	Hash, Len uint64 // Hash is 0 if PHP has not made it yet
}

// SampledFrame is a function that PHP is in, or the code of a file, which has no name.
type SampledFrame struct {
	Function, Class, File SampledName // a function of C's has no file
	Line                  uint64
}

// Sample is PHP's stack at a moment. It is valid until the next call of the function that it came from.
type Sample struct {
	Accepted int64 // the WebRequest.Accepted of its request; 0: not known
	Cut      bool  // the frames that were called first are missing
	Frames   []SampledFrame
	copied   bool // so are the names
}

// The sizes are the same on both sides.
var _ = [1]struct{}{}[unsafe.Sizeof(SampledFrame{})-C.sizeof_struct_engine_frame]

var (
	sampler      *Sampler
	samplerInUse atomic.Bool
)

// TheSampler returns the process's Sampler, for one goroutine until it calls Release; nil: another one has it.
func TheSampler() *Sampler {
	if !samplerInUse.CompareAndSwap(false, true) {
		return nil
	}
	if sampler == nil {
		room := CBuffer(2 * C.sizeof_struct_engine_sample)
		sampler = &Sampler{now: (*C.struct_engine_sample)(unsafe.Pointer(&room[0])), asked: (*C.struct_engine_sample)(unsafe.Pointer(&room[C.sizeof_struct_engine_sample]))}
	}
	sampler.reads = C.sample_begin() != 0
	return sampler
}

// Release gives the Sampler up.
func (s *Sampler) Release() {
	s.Unask()
	C.sample_end()
	samplerInUse.Store(false)
}

// Wait waits until a time of CLOCK_MONOTONIC in nanoseconds.
func (s *Sampler) Wait(until int64) { C.sample_sleep(C.int64_t(until)) }

// Doze waits until WakeSampler is called, or until a time of CLOCK_MONOTONIC in nanoseconds. It returns at once if isWork returns true, which it
// asks after the point from which on a WakeSampler is not missed.
func (s *Sampler) Doze(until int64, isWork func() bool) {
	C.sample_doze()
	if isWork() {
		until = 0
	}
	C.sample_asleep(C.int64_t(until))
}

// WakeSampler ends the Sampler's Doze. Any goroutine may call it.
func WakeSampler() { C.sample_wake() }

// Read reads the stack, after an Ask. It returns false if that has changed meanwhile, or PHP has begun to write it down since the Ask.
func (s *Sampler) Read() (Sample, bool) {
	if !s.reads || C.sample_read(s.now) == 0 {
		return Sample{}, false
	}
	return sampleOf(s.now, false), true
}

// Ask has PHP write its stack down as soon as it executes a loop or a call of PHP code. It must have been unasked before.
func (s *Sampler) Ask() { C.engine_stack_ask(s.asked) }

// Taken reports whether PHP has written its stack down.
func (s *Sampler) Taken() bool { return C.engine_stack_taken() == 1 }

// Unask takes the wish back. It returns what PHP has written down, and false if PHP has not written anything.
func (s *Sampler) Unask() (Sample, bool) {
	if C.engine_stack_unask() == 0 {
		return Sample{}, false
	}
	return sampleOf(s.asked, true), true
}

func sampleOf(c *C.struct_engine_sample, copied bool) Sample {
	return Sample{int64(c.accepted), c.cut != 0, unsafe.Slice((*SampledFrame)(unsafe.Pointer(&c.frames[0])), int(c.depth)), copied}
}

// maxName is how much of a name is told, in bytes, and longestName the longest that is read.
const (
	maxName     = 1 << 10
	longestName = 64 << 10
)

// Text returns the text of a name. It returns false if PHP's memory has something else there by now, which the hash tells.
func (s *Sample) Text(n SampledName) (string, bool) {
	if n.Len == 0 {
		return "", true
	}
	if n.Len > longestName {
		return "", false
	}
	b := make([]byte, n.Len)
	if C.sample_text((*C.char)(unsafe.Pointer(&b[0])), C.uint64_t(n.at), C.uint64_t(n.Len), boolean(s.copied)) == 0 {
		return "", false
	}
	if n.Hash != 0 && n.Hash != hash(b) {
		return "", false
	}
	return string(b[:min(len(b), maxName)]), true
}

// hash is PHP's hash of a string (zend_inline_hash_func).
func hash(text []byte) uint64 {
	h := uint64(5381)
	for _, c := range text {
		h = h*33 + uint64(c)
	}
	return h | 1<<63
}
