package scoreboard

import (
	"math"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// request has a worker answer a request, and reports whether it is to ask the caches after that.
func (s *Slot) request() bool {
	s.ReadingHeaders()
	s.Executing()
	s.End(s.Elapsed(), 0, 0, 0)
	s.Finished()
	return s.MayLook()
}

// Of a pool's workers one asks the caches, once in an interval, and only if somebody wants to know.
func TestOneWorkerAsksTheCaches(t *testing.T) {
	b, slots := newBoard(t, 3)
	now := NewClock().Now()
	var c sapi.Caches
	if slots[0].request() || b.CachesAt(now, &c) != 0 {
		t.Error("nobody wants to know")
	}
	b.WatchCaches(now + int64(time.Hour))
	if !slots[0].request() {
		t.Fatal("the first one is not asked")
	}
	slots[0].Look(func(c *sapi.Caches) {
		if slots[1].request() {
			t.Error("a second one asks while the first one does")
		}
		c.Opcache.There, c.Opcache.Scripts, c.APCu.Hits = 1, 7, -1
	})
	for _, s := range slots {
		if s.request() {
			t.Error("a worker asks again within a second")
		}
	}
	now = NewClock().Now()
	looked := b.CachesAt(now, &c)
	if age := now - looked; age < 0 || age > int64(time.Minute) || c.Opcache.There != 1 || c.Opcache.Scripts != 7 || c.APCu.Hits != 0 {
		t.Errorf("got %v %+v", age, c)
	}
	slots[0].caches.looked -= int64(cachesInterval)
	slots[1].nextLook, slots[2].nextLook = 0, 0
	if !slots[1].request() {
		t.Error("nobody asks after a second")
	}
	b.WatchCaches(now)
	if slots[2].request() {
		t.Error("a worker asks though nobody wants to know any more")
	}

	slots[1].Look(func(c *sapi.Caches) { c.Opcache.Scripts = 8 })
	b.Vacate(1)
	b.Vacate(0)
	if at := b.CachesAt(NewClock().Now(), &c); at <= looked || c.Opcache.Scripts != 8 {
		t.Errorf("what a worker knew that is gone is forgotten: %v %+v", at, c)
	}
}

// A worker that says it comes from the future, or that there is more than can be, is not believed.
func TestCachesOfAHostileWorker(t *testing.T) {
	b, slots := newBoard(t, 2)
	slots[1].Look(func(c *sapi.Caches) { c.Opcache.Hits = 3 })
	slots[0].Look(func(c *sapi.Caches) { c.Opcache.Hits, c.Opcache.Misses = math.MaxInt64, math.MinInt64 })
	var c sapi.Caches
	if b.CachesAt(NewClock().Now(), &c); c.Opcache.Hits != mostCounted || c.Opcache.Misses != 0 {
		t.Errorf("got %+v", c.Opcache)
	}
	slots[0].caches.looked = math.MaxInt64
	if b.CachesAt(NewClock().Now(), &c); c.Opcache.Hits != 3 {
		t.Errorf("got %+v", c.Opcache)
	}
	b.Vacate(0)
	if b.CachesAt(NewClock().Now(), &c); c.Opcache.Hits != 3 {
		t.Errorf("afterwards: got %+v", c.Opcache)
	}
	b.WatchCaches(math.MaxInt64)
	slots[1].caches.looked, slots[1].caches.looking, slots[1].nextLook = 0, math.MaxInt64, 0
	if !slots[1].request() {
		t.Error("a worker that says it asks from the future on keeps others from it")
	}
}

// An order to reset opcache that was carried out, or given up, is obsolete.
func TestObsoleteResets(t *testing.T) {
	b, slots := newBoard(t, 1)
	if slots[0].ResetIsDone(1) {
		t.Error("nothing was done")
	}
	b.ResetDone(2)
	if !slots[0].ResetIsDone(2) || slots[0].ResetIsDone(3) {
		t.Error("orders up to the second are obsolete")
	}
}

// newBoard makes a pool that has workers in all its slots.
func newBoard(t *testing.T, n int) (*Board, []*Slot) {
	t.Helper()
	b, err := Create(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	var all []*Slot
	for i := range n {
		b.Occupy(i)
		s, err := OpenSlot(int(b.File().Fd()), n, i)
		if err != nil {
			t.Fatal(err)
		}
		s.Accepting()
		all = append(all, s)
	}
	return b, all
}
