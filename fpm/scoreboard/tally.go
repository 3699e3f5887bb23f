package scoreboard

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Counts are what the workers of a pool have counted.
type Counts struct {
	// Requests are the requests that PHP has answered, by the number of their Method and by the class of their status.
	Requests [methods][Classes]uint64
	// Codes are the same, by the number of their status code.
	Codes [codes + 1]uint64

	QueueWait Histogram // ns from the request's begin to the worker that took it, if the client told when it began
	FirstByte Histogram // ns from the request's acceptance to the first byte of its response
	Duration  Histogram // ns from the request's acceptance to the end of its script
	CPU       Histogram // ns of processor time, in ticks of 10 ms: see CPUUser
	Memory    Histogram // bytes, PHP's peak

	// CPUUser and CPUSystem are ns of processor time, in ticks. A request that ends within a tick is counted with the one
	// that ends the tick: the sums are right, and how they are distributed among short requests is not.
	CPUUser, CPUSystem uint64

	// Sites are the requests that the workers have answered by HTTP, scripts and files, by the number of their site and the
	// class of their status. The last is that of all other sites.
	Sites [MostSites + 1][Classes]uint64

	// Spans are the spans that were told, SpansLost those that could not be: nobody read them in time.
	Spans, SpansLost uint64
}

// MostSites is how many sites are counted each for itself.
const MostSites = 23

// tally is a worker's Counts as they lie in the page behind its slotPage. Only the worker writes, so that each word is whole, and an addition
// needs no lock.
type tally = Counts

const tallyWords = unsafe.Sizeof(tally{}) / wordSize

// words are the counts of a tally, one after the other.
func (c *Counts) words() []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(c)), tallyWords)
}

// mostCounted bounds what a worker may claim to have counted: a float64 has all whole numbers below, and sums of them do not overflow.
const mostCounted = 1 << 52

// add adds what a worker says it has counted.
func (c *Counts) add(shared *tally) {
	sum(c.words(), shared.words())
}

// sum adds shared words to others.
func sum(to, shared []uint64) {
	for i := range to {
		if more := atomic.LoadUint64(&shared[i]); more != 0 {
			to[i] = min(to[i]+min(more, mostCounted), mostCounted)
		}
	}
}

// buckets is how many bounds a Histogram has.
const buckets = 13

// Histogram counts values by their size.
type Histogram struct {
	Counts [buckets + 1]uint64 // not cumulative; the last are those above all bounds
	Sum    uint64
}

// TimeBounds and MemoryBounds are the upper bounds of the buckets, each included, in ns and in bytes.
var (
	TimeBounds = [buckets]uint64{ms, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms,
		1000 * ms, 2500 * ms, 5000 * ms, 10000 * ms, 30000 * ms}
	MemoryBounds = [buckets]uint64{2 * mb, 4 * mb, 6 * mb, 8 * mb, 12 * mb, 16 * mb, 24 * mb, 32 * mb, 48 * mb, 64 * mb,
		128 * mb, 256 * mb, 512 * mb}
)

const (
	ms = uint64(time.Millisecond)
	mb = uint64(1 << 20)
)

// note counts a value.
func (h *Histogram) note(value uint64, bounds *[buckets]uint64) {
	i := 0
	for i < buckets && value > bounds[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += value
}

// Total returns how many values were counted.
func (h *Histogram) Total() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Classes is how many classes of statuses there are: 1xx to 5xx, and all that is none of these.
const Classes = 6

// ClassName returns the name of a class of statuses.
func ClassName(class int) string {
	return [Classes]string{"1xx", "2xx", "3xx", "4xx", "5xx", "other"}[class]
}

// classOf returns the class of a status.
func classOf(status int) int {
	if status < 100 || status > 599 {
		return Classes - 1
	}
	return status/100 - 1
}

// methodNames are the methods that are counted each for itself.
var methodNames = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}

const methods = len(methodNames)

