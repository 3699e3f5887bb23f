package upstream

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Requests that wait are told to whom makes workers, those in the pool's own backlog too, and not those of a pool that has
// all its workers.
func TestWaitingRequestsAreTold(t *testing.T) {
	goOn := make(chan bool)
	f := serve(t, Options{Pool: contract.FrontPool{Connections: 4}}, func(p *peer) bool {
		<-goOn
		return p.ok("")
	})
	var told atomic.Int32
	f.pool.Crowded(func() { told.Add(1) })
	var clients sync.WaitGroup
	for range 7 {
		clients.Go(func() {
			if resp, err := http.Get(f.URL); err == nil {
				resp.Body.Close()
			}
		})
	}
	wait.Until(t, "demand", func() bool {
		d := f.pool.Demand()
		return d.Busy == 4 && d.Waiting == 3 && d.Longest > 0
	})
	if n := told.Load(); n != 0 {
		t.Errorf("told %d times before anything is known of the workers", n)
	}
	f.pool.Supply(2, 0)
	wait.Until(t, "a word about it", func() bool { return told.Load() > 0 })
	wait.Until(t, "a line about it", func() bool { return f.log.String() != "" })
	f.pool.Supply(-1, 0) // all there may be
	close(goOn)
	clients.Wait()
	if d := f.pool.Demand(); d != (contract.PoolDemand{Most: 3}) {
		t.Errorf("left: %+v", d)
	}
}

// The pool was scaled: the front continued with as many requests at once as the configuration had.
func TestWindowFollowsWhatThePoolMayHave(t *testing.T) {
	w := window{size: 2, most: 2}
	for _, c := range []struct{ told, size, most int }{{0, 2, 2}, {5, 5, 5}, {5, 5, 5}, {3, 3, 3}, {1, 1, 1}, {2, 2, 2}} {
		if w.limit(c.told); w.size != c.size || w.most != c.most {
			t.Errorf("told %d: size %d, most %d, want %d, %d", c.told, w.size, w.most, c.size, c.most)
		}
	}
	w.shrink(1, time.Now())
	if w.limit(2); w.size != 1 {
		t.Errorf("what a worker has said is forgotten: size %d", w.size)
	}
}
