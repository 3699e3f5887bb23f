package front

import (
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// tally is where the front counts its requests, in shared memory.
type tally struct {
	mu   sync.Mutex
	slot *scoreboard.Slot // nil: nobody wants to know
}

// count counts a request that has ended.
func (t *tally) count(x *exchange) {
	if t.slot == nil {
		return
	}
	took := time.Since(x.begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slot.CountHTTP(x.siteNumber(), x.status, took)
}

// siteNumber is the number of the site that has the request, from 0; -1: none has.
func (x *exchange) siteNumber() int {
	if x.site == nil {
		return -1
	}
	return x.site.Number
}

// tellOpen tells how many connections are open.
func (t *tally) tellOpen(all *connections) {
	if t.slot == nil {
		return
	}
	all.mu.Lock()
	n := len(all.open)
	all.mu.Unlock()
	t.slot.Open(n)
}
