package scoreboard

import (
	"math"
	"testing"
	"time"
)

// answerFor answers a request of a site, by its number from 1.
func answerFor(s *Slot, site int, took time.Duration) {
	s.ReadingHeaders()
	s.Info(&Request{Method: []byte("GET"), Site: site, Since: s.Accepted() - int64(2*time.Millisecond)})
	s.Executing()
	s.End(took, took/2, took/4, 3<<20)
	s.Count(200)
	s.Finished()
	s.Accepting()
}

// totals are how many requests of each site were measured, by the number from 0.
func totals(t *testing.T, r *Reader) map[int]uint64 {
	t.Helper()
	var sites Sites
	sites.all[3].Duration.Sum = 7 // of another pool
	sites.has = 1 << 3
	if !r.Sites(&sites) {
		t.Fatal("no sites")
	}
	all := map[int]uint64{}
	sites.Each(func(number int, m *Measures) {
		all[number] = m.Duration.Total()
		for name, h := range map[string]*Histogram{"the wait": &m.QueueWait, "the first byte": &m.FirstByte, "processor time": &m.CPU, "memory": &m.Memory} {
			if h.Total() != m.Duration.Total() || h.Sum == 0 {
				t.Errorf("site %d, %s: %v", number, name, h)
			}
		}
	})
	return all
}

func TestSitesAreMeasured(t *testing.T) {
	b, slots := board(t, 2)
	for _, site := range []int{1, 1, 2, MostSites, MostSites + 1, 0, -1} {
		answerFor(slots[0], site, 10*time.Millisecond)
	}
	answerFor(slots[1], 1, time.Second)
	want := func(all map[int]uint64) {
		t.Helper()
		got := totals(t, b.Reader)
		for site, n := range all {
			if got[site] != n {
				t.Errorf("site %d: %d requests, want %d", site, got[site], n)
			}
		}
		if len(got) != len(all) {
			t.Errorf("got %v, want %v", got, all)
		}
	}
	all := map[int]uint64{0: 3, 1: 1, MostSites - 1: 1}
	want(all)
	b.Vacate(0)
	want(all)
	b.Occupy(0)
	want(all)
	s := open(t, b, 0) // what the one before has measured is not this one's
	want(all)
	answerFor(s, 2, time.Millisecond)
	all[1]++
	want(all)
	if n := counts(t, b.Reader).Duration.Total(); n != 9 {
		t.Errorf("the pool has %d requests", n)
	}
}

// A worker may write what it likes into its pages.
func TestHostileMeasuresAreBounded(t *testing.T) {
	b, slots := board(t, 2)
	for _, s := range slots {
		sites := &s.counted.sites
		sites.has = math.MaxUint64
		for i := range sites.all {
			words := sites.all[i].words()
			for n := range words {
				words[n] = math.MaxUint64 - uint64(n)
			}
		}
	}
	for range 2 {
		got := totals(t, b.Reader)
		for site, n := range got {
			if n != (buckets+1)*mostCounted {
				t.Errorf("site %d: %d", site, n)
			}
		}
		if len(got) != MostSites {
			t.Errorf("sites: %v", got)
		}
		b.Vacate(0)
	}
}
