package observe

import (
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// watched is a pool whose scoreboard the observer has.
type watched struct {
	contract.ObservedPool
	board *scoreboard.Reader
}

// picture is the service at a moment. Its memory is used again for the next one.
type picture struct {
	service *contract.Service
	now     time.Time
	pools   []poolPicture
	fronts  []frontPicture
	caches  []cachesPicture
	sites   []sitePicture
	scrapes uint64 // that were answered before

	measured scoreboard.Sites // of the pool at hand

	exporter *exporter // nil: spans are not exported
}

// poolPicture is a pool of a generation at a moment. Its numbers are the master's word and the workers' own: those of a pool depend on no
// other pool's.
type poolPicture struct {
	*contract.ObservedPool
	labels   labels // of the pool and the generation
	engine   int    // its number; 0: not known
	php      string
	starting int // workers that do not accept yet
	totals   scoreboard.Totals
	counts   scoreboard.Counts
	queue    backlog
	queued   bool     // queue is known
	unready  []string // why the pool is not ready; nil: it is, or another generation serves
	serving  bool     // its generation serves
	limit    int      // how many workers it may have; of a generation that retires: that it still has
	paused   bool     // an operator has paused it
}

// sitePicture is what a pool's workers have measured of the requests of a site.
type sitePicture struct {
	labels   labels // of the pool, the generation and the site
	measures scoreboard.Measures
}

// takeSites makes a picture of a pool's sites.
func (p *picture) takeSites(w *watched, of labels) {
	if len(w.Sites) == 0 || !w.board.Sites(&p.measured) {
		return
	}
	p.measured.Each(func(number int, m *scoreboard.Measures) {
		if number < len(w.Sites) {
			p.sites = append(p.sites, sitePicture{more(append(labels{}, of...), "site", w.Sites[number]), *m})
		}
	})
}

// frontPicture is what the fronts of a generation have counted.
type frontPicture struct {
	*contract.ObservedPool
	counts scoreboard.Counts
	open   float64 // connections
}

func (p *frontPicture) take(w *watched) bool {
	for i := range w.Slots {
		if now, ok := w.board.Present(i); ok {
			p.open += float64(now.Open)
		}
	}
	return w.board.Counts(&p.counts)
}

// take makes a picture of the pools whose generations the service has. It is not for two goroutines at once.
func (p *picture) take(service *contract.Service, pools []*watched) {
	p.service, p.now = service, time.Now()
	queues := unixBacklogs(pools)
	n := 0
	p.fronts, p.caches, p.sites = p.fronts[:0], p.caches[:0], p.sites[:0]
	clock := scoreboard.NewClock().Now()
	for i := range service.Generations {
		g := &service.Generations[i]
		p.takeCaches(g, pools, clock)
		for _, w := range pools {
			if w.Generation != g.Number {
				continue
			}
			if w.Front {
				p.fronts = append(p.fronts, frontPicture{ObservedPool: &w.ObservedPool})
				if one := &p.fronts[len(p.fronts)-1]; !one.take(w) {
					p.fronts = p.fronts[:len(p.fronts)-1]
				}
				continue
			}
			if n == len(p.pools) {
				p.pools = append(p.pools, poolPicture{})
			}
			if p.pools[n].take(w, g, queues) {
				p.takeSites(w, p.pools[n].labels)
				n++
			}
		}
	}
	p.pools = p.pools[:n]
}

// take makes a picture of a pool. It returns false if the master writes its scoreboard just now, or died writing it.
func (p *poolPicture) take(w *watched, g *contract.ServiceGeneration, queues map[uint64]backlog) bool {
	p.ObservedPool, p.unready, p.php = &w.ObservedPool, nil, ""
	p.labels = with(p.labels, "pool", w.Name, "generation", strconv.Itoa(w.Generation))
	if !w.board.Totals(&p.totals) || !w.board.Counts(&p.counts) {
		return false
	}
	p.starting = -p.totals.Idle - p.totals.Active
	for i := range w.Slots {
		if w.board.Used(i) {
			p.starting++
		}
	}
	p.starting = max(p.starting, 0) // one that has begun meanwhile
	p.queue, p.queued = queues[w.Socket]
	if w.Socket == 0 {
		t := &p.totals.Pool
		p.queue, p.queued = backlog{t.ListenQueue, t.ListenQueueLen}, t.ListenQueueLen > 0
	}
	p.serving = g.State == serving
	p.limit, p.paused = w.Limit, false
	for i := range g.Steered {
		if s := &g.Steered[i]; s.Pool == w.Name {
			p.limit, p.paused = s.Limit, s.Paused
		}
	}
	if g.State == control.Retiring {
		p.limit = p.totals.Idle + p.totals.Active + p.starting
	}
	for i := range g.Unready {
		if g.Unready[i].Pool == w.Name {
			p.unready = g.Unready[i].Reasons
		}
	}
	if p.engine = engineOf(g, w.Name); p.engine > 0 {
		p.php = g.Engines[p.engine-1].PHP
	}
	return true
}
