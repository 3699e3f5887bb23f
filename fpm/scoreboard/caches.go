package scoreboard

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// What opcache and APCu tell of themselves is a worker's to ask, as they are memory of PHP's. The master says until when somebody wants to
// know it. Until then one of a pool's workers asks after a request, about once a second, and writes the answer where it counts. Before and
// after that a request costs one look at a word.

// cachesPage is what a worker knows of the caches.
type cachesPage struct {
	seq     uint32
	_       uint32
	looking int64 // since when the worker asks them, ns of CLOCK_MONOTONIC; 0: it does not. It is whole by itself
	looked  int64 // when it has asked them last, ns of CLOCK_MONOTONIC; 0: never
	figures sapi.Caches
}

// cachesInterval is how often a pool's workers ask the caches.
const cachesInterval = time.Second

// lookPatience is how long a worker may take to ask before another one of its pool does. A lock of APCu's that a dead process has left keeps
// those who ask for ever: there are few of them.
const lookPatience = 10 * time.Second

// WatchCaches has workers ask the caches until then, on the clock of Clock.
func (b *Board) WatchCaches(until int64) {
	atomic.StoreInt64(&(*poolPage)(unsafe.Pointer(&b.own[0])).cachesUntil, until)
}

// ResetDone says that orders to reset opcache up to this number are obsolete: one has been carried out, or given up.
func (b *Board) ResetDone(number uint64) {
	atomic.StoreUint64(&(*poolPage)(unsafe.Pointer(&b.own[0])).resets, number)
}

// ResetIsDone reports whether an order to reset opcache is obsolete.
func (r *Reader) ResetIsDone(number uint64) bool {
	return atomic.LoadUint64(&r.poolPage().resets) >= number
}

// MayLook reports whether the worker, which has just ended a request, is to ask the caches. It is the one of its pool then.
func (s *Slot) MayLook() bool {
	until := atomic.LoadInt64(&s.poolPage().cachesUntil)
	now := s.page.data.updated
	if now >= until || now < s.nextLook {
		return false
	}
	s.nextLook = now + int64(cachesInterval)
	for i := range s.slots {
		if s.ticket(i) == 0 {
			continue
		}
		c := &s.countPage(i).caches
		looked, looking := atomic.LoadInt64(&c.looked), atomic.LoadInt64(&c.looking)
		if looked <= now && now-looked < int64(cachesInterval) && looked != 0 {
			s.nextLook = looked + int64(cachesInterval)
			return false
		}
		if looking != 0 && looking <= now && now-looking < int64(lookPatience) {
			return false
		}
	}
	return true
}

// Look asks the caches by a function, and tells what they say.
func (s *Slot) Look(ask func(*sapi.Caches)) {
	c := s.caches
	began := s.clock.Now()
	atomic.StoreInt64(&c.looking, began)
	var figures sapi.Caches
	ask(&figures)
	now := s.clock.Now()
	atomic.AddUint32(&c.seq, 1)
	c.figures = figures
	atomic.StoreInt64(&c.looked, now)
	atomic.AddUint32(&c.seq, 1)
	atomic.StoreInt64(&c.looking, 0)
	s.nextLook = now + int64(cachesInterval)
}

// CachesAt returns when a worker of the pool has asked the caches last, on the clock of Clock, and what they have said; 0: none has. now is
// the present time on that clock. A worker may say anything: figures are made such that they are not negative, and sums of them
// do not overflow.
func (r *Reader) CachesAt(now int64, into *sapi.Caches) (looked int64) {
	d := &r.caches
	take := func(from *cachesPage) {
		if at := atomic.LoadInt64(&from.looked); at <= looked || at > now {
			return
		}
		if consistently(&from.seq, func() { load(unsafe.Pointer(d), unsafe.Pointer(from), cachesWords) }) && d.looked > looked && d.looked <= now {
			*into, looked = d.figures, d.looked
		}
	}
	take(&r.poolPage().caches)
	for i := range r.slots {
		if ticket := r.ticket(i); ticket != 0 && atomic.LoadUint64(&r.slotPage(i).ticket) == ticket {
			take(&r.countPage(i).caches)
		}
	}
	figures := unsafe.Slice((*int64)(unsafe.Pointer(into)), unsafe.Sizeof(*into)/wordSize)
	for i := range figures {
		figures[i] = min(max(figures[i], 0), mostCounted)
	}
	return looked
}

const cachesWords = unsafe.Sizeof(cachesPage{}) / wordSize

// keepCaches keeps what slot i's worker, which is gone, has known of the caches, if no other one that is gone has known something newer.
func (b *Board) keepCaches(i int) {
	from, kept := &b.countPage(i).caches, &(*poolPage)(unsafe.Pointer(&b.own[0])).caches
	d := &b.caches
	if !consistently(&from.seq, func() { load(unsafe.Pointer(d), unsafe.Pointer(from), cachesWords) }) ||
		d.looked <= kept.looked || d.looked > NewClock().Now() {
		return
	}
	atomic.AddUint32(&kept.seq, 1)
	kept.figures = d.figures
	atomic.StoreInt64(&kept.looked, d.looked)
	atomic.AddUint32(&kept.seq, 1)
}
