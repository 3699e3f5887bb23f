package observe

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// The last hour of the service and of each pool, in memory that one observer hands on to the next by the master: a reload starts another observer, and
// the graphs continue. A sample's place is the time, so that two observers which run for a moment side by side do not disturb each other.
const (
	historyStep  = 5 * time.Second
	historyKept  = int(time.Hour / historyStep)
	mostSeries   = 64 // the service's and those of 63 pools
	seriesName   = 64 // bytes
	memoryAsking = time.Minute
)

// quantity is what a sample has of a pool.
type quantity int

// The quantities, in the order of quantities.
const (
	ofRequests quantity = iota // answered in a second, in thousandths
	ofErrors                   // responses of 500 and more in a second, in thousandths
	ofSlowest                  // duration that 95 of 100 requests did not reach, in µs
	ofBusy                     // workers with a request
	ofWorkers
	ofQueue  // connections and requests that wait
	ofMemory // bytes, in proportion; 0: not known
	ofCPU    // of a processor, in thousandths
	quantityCount
)

// quantities are their names in what is told.
var quantities = [quantityCount]string{"requests", "errors", "p95", "busy", "workers", "queue", "memory", "cpu"}

// sample is what has been within a step. All words are written and read whole.
type sample struct {
	stamp  uint64 // the step's number since 1970; 0: there was none
	values [quantityCount]uint64
}

// series are the samples of a pool.
type series struct {
	length  uint64 // of the name
	name    [seriesName]byte
	samples [historyKept]sample
}

// pastMemory is the memory. What is in it an observer has written that may have been somebody else's: anything may be there.
type pastMemory struct {
	layout uint64 // pastLayout; another one is of another program's observer
	writer uint64 // the pid of the observer that writes, which is the youngest
	all    [mostSeries]series
}

const _ = uint(contract.HistorySize - unsafe.Sizeof(pastMemory{})) // it has room

// pastLayout tells this memory from that of a program which has it otherwise: to change what is in pastMemory needs another number.
const pastLayout = 1

// history is the memory as an observer has it.
type history struct {
	mu     sync.Mutex
	memory *pastMemory
	pid    uint64

	last   map[counted]counts // of the step before
	lastAt time.Time          // zero: there was none
	shown  picture
}

// counted is a pool of a generation, whose counters begin at 0.
type counted struct {
	generation int
	name       string
}

type counts struct {
	requests, errors, cpu uint64
	duration              scoreboard.Histogram
}

