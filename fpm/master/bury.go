// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_children_bury)

package master

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

func signalName(s syscall.Signal) string { return unix.SignalName(s) }

// workerExited is a worker's end; or its zygote's, if that has not told it.
type workerExited struct{ c *child }

func (e workerExited) happen(m *Master) {
	if status, known := e.c.process.Status(); known && !e.c.gone {
		m.bury(e.c, status)
	}
}

// strangerExited is the end of a zygote's child that is not a worker.
type strangerExited struct {
	pid    int
	status syscall.WaitStatus
}

func (e strangerExited) happen(m *Master) { m.unknown(e.pid, e.status) }

// ownRuntimes is that the workers of an engine's zygote do not share its Go runtime.
type ownRuntimes struct {
	engine *engine
	why    string
}

func (e ownRuntimes) happen(m *Master) {
	m.log.ownRuntimes(e.engine.gen.number, e.engine.label(), e.why)
}

// heard is the configuration of an engine's zygote that tells of children that are not workers, and of its Go runtime.
func (m *Master) heard(e *engine) zygote.Config {
	config := e.launch
	config.Stranger = func(pid int, status syscall.WaitStatus) { m.box.post(strangerExited{pid, status}) }
	config.Own = func(why string) { m.box.post(ownRuntimes{e, why}) }
	return config
}

// unknown logs the end of a process that is nobody's.
func (m *Master) unknown(pid int, status syscall.WaitStatus) {
	how, _ := postmortem.Ending(status)
	m.log.unknownChild(pid, how, os.Getpid() == 1)
}

// bury takes a dead child off the books, and replaces it unless the process manager or the operator wanted its end.
func (m *Master) bury(c *child, status syscall.WaitStatus) {
	p, g := c.pool, c.pool.gen
	now := m.sys.now()
	how, level := postmortem.Ending(status)
	wanted := c.idleKill && (status.Exited() || status.Signal() == syscall.SIGQUIT || c.makesRoom)
	if !c.ready && c.hasBegun() { // its end overtook its message
		m.workerBegan(c)
	}
	found := m.examine(c, status, wanted)
	m.rescueFrom(c)
	m.countRestart(c, status)
	p.unlink(c)
	if c.output != nil {
		c.output.Leave()
	}
	p.countEnd(found, wanted)
	p.board.Vacate(c.slot)
	threadless := !wanted && !c.ready && status.Exited() && status.ExitStatus() == exitNoThreads
	if wanted {
		m.log.childKilledByPM(p.conf.Name, c.pid, now.Sub(c.started))
	} else {
		if !m.mayFork(p) || threadless && g.shortage.failures > 0 {
			level = zlog.Debug
		}
		if level > zlog.Debug && m.endedUnbooted(c) {
			how += " (before the worker script had booted)"
			level = max(level, zlog.Warning)
		}
		if p.worker != nil && c.why >= 0 && status.Exited() {
			how += " (" + c.why.String() + ")"
			if c.succeeded || p.worker.Snapshot > 0 && c.why == scoreboard.ByMaxRequests { // it was planned
				level = zlog.Debug
			}
		}
		if p.perRequest() && status.Exited() && status.ExitStatus() == 0 {
			level = zlog.Debug
		}
		m.log.childExited(level, p.conf.Name, c.pid, how, now.Sub(c.started))
	}
	if found != nil {
		m.tellEnd(c, found)
	}
	m.killEnded(c, how, found)
	if status.Signaled() && (status.Signal() == syscall.SIGSEGV || status.Signal() == syscall.SIGBUS) && g.faults.Add(now) {
		m.log.tooManyFaults(g.config.Global.EmergencyRestartThreshold, g.config.Global.EmergencyRestartInterval)
		if m.attempt == nil {
			m.reload()
		}
	}
	if threadless {
		m.short(p, errNoThreads, func() { m.log.noThreads(p.conf.Name) })
		m.childGone(g)
		return
	}
	if !c.ready && g == m.next {
		m.abandonReload(fmt.Errorf("a new worker of pool %s exited %s", p.conf.Name, how))
		return
	}
	if !c.ready && !wanted && m.failTakeover(fmt.Errorf("a worker of pool %s exited %s before it was ready", p.conf.Name, how)) {
		return
	}
	switch {
	case c.yields && wanted:
		if p.wants() { // it has left room for another
			m.makeChildren(p, 1, true)
		}
	case wanted:
	case c.retiring && p.worker.Snapshot > 0, c.succeeded && !c.unbooted:
		m.succeed(p)
		if p.wants() { // its successor may have ended before
			m.makeChildren(p, 1, true)
		}
	case c.unbooted && !p.boots.at.IsZero():
		m.succeed(p)
	default:
		m.replace(p, c.ready)
	}
	if p.limits.PM == conf.Ondemand {
		m.park.rearm(p)
	}
	if c.makesRoom {
		m.roomMade()
	}
	if g == m.next && c.ready {
		m.proveReload()
	}
	m.childGone(g)
}

// replace makes another child, later where workers keep failing before they are ready.
func (m *Master) replace(p *pool, wasReady bool) {
	if wasReady {
		p.backoff.Succeeded()
	} else if wait := p.failedToBegin(); wait > 0 {
		p.respawnAt = m.sys.now().Add(wait)
		return
	}
	m.makeChildren(p, 1, false)
}

