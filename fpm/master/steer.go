package master

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// An operator may pause a pool, and change how many workers it has. That holds until the next reload, which has what php-fpm.conf says. A
// paused pool has no workers: they finish their requests and leave, and what comes waits where it waits for busy workers, in the
// listen queue, in the front, and parked.

// steering is what operators have changed of a pool.
type steering struct {
	paused bool
	scaled bool // limits are not those of the configuration
}

// isPaused reports whether a pool takes no connections. A pool that runs the scripts beside another's worker script goes by that one.
func (p *pool) isPaused() bool { return p.home().steering.paused }

// running is how many workers a pool has that have not been told to leave for good.
func (p *pool) running() (n int) {
	for _, c := range p.children {
		if !c.yields {
			n++
		}
	}
	return n
}

// steer does what an operator wants of a pool.
func (m *Master) steer(o *operator) {
	p := m.steerablePool(o.Request.Pool)
	switch {
	case p == nil:
		m.answer(o, m.unknownPool(o.Request.Pool))
		return
	case m.state != normal:
		m.answer(o, refused("the service is %s", m.state))
		return
	case m.attempt != nil && m.attempt.renewal:
		m.answer(o, refused("all workers are being replaced, because a process that forks them has ended; try again in a moment"))
		return
	case m.attempt != nil:
		m.answer(o, refused("a reload is under way, and would undo it; try again when that has ended"))
		return
	}
	switch o.Request.Command {
	case control.Pause, control.Drain:
		m.pause(p)
	case control.Resume:
		m.resume(p)
	case control.Scale:
		if why := m.scale(p, o.Request.Count); why != "" {
			m.answer(o, refused("%s", why))
			return
		}
	}
	m.observers.News()
	o.task = m.steeringTask(p, o.Request.Command, m.sys.now().Add(handoverPatience))
	m.operators.keep(o, m.sys.now())
}

// steerablePool returns the pool of a name that can be steered; nil: there is none.
func (m *Master) steerablePool(name string) *pool {
	for _, p := range m.gen.pools {
		if p.conf.Name == name && p.conf.Shared == nil {
			return p
		}
	}
	return nil
}

// parts are the pool and, in worker mode, the one that runs other scripts.
func (p *pool) parts() []*pool {
	if p.others == nil {
		return []*pool{p}
	}
	return []*pool{p, p.others}
}

func (m *Master) pause(p *pool) {
	p.steering.paused = true
	for _, q := range p.parts() {
		m.shrink(q, 0)
		q.respawnAt, q.recheckAt = time.Time{}, time.Time{}
	}
}

func (m *Master) resume(p *pool) {
	if !p.steering.paused {
		return
	}
	p.steering.paused = false
	for _, q := range p.parts() {
		q.spare = pm.Spare{Rate: 1}
		if q.limits.PM == conf.Ondemand {
			q.recheckAt = m.sys.now()
			m.park.find(q)
			continue
		}
		m.fill(q, q.limits.Initial(), true)
	}
}

// scale limits a pool to n workers. It returns why it cannot have so many, empty if it can.
func (m *Master) scale(p *pool, n int) string {
	if why := whyNotScaled(p.conf, n, len(p.slots), p.gen.config.Global.ProcessMax); why != "" {
		return why
	}
	p.limits = pm.LimitsOf(p.conf).ScaledTo(n)
	p.steering.scaled = n != p.conf.MaxChildren
	p.spare = pm.Spare{Rate: 1}
	m.shrink(p, n)
	if p.limits.PM == conf.Static && !p.isPaused() {
		m.fill(p, n, true)
	}
	return ""
}

// whyNotScaled returns why a pool cannot have n workers; empty: it can. slots are those of its scoreboard, total is process.max.
func whyNotScaled(p *conf.Pool, n, slots, total int) string {
	most := slots - p.Successors
	switch {
	case n < 1:
		return fmt.Sprintf("a pool has at least one worker; phpsapi fpm pause %s stops it from taking connections", p.Name)
	case n > most:
		return fmt.Sprintf("pool %s can have %s at most until the next reload: its shared memory was made for pm.max_children = %d; "+
			"set pm.max_children in php-fpm.conf, and reload", p.Name, control.Many(most, "worker"), p.MaxChildren)
	case total > 0 && n > total:
		return fmt.Sprintf("process.max = %d is the most that all pools together have", total)
	}
	return ""
}

// shrink has workers leave until n are left: those that are not forked yet, then those that are idle, then others when they have
// finished their request.
func (m *Master) shrink(p *pool, n int) {
	f := &p.engine.forks
	for i := len(f.booked) - 1; i >= 0 && p.running() > n; i-- {
		if c := f.booked[i]; c.pool == p {
			f.booked = slices.Delete(f.booked, i, i+1)
			p.unlink(c)
		}
	}
	var a scoreboard.Activity
	for _, c := range leavers(p.children, p.running()-n, func(c *child) bool { return c.idle(&a) }) {
		c.idleKill, c.yields = true, true
		m.tellChild(c, syscall.SIGQUIT)
	}
}

