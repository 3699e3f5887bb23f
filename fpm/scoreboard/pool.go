// Counterpart: sapi/fpm/fpm/fpm_scoreboard.c (fpm_scoreboard_update)

package scoreboard

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Pool is what the master publishes about a pool: its own truth, of which the
// scoreboard is a copy.
type Pool struct {
	Name       string // up to 31 bytes
	PM         string // static, dynamic or ondemand
	StartEpoch int64

	ListenQueue    int // connections that wait
	MaxListenQueue int // most of them so far
	ListenQueueLen int // most that can wait

	HTTP         bool   // the front hands requests to the pool
	HTTPQueue    int    // requests that wait in the front
	MaxHTTPQueue int    // most of them so far
	HTTPRefused  uint64 // requests that the front has turned away

	HTTPBusy int // requests that the front has handed to the pool

	Parked  int            // idle connections that the master keeps
	Weight  int64          // memory of all workers, in proportion, in bytes; 0: not known
	Started uint64         // workers that were forked
	Ended   [Causes]uint64 // workers that ended, by the reason

	MaxChildrenReached uint64 // how often pm.max_children was
	WorkerMode         WorkerMode
	Slow               uint64 // slow requests the master counted, beside those workers count themselves
}

// Totals is a pool at a moment: what the master published, and what its
// workers say, summed up.
type Totals struct {
	Pool        Pool
	Idle        int    // workers that wait for a request
	Active      int    // workers that have one; a worker that is Creating is in neither
	MaxActive   int    // most active workers anybody saw
	Requests    uint64 // of all workers there were, as are:
	Connections uint64
	Slow        uint64 // with the Pool's
	MemoryPeak  uint64 // most memory that a request needed, bytes
}

// Totals sums up the pool, without allocation but for two texts. It returns false if the master's page could not be read in one piece, which happens
// if the master died writing it.
func (r *Reader) Totals(into *Totals) bool {
	d := &r.pool
	page := r.poolPage()
	ok := consistently(&page.seq, func() {
		load(unsafe.Pointer(d), unsafe.Pointer(&page.data), poolWords)
		*into = Totals{Requests: d.retiredRequests, Connections: d.retiredConnections, Slow: d.slow + d.retiredSlow,
			MemoryPeak: d.retiredMemoryPeak}
		peak := clamp(d.retiredPeak, r.slots)
		for i := range r.slots {
			ticket := r.ticket(i)
			if ticket == 0 {
				continue
			}
			p := r.slotPage(i)
			if atomic.LoadUint64(&p.ticket) != ticket {
				continue
			}
			requests, connections, slow := p.counts()
			into.Requests += requests
			into.Connections += connections
			into.Slow += slow
			into.MemoryPeak = max(into.MemoryPeak, atomic.LoadUint64(&p.memoryPeak))
			peak = max(peak, clamp(atomic.LoadUint64(&p.peak), r.slots))
			switch stageOf(atomic.LoadUint64(&p.data.stage)) {
			case Creating:
			case Accepting:
				into.Idle++
			default:
				into.Active++
			}
		}
		into.MaxActive = max(peak, into.Active)
	})
	into.Pool = Pool{
		Name: get(d.name[:]), PM: get(d.pm[:]), StartEpoch: d.startEpoch,
		ListenQueue: int(d.listenQueue), MaxListenQueue: int(d.maxListenQueue), ListenQueueLen: int(d.listenQueueLen),
		HTTP: d.http != 0, HTTPQueue: int(d.httpQueue), MaxHTTPQueue: int(d.maxHTTPQueue), HTTPRefused: d.httpRefused,
		HTTPBusy: int(d.httpBusy), Parked: int(d.parked), Weight: d.weight, Started: d.started, Ended: d.ended,
		MaxChildrenReached: d.maxChildrenReached, Slow: d.slow,
		WorkerMode: WorkerMode{Kind: Kind(d.workerMode), Booting: int(d.booting), BootTime: time.Duration(d.bootTime),
			Failures: d.bootFailures, Restarts: d.restarts},
	}
	return ok
}

// clamp makes a sane number of workers of anything.
func clamp(n uint64, most int) int { return int(min(n, uint64(most))) }
