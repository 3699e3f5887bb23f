package master

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// A pool in worker mode has two kinds of workers, and so is two pools: its own workers run the worker script, and those of a
// hidden pool beside it (conf.Others) run the other scripts. The two have zygotes of their own: only in one of them is there
// frankenphp_handle_request(), and what is compiled with it must not be run without it.
//
// A worker is ready when its script has asked for a request. One whose script ends before that stays and answers 503, until
// another attempt has become ready. A worker that has answered as many requests as it may, or is too large, continues until its
// successor is ready.

// equipWorkerMode tells the generation's pools their worker modes and stages.
func (g *generation) equipWorkerMode() {
	for _, p := range g.pools {
		p.worker, p.stages = g.plan.Workers[p.conf.Name], g.plan.Stages[p.home().conf.Name]
	}
}

// showKinds publishes what the workers of each pool are, when the pools have their engines.
func (g *generation) showKinds() {
	for _, p := range g.pools {
		switch {
		case p.conf.Handed:
			p.show(scoreboard.OtherScripts)
		case p.worker != nil && p.engine.launch.Template != nil:
			p.show(scoreboard.Snapshot)
		case p.worker != nil:
			p.show(scoreboard.WorkerScript)
		}
	}
}

// show publishes what the pool's workers are.
func (p *pool) show(kind scoreboard.Kind) {
	p.published.WorkerMode.Kind = kind
	p.board.Publish(p.published)
}

// launchOf returns what the zygote of a pool is started with.
func (m *Master) launchOf(plan *plan.Plan, p *pool, engine engines.Choice) zygote.Config {
	c := m.opt.launch(plan, engine)
	c.Module.Interrupts = plan.Interrupts()
	if p.worker != nil {
		c.Module.WorkerMode = true
		// Workers never let go of opcache's memory: opcache must not kill them for it, see renewFor.
		c.Module.INI.Entries += "opcache.force_restart_timeout=0\n"
		c.Template = p.template()
	}
	return c
}

// tellIgnored warns of settings that have no effect on worker scripts: a worker script has those that it was booted with.
func (m *Master) tellIgnored(g *generation) {
	m.tellDoubts(g)
	for _, p := range g.pools {
		if p.worker == nil {
			continue
		}
		name, set := g.plan.INI("user_ini.filename")
		if !set {
			name = ".user.ini"
		}
		file := filepath.Join(filepath.Dir(p.worker.Script), name)
		if _, err := os.Stat(file); name != "" && err == nil {
			m.log.userIniIgnored(p.conf.Name, file)
		}
	}
}

// home returns the pool at whose socket a pool's connections were accepted.
func (p *pool) home() *pool {
	if p.conf.Handed {
		return p.shared
	}
	return p
}

// workerMode returns a worker's orders; nil: it is an ordinary one.
func (p *pool) workerMode(c *child) *contract.WorkerMode {
	w := p.worker
	if w == nil {
		return nil
	}
	mode := &contract.WorkerMode{Script: w.Script, For: w.For, Strict: w.Strict, MaxRequests: w.MaxRequests, MaxMemory: w.MaxMemory}
	if w.MaxRequests == 0 {
		mode.MaxRequests = p.conf.MaxRequests
	}
	if p.engine.launch.Template != nil {
		mode.Snapshot, mode.MaxRequests = true, w.Snapshot
	} else if tenth := mode.MaxRequests / 10; tenth > 0 {
		mode.MaxRequests += rand.IntN(2*tenth+1) - tenth
	}
	return mode
}

// boots is how a pool's worker script boots.
type boots struct {
	failures int       // in a row
	at       time.Time // when to try again; zero: no attempt waits
	why      string    // the last one failed
	saidAt   time.Time // when that was logged
}

// bootBackoff returns how long to wait after a number of failures in a row: as FrankenPHP does.
func bootBackoff(failures int) time.Duration {
	return min(time.Duration(failures*failures)*100*time.Millisecond, time.Second)
}

// failedToBegin counts a worker that has ended before it was ready, and returns how long to wait before another is forked.
func (p *pool) failedToBegin() time.Duration {
	wait := p.backoff.Failed()
	if p.worker != nil {
		wait = max(wait, bootBackoff(p.backoff.Failures))
	}
	return wait
}

// isBooting reports whether a worker's script is booting, or is to be tried again: more workers would not help.
func (p *pool) isBooting() bool {
	return p.worker != nil && (!p.boots.at.IsZero() || !p.respawnAt.IsZero() || slices.ContainsFunc(p.children, func(c *child) bool { return !c.ready || c.unbooted }))
}

