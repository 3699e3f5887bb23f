// Counterpart: sapi/fpm/fpm/fpm_scoreboard.c (fpm_scoreboard_copy)

package scoreboard

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// Reader reads a pool's scoreboard. It is for one goroutine at a time.
type Reader struct {
	geometry
	mem   []byte
	entry tableEntry
	slot  slotData
	pool  poolData

	caches cachesPage
}

// OpenReader maps a Board's File for reading. The descriptor stays the
// caller's, and may be closed. It fails where fd is not a scoreboard of that many slots.
func OpenReader(fd, slots int) (*Reader, error) {
	r := &Reader{}
	if err := r.open(fd, slots); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Reader) open(fd, slots int) error {
	g, err := newGeometry(slots)
	if err != nil {
		return err
	}
	if err := check(fd, g.size); err != nil {
		return err
	}
	mem, err := mapAll(fd, g.size)
	if err != nil {
		return err
	}
	r.geometry, r.mem = g, mem
	return nil
}

// Close unmaps what OpenReader mapped; the Reader is not to be used then.
func (r *Reader) Close() error {
	mem := r.mem
	r.mem, r.slots = nil, 0
	return unmap(mem)
}

// Slots returns the number of slots.
func (r *Reader) Slots() int { return r.slots }

// Proc is a worker as its slot shows it. Pid and StartEpoch are the master's
// word, the rest is the worker's own.
type Proc struct {
	Pid           int // 0 until the master knows it
	StartEpoch    int64
	Stage         Stage
	Requests      uint64
	Connections   uint64
	Slow          uint64
	Accepted      int64 // when the request was, or the last one; ns of CLOCK_MONOTONIC
	AcceptedEpoch int64
	Updated       int64         // when the wait for a request, the request, or its response began; ns of CLOCK_MONOTONIC
	Duration      time.Duration // of the last finished request
	CPUUser       time.Duration // of the last finished request
	CPUSystem     time.Duration
	QueueWait     time.Duration // of the request; 0: not known
	Memory        uint64        // peak of the last finished request, bytes
	ContentLength uint64
	Method        string // up to 15 bytes
	URI           string // up to 127 bytes
	Query         string // up to 511 bytes
	User          string // up to 31 bytes
	Script        string // up to 255 bytes
	ID            string // up to 63 bytes
	Host          string // up to 127 bytes
	Target        string // up to 511 bytes
	Client        string // up to 47 bytes
	Trace         tracecontext.Context
	Growth        Growth // in worker mode
}

// Activity is the part of a Proc that the master's tick needs.
type Activity struct {
	Stage    Stage
	Updated  int64 // ns of CLOCK_MONOTONIC
	Accepted int64 // ns of CLOCK_MONOTONIC
	Requests uint64
}

// Used reports whether slot i has a worker.
func (r *Reader) Used(i int) bool { return r.has(i) && r.ticket(i) != 0 }

// Snapshot copies slot i. It returns false if the slot is vacant: Pid and StartEpoch are 0 then. It also returns false if the worker's page cannot be
// read in one piece, because the worker is not there yet, writes too fast or died writing: then only Pid and StartEpoch are set, and Stage is
// Creating.
func (r *Reader) Snapshot(i int, into *Proc) bool {
	*into = Proc{}
	if !r.has(i) {
		return false
	}
	e := &r.entry
	if !consistently(&r.poolPage().seq, func() {
		load(unsafe.Pointer(e), unsafe.Pointer(r.tableEntry(i)), entryWords)
	}) || e.ticket == 0 {
		return false
	}
	into.Pid, into.StartEpoch = int(e.pid), e.startEpoch
	p := r.slotPage(i)
	if atomic.LoadUint64(&p.ticket) != e.ticket {
		return false
	}
	into.Requests, into.Connections, into.Slow = p.counts()
	d := &r.slot
	if !consistently(&p.seq, func() { load(unsafe.Pointer(d), unsafe.Pointer(&p.data), slotWords) }) {
		return false
	}
	into.Requests, into.Connections, into.Slow = p.counts()
	d.copyTo(into)
	into.Growth, _ = r.Growth(i)
	return true
}

// Activity returns what the worker of slot i is doing, without allocation. It returns false if Snapshot would.
func (r *Reader) Activity(i int, into *Activity) bool {
	*into = Activity{}
	if !r.has(i) {
		return false
	}
	ticket, p := r.ticket(i), r.slotPage(i)
	if ticket == 0 || atomic.LoadUint64(&p.ticket) != ticket {
		return false
	}
	d := &r.slot
	if !consistently(&p.seq, func() { load(unsafe.Pointer(d), unsafe.Pointer(&p.data), activityWords) }) {
		return false
	}
	into.Requests = atomic.LoadUint64(&p.requests)
	into.Stage, into.Updated, into.Accepted = stageOf(d.stage), d.updated, d.accepted
	return true
}

func (d *slotData) copyTo(p *Proc) {
	p.Stage = stageOf(d.stage)
	p.Accepted, p.AcceptedEpoch, p.Updated = d.accepted, d.acceptedEpoch, d.updated
	p.Duration, p.CPUUser, p.CPUSystem = time.Duration(d.duration), time.Duration(d.cpuUser), time.Duration(d.cpuSystem)
	p.Memory, p.ContentLength, p.QueueWait = d.memory, d.contentLength, time.Duration(d.queued)
	p.Method, p.URI, p.Query = get(d.method[:]), get(d.uri[:]), get(d.query[:])
	p.User, p.Script = get(d.user[:]), get(d.script[:])
	p.Trace = tracecontext.Context{Trace: d.trace, Span: d.span, Parent: d.parent, Flags: byte(d.traceFlags)}
	p.ID, p.Host, p.Target, p.Client = get(d.id[:]), get(d.host[:]), get(d.target[:]), get(d.client[:])
}

func (p *slotPage) counts() (requests, connections, slow uint64) {
	return atomic.LoadUint64(&p.requests), atomic.LoadUint64(&p.connections), atomic.LoadUint64(&p.slow)
}

func stageOf(word uint64) Stage {
	if word >= uint64(stages) {
		return Creating
	}
	return Stage(word)
}

// Keeps reports whether the worker of slot i has said that it watches a kept connection.
func (r *Reader) Keeps(i int) bool { return r.has(i) && atomic.LoadUint32(&r.slotPage(i).keeps) == 1 }

func (r *Reader) poolPage() *poolPage { return (*poolPage)(unsafe.Pointer(&r.mem[0])) }

func (r *Reader) tableEntry(i int) *tableEntry {
	return (*tableEntry)(unsafe.Pointer(&r.mem[tableAt(i)]))
}

func (r *Reader) slotPage(i int) *slotPage {
	return (*slotPage)(unsafe.Pointer(&r.mem[r.at(i)]))
}

func (r *Reader) ticket(i int) uint64 { return atomic.LoadUint64(&r.tableEntry(i).ticket) }

// tableAt is where slot i's entry of the master's table is.
func tableAt(i int) int {
	return int(unsafe.Sizeof(poolPage{})) + i*int(unsafe.Sizeof(tableEntry{}))
}