// leavers returns n of a pool's workers that are to leave: those that are idle, then others. Those that leave already do not count.
func leavers(all []*child, n int, isIdle func(*child) bool) (leave []*child) {
	var busy []*child
	for _, c := range all {
		switch {
		case c.yields:
		case isIdle(c):
			leave = append(leave, c)
		default:
			busy = append(busy, c)
		}
	}
	leave = append(leave, busy...)
	return leave[:min(max(n, 0), len(leave))]
}

// steeringTask waits until what an operator wants of a pool is so: no connection is taken any more, or there is a worker. It
// waits until then for workers that may have taken a connection which says nothing, and no longer.
func (m *Master) steeringTask(p *pool, command control.Command, until time.Time) *task {
	return &task{
		done: func(now time.Time) (control.Answer, bool) {
			mayTake := func(c *child) bool { return c.yields && c.mayTakeConnections() }
			is := steered{
				replaced: p.gen != m.gen, paused: p.isPaused(), workers: m.progressOf(p).Workers, manager: p.limits.PM, serves: p.hasWorker(),
				lacks: p.ready() < p.limits.MaxChildren, late: !now.Before(until),
				taking: slices.ContainsFunc(p.parts(), func(q *pool) bool { return slices.ContainsFunc(q.children, mayTake) }),
			}
			switch why, over := is.outcome(command); {
			case why != "":
				return control.Answer{Done: true, Reason: control.Failed, Why: why}, true
			case !over:
				return control.Answer{}, false
			}
			return control.Answer{Done: true, Steered: m.steeringOf(p)}, true
		},
		progress: func() *control.Progress { return m.progressOf(p) },
	}
}

// steered is a pool as far as an operator's order has been carried out.
type steered struct {
	replaced bool // by a reload
	paused   bool
	workers  int // those of old generations among them
	manager  conf.PM
	serves   bool // a worker is ready
	lacks    bool // fewer workers are ready than the pool may have
	taking   bool // a worker that was told to leave may take a connection still
	late     bool // nothing is waited for any more that says nothing
}

// outcome reports whether an order is carried out, or returns why it never will be.
func (s *steered) outcome(command control.Command) (why string, over bool) {
	pauses := command == control.Pause || command == control.Drain
	switch {
	case s.replaced:
		return "a reload has undone it meanwhile", false
	case pauses && !s.paused:
		return "the pool was resumed meanwhile", false
	case command == control.Resume && s.paused:
		return "the pool was paused again meanwhile", false
	case command == control.Drain:
		return "", s.workers == 0
	case command == control.Resume:
		return "", s.manager == conf.Ondemand || s.serves
	case s.manager == conf.Static && !s.paused && s.lacks:
		return "", false
	}
	return "", s.late || !s.taking
}

// ready is how many workers a pool has that are ready and stay.
func (p *pool) ready() (n int) {
	for _, c := range p.children {
		if c.ready && !c.yields {
			n++
		}
	}
	return n
}

// progressOf counts the workers of a pool, those of old generations and of former programs among them, and their requests. A pool
// that takes connections has not drained.
func (m *Master) progressOf(p *pool) *control.Progress {
	progress := &control.Progress{}
	name := p.conf.Name
	for _, g := range m.generations() {
		for _, q := range g.pools {
			if q.home().conf.Name != name {
				continue
			}
			progress.Workers += len(q.children)
			progress.Requests += q.requests()
		}
	}
	for _, g := range m.former.groups {
		for _, w := range g.workers {
			if w.handed.Pool != name && w.handed.Pool != conf.OthersName(name) {
				continue
			}
			progress.Workers++
			if w.isBusy() {
				progress.Requests++
			}
		}
	}
	return progress
}

// steeringOf is what a pool has by the words of operators.
func (m *Master) steeringOf(p *pool) *control.Steered {
	progress := m.progressOf(p)
	return &control.Steered{Pool: p.conf.Name, Paused: p.isPaused(), Workers: progress.Workers, Requests: progress.Requests,
		Limit: p.limits.MaxChildren, Configured: p.conf.MaxChildren}
}

// steeredPools are the pools of a generation in which operators have changed something.
func (m *Master) steeredPools(g *generation) (all []control.Steered) {
	for _, p := range g.pools {
		if p.steering != (steering{}) {
			all = append(all, *m.steeringOf(p))
		}
	}
	return all
}

// checkTasks answers the operators whose tasks are done.
func (m *Master) checkTasks(now time.Time) {
	for _, f := range m.operators.tellTasks(now) {
		if f.o.Request.Changes() {
			m.log.ordered(f.o, f.a)
		}
		f.o.Tell(f.a)
		m.dismiss(f.o)
	}
}

// steerable are the names of the pools that can be steered.
func (m *Master) steerable() string {
	var names []string
	for _, p := range m.gen.pools {
		if p.conf.Shared == nil {
			names = append(names, p.conf.Name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
