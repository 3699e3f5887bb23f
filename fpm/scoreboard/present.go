package scoreboard

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Present is what a process says of itself at a moment, beside what it has counted: it goes with the process. Each word is whole by itself.
type Present struct {
	Open uint64 // of a front: connections of clients that are open, those that wait for a request among them
}

// countPage is the page behind a worker's slotPage, and with the second site the pages behind that.
type countPage struct {
	tally   tally
	present Present
	caches  cachesPage
	sites   Sites
}

// Open notes how many connections of clients are open.
func (s *Slot) Open(n int) { atomic.StoreUint64(&s.present.Open, uint64(n)) }

// Present returns what slot i's process says of itself; false if there is none. It may say anything.
func (r *Reader) Present(i int) (p Present, ok bool) {
	if !r.Used(i) || atomic.LoadUint64(&r.slotPage(i).ticket) != r.ticket(i) {
		return p, false
	}
	const words = unsafe.Sizeof(p) / wordSize
	load(unsafe.Pointer(&p), unsafe.Pointer(&r.countPage(i).present), words)
	return p, true
}

// countPage is slot i's.
func (r *Reader) countPage(i int) *countPage {
	return (*countPage)(unsafe.Pointer(&r.mem[r.at(i)+r.pageSize]))
}

// CountHTTP counts a request that a front has answered, with its status, 0 if there was none, and the time that it took. It is for one goroutine
// at a time.
func (s *Slot) CountHTTP(site, status int, took time.Duration) {
	s.CountSite(site, status)
	s.tally.Codes[codeOf(status)]++
	s.tally.Duration.note(uint64(max(took, 0)), &TimeBounds)
}
