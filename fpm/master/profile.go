package master

import (
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
)

// A profile is made of samples that workers take of PHP's stack. The master tells workers when to begin and to end, and hands on what they say without
// reading it, as much of it as an operator takes.

// Bounds for what is handed on, in bytes: what waits for an operator, what is told at once, what a worker may say at once, and what it may say in a second. A stack of
// 256 frames, 100 times a second, has less.
const (
	maxUnsentSamples = 8 << 20
	samplesAtOnce    = 512 << 10
	samplesAhead     = 512 << 10
	samplesPerSecond = 512 << 10
)

// profileGrace is how long workers may take to send their last samples.
const profileGrace = 1500 * time.Millisecond

// profile is what an operator wants to know of a pool's requests.
type profile struct {
	o       *operator
	pool    string // empty: of all
	rate    int
	until   int64     // on the master's clock, for workers
	end     time.Time // the same
	told    map[*child]bool
	heard   map[*child]bool // those that have taken samples
	ended   map[*child]bool // those that take no more
	unsent  []control.Samples
	size    int // of their text
	dropped int // bytes that an operator did not take
}

// samplesBudget is how much a worker may still say.
type samplesBudget struct {
	left int
	at   time.Time
}

// take reports whether a worker may say so much more.
func (b *samplesBudget) take(n int, now time.Time) bool {
	if b.at.IsZero() {
		b.left = samplesAhead
	} else {
		b.left = min(samplesAhead, b.left+int(now.Sub(b.at).Seconds()*samplesPerSecond))
	}
	b.at = now
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

// profile begins a profile.
func (m *Master) profile(o *operator) {
	r := &o.Request
	switch {
	case r.Pool != "" && m.steerablePool(r.Pool) == nil:
		o.Tell(m.unknownPool(r.Pool))
		return
	case m.state != normal:
		o.Tell(refused("the service is %s", m.state))
		return
	case r.Count < 1 || r.Count > control.LongestProfile:
		o.Tell(refused("a profile takes from 1 to %d seconds", control.LongestProfile))
		return
	case r.Rate < 1 || r.Rate > contract.MostSamples:
		o.Tell(refused("a worker takes from 1 to %d samples a second", contract.MostSamples))
		return
	case slices.ContainsFunc(m.profiles, func(p *profile) bool { return p.pool == "" || r.Pool == "" || p.pool == r.Pool }):
		o.Tell(refused("another profile of that is being made; wait for its end"))
		return
	}
	length := time.Duration(r.Count) * time.Second
	p := &profile{o: o, pool: r.Pool, rate: r.Rate, until: m.clock.Now() + int64(length), end: m.sys.now().Add(length),
		told: map[*child]bool{}, heard: map[*child]bool{}, ended: map[*child]bool{}}
	m.profiles = append(m.profiles, p)
	for _, g := range m.generations() {
		for _, q := range g.pools {
			for _, c := range q.children {
				if c.ready {
					m.profileWorker(c)
				}
			}
		}
	}
	o.task = &task{
		done:     func(now time.Time) (control.Answer, bool) { return p.finish(now) },
		progress: func() *control.Progress { return &control.Progress{} },
		news:     p.news,
	}
	m.operators.keep(o, m.sys.now())
}

// covers reports whether a profile is of a pool.
func (p *profile) covers(q *pool) bool {
	return p.pool == "" || q.home().conf.Name == p.pool || q.conf.Name == p.pool
}

// profileWorker has a worker take samples, if a profile is made of its pool.
func (m *Master) profileWorker(c *child) {
	for _, p := range m.profiles {
		if p.covers(c.pool) && !p.told[c] {
			p.order(c, p.until)
		}
	}
}

// order tells a worker until when to take samples.
func (p *profile) order(c *child, until int64) {
	to := c.control
	if c.trace != nil {
		to = c.trace
	}
	if to.Send(contract.Profile, contract.ProfileOrder(p.rate, until), -1) == nil {
		p.told[c] = true
	}
}

// sampled takes a worker's samples. Those of a profile that has ended are nobody's.
func (m *Master) sampled(c *child, text string) reception {
	if !c.samples.take(len(text), m.sys.now()) {
		return unexpected
	}
	for _, p := range m.profiles {
		if !p.told[c] {
			continue
		}
		p.heard[c] = true
		switch {
		case strings.HasPrefix(text, "b\n"):
			delete(p.ended, c)
		case strings.HasSuffix(text, "\ne\n"), text == "e\n":
			p.ended[c] = true
		}
		if p.size+len(text) > maxUnsentSamples {
			p.dropped += len(text)
			return heeded
		}
		p.size += len(text)
		p.unsent = append(p.unsent, control.Samples{Pid: c.pid, Pool: c.pool.home().conf.Name, Generation: c.pool.gen.number, Lines: text})
		return heeded
	}
	return heeded
}

// news are the samples that were not told yet, as many as are told at once.
func (p *profile) news() (control.Answer, bool) {
	n, size := 0, 0
	for n < len(p.unsent) && size < samplesAtOnce {
		size += len(p.unsent[n].Lines)
		n++
	}
	if n == 0 {
		return control.Answer{}, false
	}
	a := control.Answer{Samples: p.unsent[:n:n]}
	p.unsent, p.size = p.unsent[n:], p.size-size
	return a, true
}

// finish is the end of a profile, when the time is up and all workers that took samples have told theirs.
func (p *profile) finish(now time.Time) (control.Answer, bool) {
	waits := false
	for c := range p.told {
		waits = waits || !p.ended[c] && !c.gone && !c.lost && p.heard[c]
	}
	if now.Before(p.end) || waits && now.Before(p.end.Add(profileGrace)) || len(p.unsent) > 0 {
		return control.Answer{}, false
	}
	return control.Answer{Done: true, Profile: &control.Profile{Workers: len(p.heard), Unheard: len(p.told) - len(p.heard), Dropped: p.dropped}}, true
}

// endProfile ends what an operator waits for no more.
func (m *Master) endProfile(o *operator) {
	for _, p := range m.profiles {
		if p.o != o {
			continue
		}
		for c := range p.told {
			if !p.ended[c] && !c.gone && !c.lost {
				p.order(c, 0)
			}
		}
	}
	m.profiles = slices.DeleteFunc(m.profiles, func(p *profile) bool { return p.o == o })
}
