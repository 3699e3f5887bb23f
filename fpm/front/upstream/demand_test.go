package upstream

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
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
	eventually(t, "demand", func() bool {
		d := f.pool.Demand()
		return d.Busy == 4 && d.Waiting == 3 && d.Longest > 0
	})
	if n := told.Load(); n != 0 {
		t.Errorf("told %d times before anything is known of the workers", n)
	}
	f.pool.Supply(2)
	eventually(t, "a word about it", func() bool { return told.Load() > 0 })
	eventually(t, "a line about it", func() bool { return f.log.String() != "" })
	f.pool.Supply(-1) // all there may be
	close(goOn)
	clients.Wait()
	if d := f.pool.Demand(); d != (contract.PoolDemand{Most: 3}) {
		t.Errorf("left: %+v", d)
	}
}
