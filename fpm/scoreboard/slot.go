// Counterpart: sapi/fpm/fpm/fpm_request.c

package scoreboard

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"
)

// Slot is a worker's own page. It is for one goroutine at a time, but for
// CountSlow. After OpenSlot nothing allocates and no method makes a system call.
type Slot struct {
	*Reader
	page    *slotPage
	counted *countPage
	tally   *tally // and what follows: of counted
	present *Present
	caches  *cachesPage
	clock   Clock
	index   int
	own     []byte
	seen    int64 // when the active workers were last counted

	nextLook int64 // see MayLook
	idle     int64 // see Idle
	first    int64 // when the first byte of the present response was sent; 0: it was not
	site     int   // of the present request: Request.Site

	receiving bool // Receiving was called, and nothing followed
	before    lastRequest
	reader    Reader
}

// OpenSlot maps slot i, which the master has given this worker, for writing and
// the rest for reading, and empties it: the stage is Creating. The descriptor
// stays the caller's, who must close it before anything untrusted runs: a process
// that has it can write every page. Call it before chroot(2) and before the process
// changes user, while it may open /proc/self/fd.
func OpenSlot(fd, slots, i int) (*Slot, error) {
	s := &Slot{}
	if err := s.OpenApart(fd, fd, slots, i); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenApart is OpenSlot with the memory of s, which is zero, and with another
// descriptor, from Board.ForReading, for the slots that are not this worker's:
// for a process that has changed user.
func (s *Slot) OpenApart(fd, reading, slots, i int) error {
	r := &s.reader
	if err := r.open(reading, slots); err != nil {
		return err
	}
	if !r.has(i) {
		r.Close()
		return fmt.Errorf("scoreboard: slot %d of %d", i, slots)
	}
	own, err := mapOwn(fd, r.at(i), r.stride)
	if err != nil {
		r.Close()
		return err
	}
	s.Reader, s.page, s.clock, s.index, s.own = r, (*slotPage)(unsafe.Pointer(&own[0])), NewClock(), i, own
	counted := (*countPage)(unsafe.Pointer(&own[r.pageSize]))
	s.counted, s.tally, s.present, s.caches = counted, &counted.tally, &counted.present, &counted.caches
	s.reset()
	return nil
}

// reset empties the page of what the worker before left, who may have died
// within a change.
func (s *Slot) reset() {
	p := s.page
	atomic.StoreUint64(&p.ticket, 0)
	atomic.StoreUint32(&p.seq, atomic.LoadUint32(&p.seq)|1)
	atomic.StoreUint64(&p.requests, 0)
	atomic.StoreUint64(&p.connections, 0)
	atomic.StoreUint64(&p.slow, 0)
	atomic.StoreUint64(&p.peak, 0)
	atomic.StoreUint64(&p.ownMemory, 0)
	atomic.StoreUint64(&p.firstMemory, 0)
	atomic.StoreUint64(&p.http, 0)
	atomic.StoreInt64(&p.spoke, 0)
	atomic.StoreUint64(&p.report, 0)
	atomic.StoreUint64(&p.sent, 0)
	atomic.StoreUint32(&p.keeps, 0)
	*s.tally, *s.present, *s.caches = tally{}, Present{}, cachesPage{}
	s.counted.sites.empty()
	p.data = slotData{updated: s.clock.Now()}
	atomic.AddUint32(&p.seq, 1)
	atomic.StoreUint64(&p.ticket, s.ticket(s.index))
}

// Accepting: the worker waits for a request.
func (s *Slot) Accepting() {
	now := s.clock.Now()
	s.begin()
	s.page.data.updated = now
	s.commit(Accepting)
}

// Receiving: the worker is about to read what may be a request. The stage is
// ReadingHeaders, because the read itself may take for ever: what comes with the
// bytes is up to the client. ReadingHeaders follows, or ReceivedNothing.
func (s *Slot) Receiving() {
	mono, epoch := s.clock.both()
	d := &s.page.data
	if !s.receiving {
		s.before = lastRequest{d.accepted, d.acceptedEpoch, d.contentLength,
			[...]byte{d.method[0], d.uri[0], d.query[0], d.user[0], d.script[0], d.id[0], d.host[0], d.target[0], d.client[0]}}
		s.receiving = true
	}
	if d.stage == uint64(Accepting) {
		s.idle += mono - d.updated
	}
	s.begin()
	d.updated, d.accepted, d.acceptedEpoch = mono, mono, epoch
	d.method[0], d.uri[0], d.query[0], d.user[0], d.script[0], d.id[0], d.host[0], d.target[0], d.client[0] = 0, 0, 0, 0, 0, 0, 0, 0, 0
	d.contentLength = 0
	s.commit(ReadingHeaders)
}

// lastRequest is what Receiving changes of the page. A text without its first
// byte is empty.
type lastRequest struct {
	accepted, acceptedEpoch int64
	contentLength           uint64
	first                   [9]byte
}

// ReceivedNothing: the worker waits for a request still, and shows the last one.
func (s *Slot) ReceivedNothing() {
	s.receiving = false
	d, b := &s.page.data, &s.before
	s.begin()
	d.accepted, d.acceptedEpoch, d.contentLength = b.accepted, b.acceptedEpoch, b.contentLength
	d.method[0], d.uri[0], d.query[0], d.user[0], d.script[0], d.id[0], d.host[0], d.target[0], d.client[0] =
		b.first[0], b.first[1], b.first[2], b.first[3], b.first[4], b.first[5], b.first[6], b.first[7], b.first[8]
	s.commit(Accepting)
}

// ReadingHeaders: a request begins. It counts the request and forgets the
// texts of the one before.
func (s *Slot) ReadingHeaders() {
	if !s.receiving {
		s.Receiving()
	}
	s.receiving = false
	s.first = 0
	atomic.AddUint64(&s.page.requests, 1)
	if mono := s.page.data.accepted; mono-s.seen >= int64(countInterval) {
		s.seen = mono
		s.countActive()
	}
}

// Info: the request is known.
func (s *Slot) Info(r *Request) {
	uri, query := r.sizes()
	s.begin()
	d := &s.page.data
	put(d.method[:], r.Method)
	put(d.uri[:uri], r.URI)
	put(d.query[:query], r.Query)
	put(d.user[:], r.User)
	put(d.script[:], r.Script)
	put(d.id[:], r.ID)
	put(d.host[:], r.Host)
	put(d.target[:], r.Target)
	put(d.client[:], r.Client)
	d.contentLength, d.queued, s.site = r.ContentLength, 0, r.Site
	d.trace, d.span, d.parent, d.traceFlags = r.Trace.Trace, r.Trace.Span, r.Trace.Parent, uint64(r.Trace.Flags)
	if r.Since != 0 {
		d.queued = max(d.accepted-r.Since, 1)
	}
	s.commit(Info)
}

// Executing: the script runs.
func (s *Slot) Executing() { s.enter(Executing) }

// End: the script has run and the response is out; took is what Elapsed said
// then. user and system are the CPU time the request took, children it
// waited for included, and memory is PHP's peak in bytes. As in php-fpm the
// stage is Finished then.
func (s *Slot) End(took, user, system time.Duration, memory uint64) {
	s.begin()
	d := &s.page.data
	d.updated, d.duration = d.accepted+int64(took), int64(took)
	d.cpuUser, d.cpuSystem, d.memory = int64(user), int64(system), memory
	s.commit(Finished)
	if memory > s.page.memoryPeak {
		atomic.StoreUint64(&s.page.memoryPeak, memory)
	}
}

// Finished: the request is over.
func (s *Slot) Finished() { s.enter(Finished) }

// CountConnection counts a connection accepted.
func (s *Slot) CountConnection() { atomic.AddUint64(&s.page.connections, 1) }

// Keeps notes whether the worker watches a connection that its client keeps open, while it waits for a request.
func (s *Slot) Keeps(yes bool) {
	n := uint32(0)
	if yes {
		n = 1
	}
	atomic.StoreUint32(&s.page.keeps, n)
}

// CountSlow counts a slow request. Any goroutine or thread may call it.
func (s *Slot) CountSlow() { atomic.AddUint64(&s.page.slow, 1) }

// OutputOpen returns what the master has told by its OutputOpen last.
func (s *Slot) OutputOpen() (stdout, stderr bool) {
	word := atomic.LoadUint64(&s.tableEntry(s.index).outputOpen)
	return word&stdoutOpen != 0, word&stderrOpen != 0
}

// Requests returns the number of requests so far.
func (s *Slot) Requests() uint64 { return atomic.LoadUint64(&s.page.requests) }

// Accepted returns when the present request was accepted, on the clock of Clock.
func (s *Slot) Accepted() int64 { return s.page.data.accepted }

// AcceptedEpoch returns when ReadingHeaders was last called.
func (s *Slot) AcceptedEpoch() int64 { return s.page.data.acceptedEpoch }

// Duration returns how long the last request took, from ReadingHeaders to End.
func (s *Slot) Duration() time.Duration { return time.Duration(s.page.data.duration) }

// QueueWait returns how long the present request waited for a worker; 0: not known.
func (s *Slot) QueueWait() time.Duration { return time.Duration(s.page.data.queued) }

// Elapsed returns how long the present request has taken since ReadingHeaders.
func (s *Slot) Elapsed() time.Duration { return time.Duration(s.clock.Now() - s.page.data.accepted) }

// Idle returns how long the worker has been Accepting, in all, when it was last Receiving.
func (s *Slot) Idle() time.Duration { return time.Duration(s.idle) }

// Clock returns the clock that the Slot reads.
func (s *Slot) Clock() Clock { return s.clock }

func (s *Slot) enter(stage Stage) {
	s.begin()
	s.commit(stage)
}

func (s *Slot) begin() { atomic.AddUint32(&s.page.seq, 1) }

func (s *Slot) commit(stage Stage) {
	atomic.StoreUint64(&s.page.data.stage, uint64(stage))
	atomic.AddUint32(&s.page.seq, 1)
}

// countInterval is how often a worker looks at the others. A worker that was
// idle looks as soon as it is active, so that the last one of a burst sees all
// of it, and a busy one has next to nothing to do.
const countInterval = 10 * time.Millisecond

// countActive keeps the most active workers this one saw: nobody can write a
// count for all, and the master does not look often enough.
func (s *Slot) countActive() {
	active := uint64(0)
	for i := range s.slots {
		if s.ticket(i) == 0 {
			continue
		}
		if stageOf(atomic.LoadUint64(&s.slotPage(i).data.stage)) > Accepting {
			active++
		}
	}
	if active > atomic.LoadUint64(&s.page.peak) {
		atomic.StoreUint64(&s.page.peak, active)
	}
}
