package upstream

import (
	"math"
	"time"
)

// A client that reads slowly must not hold a worker. As long as it keeps up, what comes from the worker is written to it by
// the goroutine that read it. That one may wait in a write for as long as the client's time-outs allow, on a socket, in
// TLS or for a window of HTTP/2, and cannot be got out of there without harm to the connection. So it stays, and somebody
// else takes its place at the worker's side: a timer looks at writes, and where one is slow its goroutine continues with
// the response and puts it into a spool (spool.go), from where the writer continues when it comes back.
//
// A write under watch costs three atomic operations; the timer is set once in an interval for all writes.

// interval is how often a timer looks at the writes of a connection.
const interval = 50 * time.Millisecond // Pool.interval, but for tests

// slowBytes is how much a client has to take in an interval to keep up, when it is found in a write at both of its ends:
// less than 20 MB/s is slow. A faster client frees the worker soon.
const slowBytes = 1 << 20

// An answer's state is the bytes that were written, times two, plus one during a write; or taken, from when somebody else
// is at the worker's side until the writer comes back.
const (
	writing = 1
	taken   = math.MaxUint64
)

// enter stands before a write to the client, and leave behind it.
func (a *answer) enter() (word uint64) {
	if a.spooling || a.held || a.c.pool.Limits.SpoolBytes <= 0 {
		return 0
	}
	word = a.passed<<1 | writing
	a.state.Store(word)
	if !a.c.ticking.Load() {
		a.c.watch()
	}
	return word
}

func (a *answer) leave(word uint64, n int) {
	if word == 0 {
		return
	}
	a.passed += uint64(n)
	if !a.state.CompareAndSwap(word, a.passed<<1) {
		a.spooling = true // a.c is no longer ours
	}
}

// watch sets the timer.
func (c *conn) watch() {
	if c.ticking.CompareAndSwap(false, true) {
		c.timer.Reset(c.pool.interval)
	}
}

// tick looks whether the client is slow. It continues as long as there is a write at each look.
func (c *conn) tick() {
	if a := c.current.Load(); a != nil {
		word := a.state.Load()
		if a.slow(word) && a.take(word) {
			c.ticking.Store(false)
			c.fill(a, a.spool.Load())
			return
		}
		if a.seen = word; word&writing != 0 {
			c.timer.Reset(c.pool.interval)
			return
		}
	}
	c.ticking.Store(false)
	// A write that began meanwhile may have taken the timer for set.
	if a := c.current.Load(); a != nil && a.state.Load()&writing != 0 {
		c.watch()
	}
}

// slow reports whether a client did not keep up in the interval that ends with this state.
func (a *answer) slow(word uint64) bool {
	return word != taken && word&writing != 0 && a.seen&writing != 0 && word>>1-a.seen>>1 < slowBytes
}

// take takes the worker's side, unless the write has ended.
func (a *answer) take(word uint64) bool {
	if a.spool.Load() == nil {
		a.spool.Store(newSpool(a.c))
	}
	a.seen = 0
	return a.state.CompareAndSwap(word, taken)
}

// resume gives the worker's side back to the writer.
func (a *answer) resume() {
	a.spooling = false
	a.state.Store(a.passed << 1)
	a.c.current.Store(a)
}
