package master

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

// Opcache is memory of PHP's, which the master has not got: workers look at it and reset it, between two requests. One worker does it for all that
// share an opcache, those of an engine: an idle one or, if none is, the first one to end its request. A pool that has no worker gets one for that.

// How long workers are waited for: to tell of the caches, and to reset opcache; and how long an idle worker may take before another one is asked, too:
// it may have begun a request meanwhile.
const (
	lookPatience  = 2 * time.Second
	resetPatience = 30 * time.Second
	idlePatience  = 200 * time.Millisecond
)

// freshCaches is how old figures may be if workers need not be asked again.
const freshCaches = time.Second

// inspection is what workers of an engine are to do for an operator.
type inspection struct {
	engine  *engine
	number  int       // the engine's, from 1
	order   uint64    // the number of the order to reset opcache; 0: the caches are to be looked at
	asked   []*child  // that have not answered
	askedAt time.Time // when the last one was asked
	done    bool
	reset   bool
	why     string // it was not
}

// opcache does what an operator wants of the opcache of a pool or, if its name is empty, of all pools.
func (m *Master) opcache(o *operator) {
	name, resets := o.Request.Pool, o.Request.Command == control.OpcacheReset
	end := o.Tell
	if resets {
		end = func(a control.Answer) { m.answer(o, a) }
	}
	p := m.steerablePool(name)
	switch {
	case p == nil && name != "":
		end(m.unknownPool(name))
		return
	case m.state != normal:
		end(refused("the service is %s", m.state))
		return
	case resets && p != nil && p.worker != nil:
		end(refused("pool %s is in worker mode: its workers use opcache's memory for life; phpsapi fpm reload gives it new ones, with an opcache of their own", name))
		return
	}
	now := m.sys.now()
	var all []*inspection
	for i, e := range m.gen.engines {
		if p != nil && p.engine != e && (p.others == nil || p.others.engine != e) {
			continue
		}
		one := &inspection{engine: e, number: i + 1}
		switch {
		case resets && e.inWorkerMode():
			one.done, one.why = true, "its pools are in worker mode: phpsapi fpm reload gives them another opcache"
		case resets:
			m.resets++
			one.order = m.resets
		case e.looked(m.clock.Now()) > m.clock.Now()-int64(freshCaches):
			one.done = true
		}
		all = append(all, one)
	}
	o.task = m.inspectionTask(m.gen, all, resets, now)
	m.operators.keep(o, m.sys.now())
}

// inWorkerMode reports whether an engine's pools run worker scripts.
func (e *engine) inWorkerMode() bool {
	return slices.ContainsFunc(e.pools, func(p *pool) bool { return p.worker != nil })
}

// looked returns when a worker of the engine has asked the caches last; 0: none has.
func (e *engine) looked(now int64) (last int64) {
	var unused sapi.Caches
	for _, p := range e.pools {
		last = max(last, p.board.CachesAt(now, &unused))
	}
	return last
}

// inspectionTask has workers inspect the caches of engines, and waits for them, but not for ever.
func (m *Master) inspectionTask(g *generation, all []*inspection, resets bool, begun time.Time) *task {
	patience := lookPatience
	if resets {
		patience = resetPatience
	}
	done := func(now time.Time) (control.Answer, bool) {
		if g != m.gen {
			for _, i := range all {
				i.giveUp()
			}
			return control.Answer{Done: true, Reason: control.Failed, Why: "a reload has made another opcache meanwhile, and replaced all workers"}, true
		}
		waits := false
		for _, i := range all {
			m.inspect(i, resets, now)
			if !i.done && now.Sub(begun) >= patience {
				i.giveUp()
			}
			waits = waits || !i.done
		}
		if waits {
			return control.Answer{}, false
		}
		return m.inspected(all, resets), true
	}
	return &task{done: done, progress: func() *control.Progress {
		p := &control.Progress{}
		for _, i := range all {
			for _, q := range i.engine.pools {
				p.Workers += len(q.children)
				p.Requests += q.requests()
			}
		}
		return p
	}}
}

// giveUp ends an inspection that no worker has answered. A worker that comes to it later does not reset opcache any more.
func (i *inspection) giveUp() {
	if i.done {
		return
	}
	i.done = true
	i.obsolete()
	requests := 0
	for _, p := range i.engine.pools {
		requests += p.requests()
	}
	i.why = fmt.Sprintf("no worker of pool %s has come to it between two requests within %v, and it was not reset; requests that run: %d; phpsapi fpm requests shows them",
		i.engine.poolNames(), resetPatience, requests)
}

// obsolete tells workers that the order is.
func (i *inspection) obsolete() {
	if i.order == 0 {
		return
	}
	for _, p := range i.engine.pools {
		p.board.ResetDone(i.order)
	}
}