// openHistory maps the memory. The descriptor stays the caller's.
func openHistory(fd, pid int) (*history, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	if st.Size != contract.HistorySize {
		return nil, fmt.Errorf("history: it has %d bytes, want %d", st.Size, contract.HistorySize)
	}
	if seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil || seals&unix.F_SEAL_SHRINK == 0 {
		return nil, errors.New("history: it can shrink")
	}
	mem, err := unix.Mmap(fd, 0, int(unsafe.Sizeof(pastMemory{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return newHistory((*pastMemory)(unsafe.Pointer(&mem[0])), pid), nil
}

func newHistory(memory *pastMemory, pid int) *history {
	if atomic.LoadUint64(&memory.layout) != pastLayout {
		for i := range memory.all {
			if s := &memory.all[i]; s.length != 0 || i == 0 {
				*s = series{}
			}
		}
		atomic.StoreUint64(&memory.layout, pastLayout)
	}
	return &history{memory: memory, pid: uint64(pid), last: map[counted]counts{}}
}

// begin makes this observer the one that writes.
func (h *history) begin() { atomic.StoreUint64(&h.memory.writer, h.pid) }

// writes reports whether this observer is the one that writes.
func (h *history) writes() bool { return atomic.LoadUint64(&h.memory.writer) == h.pid }

// run takes samples until another observer does, or the end. It asks for processes to be weighed now and then, as their memory grows while nobody looks.
func (h *history) run(s *server, weigh func(), end <-chan struct{}) {
	h.begin()
	h.sample(s, time.Now())
	weighed := time.Now()
	weigh()
	for {
		now := time.Now()
		select {
		case <-end:
			return
		case <-time.After(now.Truncate(historyStep).Add(historyStep).Sub(now)):
		}
		if !h.writes() {
			return
		}
		if now = time.Now(); now.Sub(weighed) >= memoryAsking {
			weighed = now
			weigh()
		}
		h.sample(s, now)
	}
}

// sample notes what has been since the sample before. The first one notes nothing but where the counters are.
func (h *history) sample(s *server, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.pictureInto(&h.shown) {
		return
	}
	took := now.Sub(h.lastAt).Seconds()
	first := h.lastAt.IsZero() || took <= 0
	sums, names := map[string]*[quantityCount]uint64{"": {}}, []string{""}
	durations := map[string]*scoreboard.Histogram{"": {}}
	current := map[counted]counts{}
	for i := range h.shown.pools {
		p := &h.shown.pools[i]
		key := counted{p.Generation, p.Name}
		is := counts{p.totals.Requests, serverErrors(&p.counts), p.counts.CPUUser + p.counts.CPUSystem, p.counts.Duration}
		current[key] = is
		was := h.last[key] // zero of a generation that has begun meanwhile
		if sums[p.Name] == nil {
			sums[p.Name], durations[p.Name] = &[quantityCount]uint64{}, &scoreboard.Histogram{}
			names = append(names, p.Name)
		}
		for _, name := range [...]string{"", p.Name} {
			v := sums[name]
			v[ofRequests] += since(is.requests, was.requests, 1e3/took)
			v[ofErrors] += since(is.errors, was.errors, 1e3/took)
			v[ofCPU] += since(is.cpu, was.cpu, 1e3/1e9/took)
			v[ofBusy] += uint64(p.totals.Active)
			v[ofWorkers] += uint64(p.totals.Active + p.totals.Idle + p.starting)
			v[ofQueue] += uint64(max(p.totals.Pool.HTTPQueue, 0))
			v[ofMemory] += uint64(max(p.totals.Pool.Weight, 0))
			if p.queued && p.serving { // the generations share the socket
				v[ofQueue] += uint64(max(p.queue.waiting, 0))
			}
			for b := range is.duration.Counts {
				durations[name].Counts[b] += since(is.duration.Counts[b], was.duration.Counts[b], 1)
			}
		}
	}
	h.last, h.lastAt = current, now
	if first {
		return
	}
	stamp := stampOf(now)
	slices.Sort(names)
	for _, name := range names {
		sums[name][ofSlowest] = uint64(quantile(durations[name], 0.95) / 1e3)
		if to := h.place(name, stamp); to != nil {
			at := &to.samples[stamp%uint64(historyKept)]
			atomic.StoreUint64(&at.stamp, 0)
			for q, n := range sums[name] {
				atomic.StoreUint64(&at.values[q], n)
			}
			atomic.StoreUint64(&at.stamp, stamp)
		}
	}
}

// stampOf returns the number of the step that a time is in.
func stampOf(t time.Time) uint64 { return uint64(t.Unix() / int64(historyStep/time.Second)) }

// since returns how much more a counter has, times a factor. One that has gone back counts as one that has not moved: a worker may say anything.
func since(now, before uint64, factor float64) uint64 {
	if now <= before {
		return 0
	}
	return uint64(min(float64(now-before)*factor, 1<<52))
}

// quantile returns the ns that a share of the values does not reach, by a straight line within its bucket.
func quantile(h *scoreboard.Histogram, share float64) float64 {
	total := h.Total()
	if total == 0 {
		return 0
	}
	rank, sum, low := share*float64(total), 0.0, 0.0
	for i, n := range h.Counts {
		if i == len(scoreboard.TimeBounds) {
			break // beyond all bounds: the last one is what is known
		}
		high := float64(scoreboard.TimeBounds[i])
		if next := sum + float64(n); next >= rank && n > 0 {
			return low + (high-low)*(rank-sum)/float64(n)
		}
		sum, low = sum+float64(n), high
	}
	return low
}

// nameOf returns a series' name as it is in the memory.
func (s *series) nameOf() string {
	return string(s.name[:min(atomic.LoadUint64(&s.length), seriesName)])
}

// newest returns the stamp of the newest sample, of those that are not of the future.
func (s *series) newest(now uint64) (newest uint64) {
	for i := range s.samples {
		if stamp := atomic.LoadUint64(&s.samples[i].stamp); stamp <= now {
			newest = max(newest, stamp)
		}
	}
	return newest
}

// place returns the series of a pool, or makes it one of a pool that was not there for an hour; nil: there is no room. The first is the service's.
func (h *history) place(name string, now uint64) *series {
	if name == "" {
		return &h.memory.all[0]
	}
	if len(name) > seriesName {
		return nil
	}
	for i := 1; i < mostSeries; i++ {
		if h.memory.all[i].nameOf() == name {
			return &h.memory.all[i]
		}
	}
	for i := 1; i < mostSeries; i++ {
		s := &h.memory.all[i]
		if s.nameOf() != "" && s.newest(now)+uint64(historyKept) > now {
			continue
		}
		for j := range s.samples {
			atomic.StoreUint64(&s.samples[j].stamp, 0)
		}
		copy(s.name[:], name)
		atomic.StoreUint64(&s.length, uint64(len(name)))
		return s
	}
	return nil
}

// told is what has been lately of a pool. There is a value of each quantity for each stamp, which is a number of steps since 1970.
type told struct {
	Step   int                 `json:"step"` // seconds
	Kept   int                 `json:"kept"` // steps
	Now    int64               `json:"now"`  // the present step
	Pool   string              `json:"pool"` // empty: the service
	Known  bool                `json:"known"`
	Stamps []int64             `json:"stamps"`
	Values map[string][]uint64 `json:"values"`
}

// tell tells what has been of a pool, or if its name is empty of the service, after a stamp.
func (h *history) tell(pool string, after int64, now time.Time) *told {
	present := stampOf(now)
	t := &told{Step: int(historyStep / time.Second), Kept: historyKept, Now: int64(present), Pool: pool, Stamps: []int64{}, Values: map[string][]uint64{}}
	for _, name := range quantities {
		t.Values[name] = []uint64{}
	}
	if h == nil {
		return t
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var from *series
	for i := range h.memory.all {
		if s := &h.memory.all[i]; i == 0 && pool == "" || i > 0 && pool != "" && s.nameOf() == pool {
			from = s
			break
		}
	}
	if from == nil {
		return t
	}
	t.Known = true
	var all []sample
	for i := range from.samples {
		var one sample
		one.stamp = atomic.LoadUint64(&from.samples[i].stamp)
		for q := range one.values {
			one.values[q] = min(atomic.LoadUint64(&from.samples[i].values[q]), 1<<52)
		}
		if one.stamp <= present && one.stamp+uint64(historyKept) > present && int64(one.stamp) > after && one.stamp%uint64(historyKept) == uint64(i) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(a.stamp, b.stamp) })
	for _, one := range all {
		t.Stamps = append(t.Stamps, int64(min(one.stamp, math.MaxInt64)))
		for q, name := range quantities {
			t.Values[name] = append(t.Values[name], one.values[q])
		}
	}
	return t
}
