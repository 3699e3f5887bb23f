package front

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// beatPatience is how long an answer to the master may wait for room in the socket, behind lines of the log.
const beatPatience = 5 * time.Second

// heed takes what the master says of the pools' workers.
func (f *Front) heed(text string) {
	var supplies []contract.PoolSupply
	if json.Unmarshal([]byte(text), &supplies) != nil {
		return
	}
	for _, s := range supplies {
		if p := f.pools[s.Pool]; p != nil {
			p.Supply(s.Workers, s.Most)
			if f.overflow != nil && f.overflow.pool == p {
				f.overflow.supply(&s)
			}
		}
	}
}

// demand is what the front wants of its pools. It takes the locks that requests take: a front that cannot tell is one that
// does not serve.
func (f *Front) demand() string {
	var all []contract.PoolDemand
	for name, p := range f.pools {
		d := p.Demand()
		d.Pool = name
		if f.overflow != nil && f.overflow.pool == p {
			d.Backlog = int(f.overflow.waiting.Load())
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b contract.PoolDemand) int {
		if a.Pool < b.Pool {
			return -1
		}
		return 1
	})
	text, _ := json.Marshal(all)
	return string(text)
}

// tellCrowds tells the master when requests wait for workers that there may be more of.
func (f *Front) tellCrowds(control *channel.Channel) {
	tell := func() { control.Send(contract.Crowd, f.demand(), -1) }
	for _, p := range f.pools {
		p.Crowded(tell)
	}
	if f.overflow != nil {
		f.overflow.crowded(tell)
	}
}