// inspect asks a worker, if that is to be done.
func (m *Master) inspect(i *inspection, resets bool, now time.Time) {
	i.asked = slices.DeleteFunc(i.asked, func(c *child) bool { return c.gone || c.lost })
	if i.done || len(i.asked) > 0 && now.Sub(i.askedAt) < idlePatience {
		return
	}
	var a scoreboard.Activity
	s := inspectorsOf(i.engine.pools, i.asked, func(c *child) bool { return c.idle(&a) })
	ask, step := s.next(len(i.asked) > 0, resets)
	switch step {
	case inspectorsAsked:
		for _, c := range ask {
			i.ask(c, now)
		}
	case inspectorLacks:
		i.done, i.why = true, fmt.Sprintf("pool %s is paused, and has no worker that could do it; resume it first: phpsapi fpm resume", i.engine.poolNames())
	case inspectorForked:
		for _, p := range i.engine.pools {
			if p.conf.Shared == nil && !p.isPaused() {
				m.fill(p, 1, true)
				break
			}
		}
	}
}

// inspectors are the workers of an engine that could inspect its caches, and were not asked.
type inspectors struct {
	idle, busy []*child
	coming     bool // another one is not ready yet
	paused     bool // all pools are
}

// inspectorsOf returns those of an engine with these pools.
func inspectorsOf(pools []*pool, asked []*child, isIdle func(*child) bool) inspectors {
	s := inspectors{paused: true}
	for _, p := range pools {
		s.paused = s.paused && p.isPaused()
		for _, c := range p.children {
			switch {
			case c.gone || c.lost || c.yields || c.idleKill || slices.Contains(asked, c):
			case !c.ready:
				s.coming = true
			case isIdle(c):
				s.idle = append(s.idle, c)
			default:
				s.busy = append(s.busy, c)
			}
		}
	}
	return s
}

// inspectionStep is what is to be done next about an inspection.
type inspectionStep int

const (
	inspectionWaits inspectionStep = iota
	inspectorsAsked                // workers are asked
	inspectorForked                // there is no worker: one is forked
	inspectorLacks                 // there is no worker, and none may be forked
)

// next returns what is to be done, and which workers are asked: one that is idle, or all. asked says that others were asked before; resets that opcache
// is to be reset, for which a worker is forked.
func (s *inspectors) next(asked, resets bool) (ask []*child, step inspectionStep) {
	switch {
	case len(s.idle) > 0:
		return s.idle[:1], inspectorsAsked
	case len(s.busy) > 0:
		return s.busy, inspectorsAsked
	case asked || s.coming || !resets:
		return nil, inspectionWaits
	case s.paused:
		return nil, inspectorLacks
	}
	return nil, inspectorForked
}

// ask has a worker do it.
func (i *inspection) ask(c *child, now time.Time) {
	text := ""
	if i.order > 0 {
		text = strconv.FormatUint(i.order, 10)
	}
	if c.control.Send(contract.Caches, text, -1) != nil {
		return
	}
	i.asked, i.askedAt = append(i.asked, c), now
	c.inspections = append(c.inspections, i)
}

// cachesInspected takes a worker's answer.
func (m *Master) cachesInspected(c *child, text string) reception {
	if len(c.inspections) == 0 || text != "0" && text != "1" {
		return unexpected
	}
	i := c.inspections[0]
	c.inspections = c.inspections[1:]
	i.asked = slices.DeleteFunc(i.asked, func(other *child) bool { return other == c })
	if i.done {
		return heeded
	}
	i.done, i.reset = true, text == "1"
	i.obsolete()
	return heeded
}

// inspected is what an operator is told.
func (m *Master) inspected(all []*inspection, resets bool) control.Answer {
	told := &control.Caches{Engines: []control.EngineCaches{}}
	clock := m.clock.Now()
	reset := 0
	for _, i := range all {
		one := control.EngineCaches{Generation: i.engine.gen.number, Engine: i.number, PHP: i.engine.php, WorkerMode: i.engine.inWorkerMode()}
		var newest, c sapi.Caches
		var at int64
		for _, p := range i.engine.pools {
			one.Pools = append(one.Pools, p.conf.Name)
			if looked := p.board.CachesAt(clock, &c); looked > at {
				newest, at = c, looked
			}
		}
		if at != 0 {
			age := incident.Seconds(time.Duration(clock - at))
			one.Age = &age
			one.Tell(&newest)
		}
		if resets {
			one.Why, one.Reset = i.why, i.reset || i.why == "" && one.Opcache != nil && one.Opcache.RestartPending
			if !one.Reset && one.Why == "" {
				one.Why = "there is no opcache, or it is off"
			}
		}
		if one.Reset {
			reset++
		}
		told.Engines = append(told.Engines, one)
	}
	a := control.Answer{Done: true, Caches: told}
	if resets && reset == 0 {
		a.Reason = control.Failed
		var why []string
		for _, e := range told.Engines {
			if !slices.Contains(why, e.Why) {
				why = append(why, e.Why)
			}
		}
		a.Why = strings.Join(why, "; ")
	}
	return a
}

// poolNames are the names of an engine's pools, but for those that are parts of others.
func (e *engine) poolNames() string {
	var names []string
	for _, p := range e.pools {
		if p.conf.Shared == nil {
			names = append(names, p.conf.Name)
		}
	}
	return strings.Join(names, ", ")
}