// MethodName returns the name of the method with a number.
func MethodName(method int) string { return methodNames[method] }

// methodOf returns the number of the method in a field.
func methodOf(field []byte) int {
	n := 0
	for n < len(field) && field[n] != 0 {
		n++
	}
	switch string(field[:n]) {
	case "GET":
		return 0
	case "HEAD":
		return 1
	case "POST":
		return 2
	case "PUT":
		return 3
	case "PATCH":
		return 4
	case "DELETE":
		return 5
	case "OPTIONS":
		return 6
	}
	return methods - 1
}

// codeList are the status codes that are counted each for itself: those of IANA's registry, and 499, nginx's for a client that is gone. They
// are in their order.
var codeList = [codes]int16{100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308,
	400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499,
	500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511}

const codes = 63

// codeOf returns the number of a status code in Counts.Codes.
func codeOf(status int) int {
	low, high := 0, codes
	for low < high {
		if middle := (low + high) / 2; int(codeList[middle]) < status {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < codes && int(codeList[low]) == status {
		return low
	}
	return codes
}

// Code returns the status code of a number in Counts.Codes; 0: all codes that are not counted each for itself.
func Code(number int) int {
	if number >= codes {
		return 0
	}
	return int(codeList[number])
}

// FirstByte notes that the first byte of the response is sent, unless that was noted or the request was counted.
func (s *Slot) FirstByte() {
	if s.first == 0 {
		s.first = s.clock.Now()
	}
}

// Count counts the request that has ended by End. If nothing of the response was sent before, it is now.
func (s *Slot) Count(status int) {
	d, t := &s.page.data, s.tally
	t.Requests[methodOf(d.method[:])][classOf(status)]++
	t.Codes[codeOf(status)]++
	if d.queued > 0 {
		t.QueueWait.note(uint64(d.queued), &TimeBounds)
	}
	took := uint64(max(d.duration, 0))
	if s.first == 0 {
		s.first = d.updated // the clock need not be read again when the response is sent
	}
	first := min(uint64(max(s.first-d.accepted, 0)), took)
	t.FirstByte.note(first, &TimeBounds)
	t.Duration.note(took, &TimeBounds)
	user, system := uint64(max(d.cpuUser, 0)), uint64(max(d.cpuSystem, 0))
	t.CPU.note(user+system, &TimeBounds)
	t.CPUUser += user
	t.CPUSystem += system
	t.Memory.note(d.memory, &MemoryBounds)
	if site := s.counted.sites.of(s.site); site != nil {
		if d.queued > 0 {
			site.QueueWait.note(uint64(d.queued), &TimeBounds)
		}
		site.FirstByte.note(first, &TimeBounds)
		site.Duration.note(took, &TimeBounds)
		site.CPU.note(user+system, &TimeBounds)
		site.Memory.note(d.memory, &MemoryBounds)
	}
}

// CountSite counts a request by HTTP that was answered for a site, by its number from 0; -1: for none.
func (s *Slot) CountSite(site, status int) {
	if site < 0 || site > MostSites {
		site = MostSites
	}
	s.tally.Sites[site][classOf(status)]++
}

// CountSpan counts a span that was told, or lost.
func (s *Slot) CountSpan(told bool) {
	if told {
		s.tally.Spans++
	} else {
		s.tally.SpansLost++
	}
}

// Counts sums up what all workers that the pool had have counted. It returns false if Totals would. A worker may say anything of itself, up to 2^52
// of each.
func (r *Reader) Counts(into *Counts) bool {
	page := r.poolPage()
	return consistently(&page.seq, func() {
		*into = Counts{}
		into.add(&page.retired)
		for i := range r.slots {
			if ticket := r.ticket(i); ticket != 0 && atomic.LoadUint64(&r.slotPage(i).ticket) == ticket {
				into.add(r.tally(i))
			}
		}
	})
}

// tally is slot i's.
func (r *Reader) tally(i int) *tally { return &r.countPage(i).tally }