// respawn replaces a child of a pool that waited for its turn.
func (m *Master) respawn(p *pool, now time.Time) {
	p.respawnAt = time.Time{}
	switch {
	case p.gen == m.next:
		m.fill(p, p.limits.Initial(), true)
	case p.limits.PM == conf.Ondemand:
		p.recheckAt = now
	case p.wants():
		m.makeChildren(p, 1, false)
	}
}

// exitPatience is how long a zygote may take to tell the end of a worker whose control socket has ended.
func (m *Master) exitPatience() time.Duration {
	if m.state != normal {
		return time.Second
	}
	return zygote.AnswerTime
}

var errExitNotTold = errors.New("it did not tell how a worker ended")

// checkZygote gives up a zygote that does not tell how workers ended: it is stopped, or hangs.
func (m *Master) checkZygote(e *engine, now time.Time) {
	e.silentAt = time.Time{}
	for _, p := range e.pools {
		for _, c := range p.children {
			if !c.lost {
				continue
			}
			if at := c.lostAt.Add(m.exitPatience()); e.silentAt.IsZero() || at.Before(e.silentAt) {
				e.silentAt = at
			}
		}
	}
	if e.zygote != nil && !e.silentAt.IsZero() && !now.Before(e.silentAt) {
		e.silentAt = time.Time{}
		m.log.zygoteSilent(e.gen.number, e.label(), errExitNotTold)
		zygoteEnded{e, e.zygote}.happen(m)
	}
}

// wants reports whether a static or dynamic pool needs another child.
func (p *pool) wants() bool {
	idle, _, _, _ := p.census()
	return p.running() < p.limits.MaxChildren && (p.limits.PM == conf.Static || idle < p.limits.MinSpare)
}

// happen handles the end of a zygote. Its workers serve on, but their ends can no longer be told, and no others forked, so
// another generation of what was loaded takes the place of the zygote's, or if there are zygotes of other engines another zygote.
func (e zygoteEnded) happen(m *Master) {
	n, g := e.engine, e.engine.gen
	if n.zygote != e.z {
		return // it was closed
	}
	m.closeZygote(n)
	m.unbook(n)
	for _, p := range n.pools {
		for _, c := range slices.Clone(p.children) {
			c.orphan = true
			if c.lost {
				m.bury(c, c.exit())
			}
		}
	}
	if g.retiring || m.state != normal {
		return
	}
	if g == m.next {
		m.abandonReload(errZygoteGone)
		return
	}
	m.replaced.Zygote++
	m.log.zygoteGone(g.number, n.label())
	if len(g.engines) > 1 {
		m.restartSoon(n)
		return
	}
	m.renewSoon()
}

// reap takes the ends of the master's own children that are not zygotes: fronts, observers, those it had before it was executed,
// and, if it is the init process of a container, orphans, among them the workers of a zygote that is gone.
func (m *Master) reap() {
	m.observers.Reap(m.buryObserver)
	for _, f := range slices.Clone(m.fronts) {
		var status syscall.WaitStatus
		if got, err := syscall.Wait4(f.Pid, &status, syscall.WNOHANG, nil); err == nil && got == f.Pid {
			m.buryFront(f, status)
		}
	}
	if m.executing > 0 {
		return // the pid of a zygote is about to be told; there is another look then
	}
	for {
		pid := endedChild()
		if pid == 0 || m.zygotes[pid] { // a zygote is waited for by a goroutine of its own
			return
		}
		var status syscall.WaitStatus
		if got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); err != nil || got != pid {
			return
		}
		m.reaped(pid, status)
	}
}

// endedChild is the pid of a child that can be waited for; 0 if there is none.
func endedChild() int {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil || info.Signo == 0 {
		return 0
	}
	// The package names the fields that all signals share; SIGCHLD's pid is the first behind them, aligned as a
	// pointer is.
	const size = unsafe.Sizeof(uintptr(0))
	at := (unsafe.Sizeof(info.Signo) + unsafe.Sizeof(info.Errno) + unsafe.Sizeof(info.Code) + size - 1) / size * size
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), at)))
}

func (m *Master) reaped(pid int, status syscall.WaitStatus) {
	for _, f := range m.fronts { // one that has ended since reap has looked
		if f.Pid == pid {
			m.buryFront(f, status)
			return
		}
	}
	for _, o := range m.observers.All() {
		if o.Pid == pid {
			m.buryObserver(o, status)
			return
		}
	}
	if m.former.reaped(pid) || m.formerExited(pid, status) {
		return
	}
	for _, g := range m.generations() {
		if c := g.find(pid); c != nil {
			m.bury(c, status)
			return
		}
	}
	if slices.ContainsFunc(m.generations(), (*generation).forking) {
		if m.orphans == nil {
			m.orphans = map[int]syscall.WaitStatus{}
		}
		m.orphans[pid] = status
		return
	}
	m.unknown(pid, status)
}

// reapedEarly handles the ends of orphans again after a birth was told: one may have been that worker's.
func (m *Master) reapedEarly() {
	orphans := m.orphans
	m.orphans = nil
	for pid, status := range orphans {
		m.reaped(pid, status)
	}
}
