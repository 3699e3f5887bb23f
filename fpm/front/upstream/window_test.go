package upstream

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

func TestWindow(t *testing.T) {
	now := time.Now()
	w := window{size: 8, most: 8}
	w.grow(now)
	if w.size != 8 {
		t.Errorf("it grows to %d", w.size)
	}
	w.shrink(3, now)
	w.shrink(5, now)
	if w.size != 3 {
		t.Errorf("it is %d with 3 workers", w.size)
	}
	w.grow(now.Add(growAfter - 1))
	if w.size != 3 {
		t.Errorf("it grows at once, to %d", w.size)
	}
	for i := range 10 {
		w.grow(now.Add(time.Duration(i+1) * growAfter))
	}
	if w.size != 8 {
		t.Errorf("it grows back to %d", w.size)
	}
	if w.shrink(0, now); w.size != 1 {
		t.Errorf("it shrinks to %d", w.size)
	}
}

// A connection that its worker lets go carries no other request, and how many workers there are is how many requests are
// asked of them at once, but for a try now and then.
func TestWorkersSayHowManyTheyAre(t *testing.T) {
	var now, most atomic.Int32
	f := serve(t, Options{Pool: contract.FrontPool{Connections: 16}}, func(p *peer) bool {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		p.CloseAfter()
		p.say("\r\n%d", p.n)
		p.Response().End(fastcgi.Closing+2, fastcgi.RequestComplete)
		p.Finish()
		return false
	})
	crowd := func(n int) {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if _, _, err := get(t, f, "/"); err != nil || f.err(t) != nil {
					t.Error("a request failed")
				}
			})
		}
		wg.Wait()
	}
	crowd(16)
	most.Store(0)
	crowd(40)
	if n := most.Load(); n > 4 {
		t.Errorf("%d requests at once, with 2 workers", n)
	}
	f.pool.mu.Lock()
	defer f.pool.mu.Unlock()
	if f.pool.taken != 0 || len(f.pool.idle) != 0 || f.pool.window.size > 4 {
		t.Errorf("%d taken, %d idle, window %d", f.pool.taken, len(f.pool.idle), f.pool.window.size)
	}
}
