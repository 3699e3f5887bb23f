package upstream

import (
	"fmt"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// demand is what a pool's requests want of it, for those who make workers. It is guarded by the pool's lock.
type demand struct {
	supply  int    // workers there are, and may be more of; 0: unknown, or no more
	crowded func() // called while more requests are there than workers; nil: nobody wants to know
	timer   *time.Timer
	armed   bool
	refused uint64
	most    int       // requests that waited
	said    time.Time // when it was last logged that requests wait
}

// crowdAfter is how long there have to be more requests than workers, so that those of a fast script do not count, and how
// often that is told.
const crowdAfter = 50 * time.Millisecond

// waitShown is how long a request waits before that is logged, and waitInterval how often.
const (
	waitShown    = time.Second
	waitInterval = 10 * time.Second
)

// Demand returns what the pool's requests want at this moment.
func (p *Pool) Demand() contract.PoolDemand {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, longest := p.waiting(time.Now())
	return contract.PoolDemand{Busy: p.taken - len(p.unread), Waiting: n, Most: p.demand.most, Refused: p.demand.refused, Longest: longest}
}

// waiting returns how many requests wait for a worker, and for how long the first has done so.
func (p *Pool) waiting(now time.Time) (n int, longest time.Duration) {
	if len(p.queue) > 0 {
		longest = now.Sub(p.queue[0].since)
	}
	for _, c := range p.unread {
		longest = max(longest, now.Sub(c.asked))
	}
	return len(p.queue) + len(p.unread), longest
}

// Supply notes how many workers the pool has, where -1 says that there will be no more, and how many it may have; 0: as before.
func (p *Pool) Supply(workers, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.demand.supply = max(workers, 0)
	p.window.limit(most)
	p.noteDemand()
}

// Crowded sets the function that is called while there are more requests than workers.
func (p *Pool) Crowded(call func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.demand.crowded = call
	p.demand.timer = time.AfterFunc(time.Hour, p.lookForCrowd)
	p.demand.timer.Stop()
}

// noteDemand sees to it that a crowd is noticed.
func (p *Pool) noteDemand() {
	if d := &p.demand; d.supply > 0 && !d.armed && d.crowded != nil && p.taken+len(p.queue) > d.supply {
		d.armed = true
		d.timer.Reset(crowdAfter)
	}
}

// lookForCrowd tells of one that lasts.
func (p *Pool) lookForCrowd() {
	p.mu.Lock()
	d := &p.demand
	d.armed = false
	p.noteDemand() // the next look
	crowd, tell := d.armed, d.crowded
	p.mu.Unlock()
	if crowd {
		tell()
	}
}

// noteWait logs that requests wait for long, before one is turned away.
func (p *Pool) noteWait(now time.Time) {
	p.mu.Lock()
	n, longest := p.waiting(now)
	quiet := longest < waitShown || now.Sub(p.demand.said) < waitInterval
	if !quiet {
		p.demand.said = now
	}
	p.mu.Unlock()
	if !quiet {
		p.Log(zlog.Warning, fmt.Sprintf("[pool %s] seems busy (you may need to increase pm.max_children), %d requests wait for a worker, "+
			"the first for %.1f seconds", p.Pool.Name, n, longest.Seconds()))
	}
}