// notBooted is a worker's word that its script ended before its first request.
func (m *Master) notBooted(c *child, why string) reception {
	p := c.pool
	if p.worker == nil || c.ready || c.unbooted {
		return unexpected
	}
	c.unbooted = true
	if p.gen == m.next {
		m.bootIncident(p, c.pid, why)
		m.abandonReload(p.bootFailed(why))
		return heeded
	}
	if m.failTakeover(p.bootFailed(why)) {
		return heeded
	}
	why = zlog.Harmless(why)
	now := m.sys.now()
	b := &p.boots
	if why != b.why || now.Sub(b.saidAt) >= time.Second { // a pool's workers fail together
		m.log.notBooted(p.conf.Name, c.pid, p.worker.Script, why)
		m.bootIncident(p, c.pid, why)
		b.why, b.saidAt = why, now
	}
	if b.at.IsZero() {
		b.failures++
		b.at = now.Add(bootBackoff(b.failures))
	}
	if p.hasBooted() { // those answer, and this one would only get in their way
		m.tellChild(c, syscall.SIGQUIT)
		return heeded
	}
	c.control.Send(contract.StandIn, "", -1)
	return heeded
}

// bootFailed words a boot that failed in a reload.
func (p *pool) bootFailed(why string) error {
	return fmt.Errorf("the worker script %s of pool %s could not be booted: %s", p.worker.Script, p.conf.Name, zlog.Harmless(why))
}

// hasBooted reports whether a worker of the pool runs its worker script.
func (p *pool) hasBooted() bool {
	return slices.ContainsFunc(p.children, func(c *child) bool { return c.ready && !c.unbooted })
}

// bootEnded takes a worker that is ready for what it is. If its script has booted it is another's successor, and ends those that
// have stood in; if it stands in itself, one that has done so before it ends.
func (m *Master) bootEnded(c *child) {
	p := c.pool
	if p.worker == nil {
		return
	}
	if c.unbooted {
		p.published.WorkerMode.Failures++
	} else {
		p.boots = boots{}
		p.published.WorkerMode.BootTime = m.sys.now().Sub(c.started)
	}
	p.board.Publish(p.published)
	left := 1
	for i := len(p.children) - 1; i >= 0; i-- { // the oldest first
		other := p.children[i]
		if other == c || !other.ready || other.succeeded {
			continue
		}
		switch {
		case other.unbooted && !c.unbooted:
		case left > 0 && len(p.children) > p.limits.Initial() && (other.unbooted || other.retiring && !c.unbooted):
			left--
		default:
			continue
		}
		other.retiring, other.succeeded = false, true
		m.tellChild(other, syscall.SIGQUIT)
	}
	m.succeed(p)
}

// retireWorker is a worker's word on why it is about to end, or is to be replaced.
func (m *Master) retireWorker(c *child, text string) reception {
	why, known := scoreboard.ReasonOf(text)
	if c.pool.worker == nil || !known || c.retiring || c.succeeded {
		return unexpected
	}
	c.why = why
	if why == scoreboard.ByExit || why == scoreboard.ByFatal { // it ends by itself
		return heeded
	}
	m.log.retires(c.pool.conf.Name, c.pid, why)
	c.retiring = true
	m.succeed(c.pool)
	return heeded
}

// countRestart counts the end of a worker in worker mode.
func (m *Master) countRestart(c *child, status syscall.WaitStatus) {
	p := c.pool
	if p.worker == nil || !c.ready || c.unbooted {
		return
	}
	why := c.why
	switch {
	case status.Signaled() && c.vigil.ended != 0:
		why = scoreboard.ByTimeout
	case status.Signaled():
		why = scoreboard.BySignal
	case why < 0:
		return // the process manager or the operator wanted its end
	}
	p.published.WorkerMode.Restarts[why]++
	p.board.Publish(p.published)
	m.noteExit(c, why)
}

// endedUnbooted counts a boot that has failed if a worker has ended in it and has not said so: it crashed, or was killed, or the
// script has closed the descriptors. It reports whether that is so.
func (m *Master) endedUnbooted(c *child) bool {
	p := c.pool
	if p.worker == nil || c.ready || c.unbooted {
		return false
	}
	p.published.WorkerMode.Failures++
	p.board.Publish(p.published)
	return true
}

// publishBoots publishes how many workers boot.
func (p *pool) publishBoots() {
	if p.worker == nil {
		return
	}
	booting := 0
	for _, c := range p.children {
		if !c.ready {
			booting++
		}
	}
	if booting != p.published.WorkerMode.Booting {
		p.published.WorkerMode.Booting = booting
		p.board.Publish(p.published)
	}
}

