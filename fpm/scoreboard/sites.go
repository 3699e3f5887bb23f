package scoreboard

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// Measures are the histograms of a site's requests that PHP has answered, as Counts has them of a pool.
type Measures struct{ QueueWait, FirstByte, Duration, CPU, Memory Histogram }

func (m *Measures) words() []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(m)), unsafe.Sizeof(*m)/wordSize)
}

// Sites are Measures by sites. In shared memory, pages of sites that have none are not touched, not even to be read.
type Sites struct {
	has uint64 // a bit for each site that has some; whole by itself
	all [MostSites]Measures
}

// of returns the Measures of a site by its number from 1, to be written; nil: it has none.
func (s *Sites) of(number int) *Measures {
	if number < 1 || number > MostSites {
		return nil
	}
	if bit := uint64(1) << (number - 1); s.has&bit == 0 {
		atomic.StoreUint64(&s.has, s.has|bit)
	}
	return &s.all[number-1]
}

// Each calls f for each site that has Measures, with its number from 0.
func (s *Sites) Each(f func(number int, m *Measures)) {
	for left := atomic.LoadUint64(&s.has) & (1<<MostSites - 1); left != 0; left &= left - 1 {
		number := bits.TrailingZeros64(left)
		f(number, &s.all[number])
	}
}

// empty forgets all.
func (s *Sites) empty() {
	s.Each(func(_ int, m *Measures) { *m = Measures{} })
	atomic.StoreUint64(&s.has, 0)
}

// add adds what a worker says it has measured.
func (s *Sites) add(shared *Sites) {
	shared.Each(func(number int, m *Measures) { sum(s.of(number+1).words(), m.words()) })
}

// Sites sums up what all workers that the pool had have measured by the sites of their requests. It returns false if Totals would. A worker may say
// anything of itself, as in Counts.
func (r *Reader) Sites(into *Sites) bool {
	page := r.poolPage()
	return consistently(&page.seq, func() {
		into.empty()
		into.add((*Sites)(unsafe.Pointer(&r.mem[r.sites])))
		for i := range r.slots {
			if ticket := r.ticket(i); ticket != 0 && atomic.LoadUint64(&r.slotPage(i).ticket) == ticket {
				into.add(&r.countPage(i).sites)
			}
		}
	})
}
