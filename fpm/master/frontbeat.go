package master

import (
	"encoding/json"
	"time"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// beat looks after a front, which is asked for a sign of life and told of its pools, and replaces one that a signal has stopped.
func (m *Master) beat(f *front, now time.Time) {
	k := m.keeper()
	switch k.Look(f.Front, now, m.state == normal, f.gen != m.next) {
	case companion.Stopped:
		m.quitFront(f.gen) // it may finish its requests
		f.gen.http.renewal.Died(&f.Process, now)
		k.Continue(f.Front)
	case companion.Asked:
		var supplies []contract.PoolSupply
		for _, p := range f.gen.frontPools() {
			supplies = append(supplies, p.supply())
		}
		f.Ask(supplies)
	}
}

// supply is what a front has to know of a pool's workers.
func (p *pool) supply() contract.PoolSupply {
	s := contract.PoolSupply{Pool: p.conf.Name, Workers: -1, Most: p.limits.MaxChildren}
	if p.limits.PM == conf.Dynamic && !p.isPaused() && len(p.children) < p.limits.MaxChildren {
		s.Workers = max(len(p.children), 1)
	}
	var t scoreboard.Totals
	if p.isDirect() && p.board.Totals(&t) {
		s.Connections = t.Connections
	}
	return s
}

// heedFront takes what a front wants of its pools.
func (m *Master) heedFront(f *front, text string) {
	var demands []contract.PoolDemand
	if json.Unmarshal([]byte(text), &demands) != nil {
		return
	}
	for _, d := range demands {
		for _, p := range f.gen.frontPools() {
			if p.conf.Name == d.Pool {
				p.demand = d
				p.publishDemand()
				m.meetDemand(p)
			}
		}
	}
}

// publishDemand shows what a front's requests wait for.
func (p *pool) publishDemand() {
	s, d := p.published, p.demand
	s.HTTPBusy = d.Busy
	s.HTTP, s.HTTPQueue, s.HTTPRefused = true, max(d.Waiting+d.Backlog, 0), d.Refused
	s.MaxHTTPQueue = max(s.MaxHTTPQueue, d.Most)
	if s != p.published {
		p.published = s
		p.board.Publish(s)
	}
}

// meetDemand forks as many workers as a front's requests want. The idle ones that php-fpm counts once a second say nothing
// of those that wait.
func (m *Master) meetDemand(p *pool) {
	l, running := p.limits, p.running()
	if l.PM != conf.Dynamic || p.gen != m.gen || !m.mayFork(p) || !p.respawnAt.IsZero() {
		return
	}
	wanted := p.demand.Busy + p.demand.Waiting + p.demand.Backlog + p.answering()
	if n := min(wanted-running, l.MaxChildren-running, l.MaxSpawn); n > 0 {
		m.makeChildren(p, n, true)
		m.log.createdForHTTP(p.conf.Name, n, wanted)
	}
}

// answering is how many workers answer requests by HTTP that no front has handed to them.
func (p *pool) answering() (n int) {
	for _, c := range p.children {
		if c.rescue == nil {
			continue
		}
		switch p.board.HTTP(c.slot).State {
		case scoreboard.HTTPUnsent, scoreboard.HTTPSent:
			n++
		}
	}
	return n
}
