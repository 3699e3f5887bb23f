// Counterpart: sapi/fpm/fpm/fpm_process_ctl.c (fpm_pctl_perform_idle_server_maintenance, fpm_pctl_on_socket_accept)

package master

import (
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// maintenanceInterval is how often pools are looked after: once a second, as php-fpm does.
const maintenanceInterval = time.Second

// maintain looks after all pools.
func (m *Master) maintain(now time.Time) {
	if !m.serving() {
		return
	}
	m.endHoarder(now)
	m.incidents.kernel.Look(now)
	for _, p := range m.gen.pools {
		m.maintainPool(p, now)
	}
}

// census counts a pool's children, and finds the idle one that started first.
func (p *pool) census() (idle, active int, oldest *child, lastActive int64) {
	var a scoreboard.Activity
	for _, c := range p.children {
		if !c.idle(&a) {
			active++
			continue
		}
		idle++
		if oldest == nil || c.started.Before(oldest.started) {
			oldest, lastActive = c, a.Updated
		}
	}
	return idle, active, oldest, lastActive
}

func (m *Master) maintainPool(p *pool, now time.Time) {
	idle, active, oldest, lastActive := p.census()
	m.publishQueue(p)
	p.publishBoots()
	m.checkGrowth(p)
	name, running := p.conf.Name, p.running()
	if p.isPaused() || p.gen.shortage.goesOn(now) || m.makesWay(p.gen) {
		return // what is missing is tried again by respawn, and what is idle is of use
	}
	switch p.limits.PM {
	case conf.Ondemand:
		m.log.ondemandChildren(name, active, idle)
		// php-fpm compares whole seconds.
		if oldest != nil && lastActive/1e9 < m.clock.Now()/1e9-int64(p.conf.ProcessIdleTimeout/time.Second) {
			m.killIdle(oldest)
		}
	case conf.Dynamic:
		if p.isBooting() {
			return
		}
		m.log.spareChildren(name, active, idle, running, p.spare.Rate)
		v := p.spare.Second(p.limits, idle, running)
		if v.Busy > 0 {
			m.log.seemsBusy(name, v.Busy, idle, running)
		}
		m.obey(p, v, oldest)
		if v.Fork > 0 {
			p.engine.afterForks(func() { m.log.createdDynamically(name, v.Fork) })
		}
	}
}

// obey does what the process manager wants done.
func (m *Master) obey(p *pool, v pm.Decision, oldest *child) {
	if v.MaxReached {
		p.published.MaxChildrenReached++
		p.board.Publish(p.published)
		if p.limits.PM == conf.Ondemand {
			m.log.ondemandMaxChildrenReached(p.conf.Name, p.limits.MaxChildren)
		} else {
			m.log.maxChildrenReached(p.conf.Name, p.limits.MaxChildren)
		}
	}
	if v.Kill && oldest != nil {
		m.killIdle(oldest)
	}
	if v.Fork > 0 {
		m.makeChildren(p, v.Fork, true)
	}
}

// killIdle asks an idle child to end, and makes it end where it was asked a second ago.
func (m *Master) killIdle(c *child) {
	signal := syscall.SIGQUIT
	if c.idleKill {
		signal = syscall.SIGKILL
	}
	c.idleKill = true
	m.tellChild(c, signal)
}

// publishQueue shows how many connections are parked, and how many wait at a TCP socket; a unix socket does not tell.
func (m *Master) publishQueue(p *pool) {
	s := p.published
	s.Parked = p.idleKept
	if waiting, most, ok := p.socket.Queue(); ok {
		s.ListenQueue, s.ListenQueueLen = waiting, most
		s.MaxListenQueue = max(s.MaxListenQueue, waiting)
	}
	if s != p.published {
		p.published = s
		p.board.Publish(s)
	}
}

// waiting is a connection that arrived at an ondemand pool's socket.
type waiting struct{ p *pool }

func (e waiting) happen(m *Master) { m.connection(e.p, true) }

// finishingTime is what a worker that has answered is given to become idle before another is forked.
const finishingTime = 2 * time.Millisecond

// connection decides what to do about a connection that waits. With patient, a worker that is about to become idle
// is waited for: clients that send one request after the other would get a worker each.
func (m *Master) connection(p *pool, patient bool) {
	if !m.mayFork(p) || p.gen != m.gen {
		return
	}
	if p.backoff.Failures > 0 && !p.respawnAt.IsZero() { // respawn looks at the socket again
		return
	}
	if now := m.sys.now(); p.gen.shortage.lasts(now) || m.makesWay(p.gen) {
		p.recheckAt = now.Add(shortageFirst)
		return
	}
	idle, _, _, _ := p.census()
	if patient && idle == 0 && p.someFinish() {
		p.recheckAt = m.sys.now().Add(finishingTime)
		return
	}
	v := p.spare.Connection(p.limits, idle, p.running())
	m.obey(p, v, nil)
	if v.Fork > 0 {
		p.engine.afterForks(func() { m.log.forkedOnDemand(p.conf.Name) })
	}
	// The watcher tells of arrivals, not of how many there were, and the idle worker may have taken another one.
	if p.running() < p.limits.MaxChildren {
		p.recheckAt = m.sys.now().Add(finishingTime)
	}
}

// recheck looks again at the socket of a pool where a worker was about to become idle, or where more may have arrived than was
// acted on. Workers that are just being born are waited for: what waits may be theirs.
func (m *Master) recheck(p *pool, now time.Time) {
	p.recheckAt = time.Time{}
	switch {
	case !p.socket.Readable() && len(p.due) == 0:
	case p.someStart():
		p.recheckAt = now.Add(finishingTime)
	default:
		m.connection(p, false)
	}
}

// someStart reports whether a worker was forked that accepts nothing yet.
func (p *pool) someStart() bool {
	var a scoreboard.Activity
	for _, c := range p.children {
		if !c.ready || p.board.Activity(c.slot, &a) && a.Stage < scoreboard.Accepting {
			return true
		}
	}
	return false
}

// someFinish reports whether a worker has answered its request and is not idle yet.
func (p *pool) someFinish() bool {
	var a scoreboard.Activity
	for _, c := range p.children {
		if c.ready && p.board.Activity(c.slot, &a) && a.Stage >= scoreboard.End {
			return true
		}
	}
	return false
}
