package scoreboard

import (
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// answer has a worker answer a request.
func answer(s *Slot, method string, status int, took time.Duration) {
	s.ReadingHeaders()
	s.Info(&Request{Method: []byte(method)})
	s.Executing()
	s.End(took, 20*time.Millisecond, 10*time.Millisecond, 3<<20)
	s.Count(status)
	s.Finished()
	s.Accepting()
}

// class and code are the counts of a class of statuses, and of a code.
func (c *Counts) class(method, class string) uint64 {
	for m := range methods {
		for i := range Classes {
			if MethodName(m) == method && ClassName(i) == class {
				return c.Requests[m][i]
			}
		}
	}
	return 0
}

func (c *Counts) code(code int) uint64 {
	for i := range c.Codes {
		if Code(i) == code {
			return c.Codes[i]
		}
	}
	return 0
}

func counts(t *testing.T, r *Reader) *Counts {
	t.Helper()
	c := &Counts{}
	if !r.Counts(c) {
		t.Fatal("the counts cannot be read")
	}
	return c
}

func TestRequestsAreCountedByMethodStatusAndTime(t *testing.T) {
	b, slots := board(t, 2)
	answer(slots[0], "GET", 200, 3*time.Millisecond)
	answer(slots[0], "GET", 404, 5*time.Millisecond)
	answer(slots[1], "POST", 204, time.Minute)
	answer(slots[1], "BREW", 418, 0)
	answer(slots[1], "GET", 599, 0)
	answer(slots[1], "GET", 42, 0)
	slots[0].CountSite(1, 200)
	slots[0].CountSite(-1, 404)
	slots[0].CountSite(MostSites+7, 404)
	c := counts(t, b.Reader)
	for _, want := range []struct {
		method, class string
		n             uint64
	}{{"GET", "2xx", 1}, {"GET", "4xx", 1}, {"POST", "2xx", 1}, {"other", "4xx", 1}, {"GET", "5xx", 1}, {"GET", "other", 1}, {"HEAD", "2xx", 0}} {
		if got := c.class(want.method, want.class); got != want.n {
			t.Errorf("%s with %s: got %d, want %d", want.method, want.class, got, want.n)
		}
	}
	for code, want := range map[int]uint64{200: 1, 204: 1, 404: 1, 418: 1, 500: 0, 0: 2} {
		if got := c.code(code); got != want {
			t.Errorf("code %d: got %d, want %d", code, got, want)
		}
	}
	d := &c.Duration
	if want := uint64(time.Minute + 8*time.Millisecond); d.Sum != want || d.Total() != 6 {
		t.Errorf("durations: got %d of %d ns, want 6 of %d", d.Total(), d.Sum, want)
	}
	if want := []uint64{3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}; !slices.Equal(d.Counts[:], want) { // a bound is in its bucket
		t.Errorf("durations: got %v, want %v", d.Counts, want)
	}
	if c.CPUUser != uint64(120*time.Millisecond) || c.CPUSystem != uint64(60*time.Millisecond) || c.CPU.Total() != 6 {
		t.Errorf("processor time: got %d, %d ns, %v", c.CPUUser, c.CPUSystem, c.CPU)
	}
	if c.Memory.Counts[1] != 6 || c.Memory.Sum != 18<<20 {
		t.Errorf("memory: got %v", c.Memory)
	}
	if c.QueueWait.Total() != 0 {
		t.Errorf("nobody has told of a wait: got %v", c.QueueWait)
	}
	if c.Sites[1][1] != 1 || c.Sites[MostSites][3] != 2 {
		t.Errorf("sites: got %v", c.Sites)
	}
}

func TestQueueWaitAndFirstByteAreCounted(t *testing.T) {
	b, slots := board(t, 1)
	s := slots[0]
	s.ReadingHeaders()
	s.Info(&Request{Method: []byte("GET"), Since: s.Accepted() - int64(70*time.Millisecond)})
	s.Executing()
	s.FirstByte()
	time.Sleep(12 * time.Millisecond)
	s.FirstByte()
	took := s.Elapsed()
	s.End(took, 0, 0, 0)
	s.Count(200)
	c := counts(t, b.Reader)
	if c.QueueWait.Counts[5] != 1 || c.QueueWait.Sum != uint64(70*time.Millisecond) {
		t.Errorf("the wait: got %v, want one of 70 ms", c.QueueWait)
	}
	if c.FirstByte.Total() != 1 || c.FirstByte.Sum+uint64(12*time.Millisecond) > uint64(took) {
		t.Errorf("the first byte: got %v, of a request of %v that was 12 ms from its end", c.FirstByte, took)
	}
	answer(s, "GET", 200, time.Second) // its first byte follows its end
	if c := counts(t, b.Reader); c.FirstByte.Counts[8] != 1 {
		t.Errorf("the first byte of a short response: got %v, want one after a second", c.FirstByte)
	}
}

func TestWhatWasCountedOutlivesTheWorker(t *testing.T) {
	b, slots := board(t, 2)
	for range 3 {
		answer(slots[0], "GET", 200, time.Millisecond)
	}
	answer(slots[1], "GET", 500, time.Millisecond)
	for range 2 {
		b.Vacate(0)
		c := counts(t, b.Reader)
		if c.class("GET", "2xx") != 3 || c.class("GET", "5xx") != 1 || c.Duration.Total() != 4 {
			t.Fatalf("after a worker's end: got %v, %v", c.Requests, c.Duration)
		}
	}
	b.Occupy(0)
	if c := counts(t, b.Reader); c.Duration.Total() != 4 {
		t.Errorf("a worker that is not there yet has what the one before has counted: got %v", c.Duration)
	}
	answer(open(t, b, 0), "GET", 200, time.Millisecond)
	if c := counts(t, b.Reader); c.Duration.Total() != 5 {
		t.Errorf("with the next worker: got %v", c.Duration)
	}
}

// A worker may write what it likes into its page: the sums stay whole numbers of a float64, and histograms do not fall.
func TestHostileCountsAreBounded(t *testing.T) {
	b, slots := board(t, 2)
	for i := range slots[0].tally.words() {
		slots[0].tally.words()[i] = math.MaxUint64 - uint64(i)
		slots[1].tally.words()[i] = 1<<63 + uint64(i)
	}
	for range 2 {
		c := counts(t, b.Reader)
		for i, n := range c.words() {
			if n != mostCounted {
				t.Fatalf("word %d: got %d, want %d", i, n, uint64(mostCounted))
			}
		}
		if total := c.Duration.Total(); total != (buckets+1)*mostCounted {
			t.Errorf("got %d values", total)
		}
		b.Vacate(0)
	}
}

func TestCodesAreInTheirOrder(t *testing.T) {
	if !slices.IsSorted(codeList[:]) {
		t.Errorf("%v", codeList)
	}
	for i, code := range codeList {
		if codeOf(int(code)) != i {
			t.Errorf("code %d: got number %d, want %d", code, codeOf(int(code)), i)
		}
	}
}

// A service with one site pays for no page more.
func TestTheTallyFitsItsPage(t *testing.T) {
	var p countPage
	if size := unsafe.Offsetof(p.sites) + unsafe.Offsetof(p.sites.all) + unsafe.Sizeof(p.sites.all[0]); size > 4096 {
		t.Errorf("with the first site it has %d bytes", size)
	}
}

func BenchmarkCount(b *testing.B) {
	_, slots := board(b, 1)
	s := slots[0]
	s.ReadingHeaders()
	s.Info(&request)
	s.End(time.Millisecond, 0, 0, 2<<20)
	b.ReportAllocs()
	for b.Loop() {
		s.Count(200)
	}
}

func BenchmarkCountForSite(b *testing.B) {
	_, slots := board(b, 1)
	s := slots[0]
	s.ReadingHeaders()
	r := request
	r.Site = 1
	s.Info(&r)
	s.End(time.Millisecond, 0, 0, 2<<20)
	b.ReportAllocs()
	for b.Loop() {
		s.Count(200)
	}
}

func BenchmarkCountsOf1000(b *testing.B) {
	board, _ := board(b, 1000)
	var c Counts
	for b.Loop() {
		board.Counts(&c)
	}
}
