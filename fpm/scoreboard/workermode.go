package scoreboard

import (
	"sync/atomic"
	"time"
)

// WorkerMode is what the master publishes about a pool in worker mode.
type WorkerMode struct {
	Kind     Kind
	Booting  int           // workers whose worker script boots
	BootTime time.Duration // that of the last one that booted
	Failures uint64        // boots that failed
	Restarts [Reasons]uint64
}

// Kind is what the workers of a pool do.
type Kind int

// The kinds.
const (
	Ordinary     Kind = iota // they run the script of each request
	WorkerScript             // they run a worker script, and have booted it
	Snapshot                 // they were forked from a booted worker script
	OtherScripts             // they run the scripts that another pool's worker script does not answer
)

// String returns the kind's name, as it is on the status page.
func (k Kind) String() string {
	switch k {
	case WorkerScript:
		return "worker script"
	case Snapshot:
		return "snapshot"
	case OtherScripts:
		return "other scripts"
	}
	return "ordinary"
}

// On reports whether the pool's workers answer requests by a worker script.
func (w *WorkerMode) On() bool { return w.Kind == WorkerScript || w.Kind == Snapshot }

// Reason is why a worker in worker mode was replaced.
type Reason int

// The reasons.
const (
	ByMaxRequests Reason = iota
	ByMaxMemory
	ByExit    // its script ended within a request, or by itself
	ByFatal   // an error ended its script
	ByTimeout // request_terminate_timeout
	BySignal  // another signal
	ByReload
	ByLeftovers // a request has changed what cannot be put back

	Reasons int = iota
)

var reasons = [Reasons]string{"max_requests", "max_memory", "exit", "fatal", "timeout", "signal", "reload", "leftovers"}

// String returns the reason's name, as it is on the status page and in Message.
func (r Reason) String() string { return reasons[r] }

// ReasonOf returns the reason with a name; false if there is none.
func ReasonOf(name string) (Reason, bool) {
	for i, known := range reasons {
		if known == name {
			return Reason(i), true
		}
	}
	return 0, false
}

// Growth is how the memory of a worker in worker mode has grown since it was first measured.
type Growth struct {
	Bytes    int64
	Requests uint64 // since then
}

// PerRequest returns the growth in bytes for each request.
func (g Growth) PerRequest() int64 {
	if g.Requests == 0 {
		return 0
	}
	return g.Bytes / int64(g.Requests)
}

// Memory notes how many bytes the worker has for itself.
func (s *Slot) Memory(bytes int64) {
	if atomic.LoadUint64(&s.page.firstMemory) == 0 {
		atomic.StoreUint64(&s.page.firstRequests, atomic.LoadUint64(&s.page.requests))
		atomic.StoreUint64(&s.page.firstMemory, uint64(bytes))
	}
	atomic.StoreUint64(&s.page.ownMemory, uint64(bytes))
}

// Growth returns the growth of slot i's worker; false if it has not been measured twice.
func (r *Reader) Growth(i int) (Growth, bool) {
	if !r.Used(i) {
		return Growth{}, false
	}
	p := r.slotPage(i)
	first := atomic.LoadUint64(&p.firstMemory)
	since := atomic.LoadUint64(&p.firstRequests)
	now, requests := atomic.LoadUint64(&p.ownMemory), atomic.LoadUint64(&p.requests)
	if first == 0 || requests <= since || atomic.LoadUint64(&p.ticket) != r.ticket(i) {
		return Growth{}, false
	}
	return Growth{Bytes: int64(now) - int64(first), Requests: requests - since}, true
}
