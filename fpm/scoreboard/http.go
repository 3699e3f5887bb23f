package scoreboard

import "sync/atomic"

// HTTPState says what stands in a worker's rescue socket (package contract).
type HTTPState uint32

const (
	// NoHTTP: nothing does.
	NoHTTP HTTPState = iota
	// HTTPWaits: a connection that waits for its next request.
	HTTPWaits
	// HTTPUnsent: a connection whose request is being answered, and nothing of the response was sent.
	HTTPUnsent
	// HTTPSent: a connection whose response was sent in part.
	HTTPSent
	// HTTPReads: a connection from which the next request is being read. What was read of it the worker alone has.
	HTTPReads
)

// HTTP is what a worker that speaks HTTP says of the connection in its rescue socket.
type HTTP struct {
	State    HTTPState
	Listener int   // index of the listener that it came to
	Spoke    int64 // ns of CLOCK_MONOTONIC: when the request began, or something of the response was last sent
}

// Rescuable reports whether another process can continue with the connection, or answer its request.
func (h HTTP) Rescuable() bool { return h.State != NoHTTP && h.State != HTTPReads }

// HTTP says what stands in the worker's rescue socket.
func (s *Slot) HTTP(state HTTPState, listener int) {
	p := s.page
	if state == HTTPUnsent || state == HTTPSent {
		now := s.clock.Now()
		atomic.StoreInt64(&p.spoke, now)
		if state == HTTPSent && s.first == 0 {
			s.first = now
		}
	}
	atomic.StoreUint64(&p.http, uint64(listener)<<8|uint64(state))
}

// HTTP returns what a worker says of its rescue socket. A worker may say anything.
func (r *Reader) HTTP(i int) HTTP {
	if !r.has(i) {
		return HTTP{}
	}
	p := r.slotPage(i)
	word := atomic.LoadUint64(&p.http)
	h := HTTP{State: HTTPState(word & 0xff), Listener: int(uint32(word >> 8)), Spoke: atomic.LoadInt64(&p.spoke)}
	if h.State > HTTPReads {
		h.State = NoHTTP
	}
	return h
}