// inherit takes over the counts of a generation that this one replaces.
func (g *generation) inherit(old *generation) {
	for _, p := range g.pools {
		if p.worker == nil {
			continue
		}
		for _, was := range old.pools {
			if was.worker == nil || was.conf.Name != p.conf.Name {
				continue
			}
			w, before := &p.published.WorkerMode, &was.published.WorkerMode
			for i, n := range before.Restarts {
				w.Restarts[i] += n
			}
			w.Failures += before.Failures
			w.Restarts[scoreboard.ByReload] += uint64(len(was.children))
			p.board.Publish(p.published)
		}
	}
}

// leak is by how many bytes a worker must grow with each request, and by how many in all, for its growth to be logged.
const (
	leak    = 1 << 10
	leakAll = 16 << 20
)

// checkGrowth logs, once of each worker, that it grows.
func (m *Master) checkGrowth(p *pool) {
	if p.worker == nil {
		return
	}
	for _, c := range p.children {
		if g, ok := p.board.Growth(c.slot); ok && !c.grows && g.PerRequest() >= leak && g.Bytes >= leakAll {
			c.grows = true
			m.log.grows(p.conf.Name, c.pid, g)
		}
	}
}

// succeed has successors forked for the workers of a pool that want one, as far as there is room for them.
func (m *Master) succeed(p *pool) {
	if p.worker == nil || !m.mayFork(p) || !p.respawnAt.IsZero() {
		return
	}
	wanted := 0
	for _, c := range p.children {
		switch {
		case !c.ready:
			wanted-- // one is coming
		case c.succeeded:
		case c.retiring:
			wanted++
		case c.unbooted && p.boots.at.IsZero():
			wanted++
		}
	}
	if p.boots.failures > 0 {
		wanted = min(wanted, 1)
	}
	for ; wanted > 0 && p.freeSlot() >= 0; wanted-- {
		m.fill(p, len(p.children)+1, true)
	}
}

// bootAgain tries again to boot workers of a pool, after a boot has failed.
func (m *Master) bootAgain(p *pool) {
	p.boots.at = time.Time{}
	m.succeed(p)
	if p.wants() && len(p.children) < p.limits.Initial() {
		m.makeChildren(p, 1, true)
	}
}

// bootDeadline returns until when a worker must have booted; zero: it has, or there is no limit.
func (p *pool) bootDeadline(c *child) time.Time {
	if c.ready || c.pid == 0 || c.overdue || p.worker.BootTimeout == 0 {
		return time.Time{}
	}
	return c.started.Add(p.worker.BootTimeout)
}

// bootIsOverdue ends a worker whose worker script boots for too long.
func (m *Master) bootIsOverdue(c *child) {
	p := c.pool
	c.overdue = true
	why := p.bootFailed(sapi.BootTookTooLong(p.worker.BootTimeout))
	m.tellChild(c, syscall.SIGKILL)
	if p.gen == m.next {
		m.abandonReload(why)
		return
	}
	m.log.bootTimedOut(c.pid, why)
}

// bootsScripts reports whether the generation's workers boot worker scripts, which may fail.
func (g *generation) bootsScripts() bool {
	return slices.ContainsFunc(g.pools, func(p *pool) bool { return p.worker != nil })
}

// allowBoots gives a reload the time that the worker scripts of its generation may take.
func (a *attempt) allowBoots(g *generation) {
	longest := time.Duration(0)
	for _, p := range g.pools {
		if p.worker != nil {
			longest = max(longest, p.worker.BootTimeout)
		}
	}
	a.patience += longest
	a.deadline = a.deadline.Add(longest)
}

// renewalInterval is the least time between two generations that scripts have asked for.
const renewalInterval = 10 * time.Second

// renewFor is a worker's wish for a new generation: a script has emptied opcache's memory, and no worker lets go of it.
func (m *Master) renewFor(c *child) reception {
	g := c.pool.gen
	if c.pool.worker == nil {
		return unexpected
	}
	if g != m.gen || !g.renewAt.IsZero() || m.state != normal {
		return heeded
	}
	m.log.opcacheReset(c.pool.conf.Name, c.pid)
	now := m.sys.now()
	g.renewAt = now
	if soonest := g.begun.Add(renewalInterval); g.number > 1 && soonest.After(now) {
		g.renewAt = soonest
	}
	return heeded
}

// renewAsked makes the new generation that a script has asked for. A reload that is under way is one.
func (m *Master) renewAsked(now time.Time) {
	g := m.gen
	g.renewAt = time.Time{}
	switch {
	case m.state != normal || m.attempt != nil:
	case m.handover != nil:
		g.renewAt = now.Add(handoverInterval)
	default:
		m.replaceGeneration()
	}
}
