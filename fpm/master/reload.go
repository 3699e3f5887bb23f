// Counterpart: sapi/fpm/fpm/fpm_process_ctl.c (fpm_pctl_exec), which ends the old workers before it looks at the new
// configuration. Here nothing of the old ends before the new serves.

package master

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/announce"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// readyTimeout is how long the zygote and the first workers of a new generation may take, unless PHP took long before.
const readyTimeout = 60 * time.Second

// askTimeout is for a PHP that preloads nothing and serves nobody.
const askTimeout = 10 * time.Second

var (
	errZygoteGone = errors.New("the process that forks the workers is gone")
	errSpawn      = errors.New("a worker could not be forked")
)

// attempt is a reload under way, or a renewal: the replacement of a zygote that died.
type attempt struct {
	renewal    bool           // the configuration is the one that serves
	before     errorlog.State // to go back to
	begun      time.Time
	rehearsing bool            // what it needs to read is read beside the loop
	constants  *startup.Answer // PHP's, for its configuration; nil: PHP was not asked
	places     *startup.Places // what PHPs were asked for their places
	patience   time.Duration   // how long it may take
	deadline   time.Time
	short      error     // why not all first workers can be had, so that one of each pool is enough; nil: they can
	tries      int       // to do with the room that was made
	roomAt     time.Time // when to make room again for a worker that waits for its threads
	startAt    time.Time // when to start the zygote, which could not be; zero: not
	again      bool      // another reload was asked for meanwhile
	pidFile    string    // the new generation's, once it is written
	lines      lineCollector
	upgrade    *upgrade // another program is to take over; nil: none
}

// newAttempt returns an attempt that has time for a PHP as slow as it was before.
func (m *Master) newAttempt() *attempt {
	patience := max(m.sys.patience, 3*m.phpTook)
	now := m.sys.now()
	return &attempt{patience: patience, begun: now, deadline: now.Add(patience)}
}

// reload begins to replace the serving generation: new configuration, sockets and zygote, then its first workers.
// commitReload or abandonReload ends it. Everything that can fail comes before the first new worker.
func (m *Master) reload() {
	switch {
	case m.state != normal:
		m.log.notSwitching("reloading", m.state.String())
		return
	case m.isLeaving():
		m.log.notReloading()
		return
	case m.attempt != nil:
		m.attempt.again = true
		return
	case m.handover != nil:
		m.handover.reload.again = true
		return
	}
	m.log.reloadingBy(m.opt.Argv)
	m.systemd.Reloading()
	m.attempt = m.newAttempt()
	m.attempt.before = m.errorLog.State()
	m.attempt.places = startup.NewPlaces(nil)
	m.operators.round++
	m.renewAt = time.Time{}
	if m.takeUpgradeOrder() {
		m.upgradeBy(m.attempt)
		return
	}
	m.rehearse(m.attempt)
}

// rehearsed is the end of a rehearsal.
type rehearsed struct {
	attempt  *attempt
	names    listening.Names
	question *startup.Question // the PHP that must be asked before; nil: none
}

func (e rehearsed) happen(m *Master) {
	m.rehearsals--
	switch {
	case m.attempt != e.attempt: // given up meanwhile
		return
	case m.state != normal:
		m.attempt = nil
		return
	case e.question != nil:
		m.inquire(m.attempt, *e.question)
		return
	}
	m.attempt.rehearsing = false
	m.errorLog.RestoreStderr()
	m.errorLog.Relaunch()
	m.attempt.lines.begin(m.errorLog.Messages)
	g, err := m.prepare(io.MultiWriter(m.errorLog.Complaints(), &m.attempt.lines), e.names, m.attempt.constants, m.attempt.places)
	m.attempt.lines.end(m.errorLog.Messages)
	if err != nil {
		m.abandonReload(err)
		return
	}
	m.next = g
	m.attempt.allowBoots(g)
	m.startZygotes(g)
}

// prepare reads the configuration and makes a generation of it, with its sockets, but without a process. Complaints
// about syntax go to stderr. It waits for nobody: names, constants and places are known.
func (m *Master) prepare(stderr io.Writer, known listening.Names, constants *startup.Answer, places *startup.Places) (*generation, error) {
	opt := m.opt
	opt.places = places
	options, plan := opt.confOptions(m.errorLog)
	options.Stderr = stderr
	changed := false
	options.Loaded = constants.LookUp(&changed)
	cfg, err := conf.Load(options)
	if err != nil {
		return nil, refusal{err}
	}
	if changed || places.Lacking() != nil {
		return nil, errChanged
	}
	if err := limit(&cfg.Global, m.log); err != nil {
		return nil, refusal{err}
	}
	g, err := m.newGeneration(cfg, options, plan, known)
	if err != nil {
		return nil, refusal{err}
	}
	return g, nil
}

// refusal is an error for which a start would end with exitConfig.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// newGeneration makes a generation with its logs and sockets.
func (m *Master) newGeneration(cfg *conf.Config, options conf.Options, plan *plan.Plan, known listening.Names) (*generation, error) {
	ids, err := conf.Identify(cfg, options)
	if err != nil {
		return nil, err
	}
	g, err := newGeneration(m.generation+1, cfg, ids, m.sys.now())
	if err != nil {
		m.log.notPrepared(err)
		return nil, err
	}
	g.plan = plan
	g.equipWorkerMode()
	g.assign(func(_ int, p *pool) zygote.Config { return m.launchOf(plan, p, plan.EngineOf(p.conf.Name)) })
	g.showKinds()
	m.tellIgnored(g)
	for _, e := range g.engines {
		e.choice = plan.EngineOf(e.pools[0].conf.Name)
		e.ini = m.opt.settingsOf(e.choice)
		e.php = e.choice.Minor()
		e.launch.Argv = []string{e.launch.Argv[0] + e.label()}
	}
	m.generation++
	if err := plan.CheckIncidentLog(); err != nil {
		m.log.Logf(zlog.Error, "%v", err)
		g.close()
		return nil, err
	}
	if err := g.openSpans(); err != nil {
		m.log.notPrepared(err)
		g.close()
		return nil, err
	}
	if err := g.makeRulesets(m.log); err != nil {
		g.close()
		return nil, err
	}
	if err := g.openAccessLogs(m.log); err != nil {
		g.close()
		return nil, err
	}
	if m.gen != nil {
		m.sockets.LogReused(m.log.Log)
	}
	l := listener{log: m.log, errorLog: m.errorLog, sockets: &m.sockets,
		open: &listening.Opener{Sockets: &m.sockets, Log: m.log.Log, Config: cfg, Options: options, Known: known}}
	if err := l.listen(g); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// startZygotes starts the zygotes that a generation does not have yet.
func (m *Master) startZygotes(g *generation) {
	for _, e := range g.engines {
		if e.zygote == nil && e.cancelStart == nil {
			m.startZygote(e)
		}
	}
}

// startZygote starts a zygote beside the loop: PHP's start may take its time, or never end.
func (m *Master) startZygote(e *engine) {
	ctx, cancel := context.WithCancel(context.Background())
	e.cancelStart = cancel
	config := m.heard(e)
	config.Executed = func(pid int) { m.box.post(zygoteExecuted{e, pid}) }
	m.executing++
	m.tending.Go(func() {
		z, said, err := m.sys.launch(ctx, config)
		m.box.post(zygoteStarted{e, z, said, err})
	})
}

func (e zygoteExecuted) happen(m *Master) {
	m.executing--
	e.engine.starting = e.pid
	m.zygotes[e.pid] = true
	m.reap()
}

func (e zygoteStarted) happen(m *Master) {
	n, g := e.engine, e.engine.gen
	if n.starting == 0 { // there was no process
		m.executing--
	}
	delete(m.zygotes, n.starting)
	n.starting = 0
	n.cancelStart()
	n.cancelStart = nil
	defer m.reap()
	n.said = e.said
	m.noteBoot(n, e.err)
	if m.bootsEach(n, e.err) {
		m.startZygote(n)
		return
	}
	n.show(m)
	if e.err == nil {
		if m.attempt != nil && g == m.next {
			m.attempt.tries = 0
		}
		m.watchZygote(n, e.z)
	}
	switch {
	case g == m.gen && !g.retiring && m.state == normal:
		m.restarted(n, e.err)
	case g != m.next: // given up meanwhile
		m.closeZygote(n)
	case m.state != normal:
		m.next, m.attempt = nil, nil
		m.drop(g)
	case e.err != nil && isShortage(e.err) && m.gen.running() > 0:
		m.attempt.startAt = m.sys.now().Add(shortageMost)
		m.makeRoom(e.err)
	case e.err != nil:
		m.attempt.lines.add(n.said...)
		m.abandonReload(n.notStarted(e.err))
	default:
		m.phpTook = max(m.phpTook, m.sys.now().Sub(m.attempt.begun))
		// A generation that cannot replace its workers must go, whatever the next one is like.
		if was := m.gen.like(n); was != nil && was.zygote != nil {
			if why := n.said.Worse(was.said); why != nil {
				m.abandonReload(why)
				return
			}
		}
		if g.lacksZygote() { // others start still
			return
		}
		if !m.attempt.renewal {
			if err := announce.WritePID(g.config.Global.Pid.Value, m.log.Log); err != nil {
				m.abandonReload(fmt.Errorf("pid %s: %w", g.config.Global.Pid.Value, err))
				return
			}
			m.attempt.pidFile = g.config.Global.Pid.Value
		}
		for _, p := range g.pools {
			m.fill(p, p.limits.Initial(), true)
		}
		if m.next != g { // the first child could not be made
			return
		}
		if !g.bootsScripts() && !m.startNextFront() {
			return
		}
		m.proveReload()
	}
}

// detach takes the first stdout and stderr from a zygote that has started: it must not keep a terminal or a pipe
// open that its daemon has left. Its workers write nowhere, unless told otherwise.
func (m *Master) detach(z forker) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer null.Close()
	z.Detach(context.Background(), null)
}

// proveReload commits the reload once every first worker and the front are ready; in a shortage one of each pool. A worker
// that was ready and has left, as pm.max_requests has it do, counts: its successor is not waited for.
func (m *Master) proveReload() {
	if !m.next.bootsScripts() && !m.next.frontReady() {
		return
	}
	for _, p := range m.next.pools {
		first := p.limits.Initial()
		if p.isPaused() {
			first = 0
		}
		switch {
		case m.attempt.short != nil && first > 0 && p.began == 0:
			return
		case m.attempt.short == nil && p.began < first && slices.ContainsFunc(p.children, func(c *child) bool { return !c.ready }):
			return
		}
	}
	// A front takes connections as soon as it is there. It would lose them if a worker script did not boot.
	if m.next.bootsScripts() && !m.next.frontReady() {
		if !m.next.http.runs() {
			m.startNextFront()
		}
		return
	}
	m.commitReload()
}

// startNextFront starts the front of the next generation. It returns false if that has failed and the reload is given up.
func (m *Master) startNextFront() bool {
	if err := m.startFront(m.next); err != nil {
		m.abandonReload(fmt.Errorf("the front could not be started: %w", err))
		return false
	}
	return true
}

func (m *Master) commitReload() {
	old, g := m.gen, m.next
	a := m.attempt
	m.attempt, m.next, m.gen = nil, nil, g
	if a.constants != nil {
		m.constants = a.constants
	}
	if path := old.config.Global.Pid.Value; path != g.config.Global.Pid.Value {
		announce.RemovePID(path, m.log.Log)
	}
	if !a.renewal {
		a.before.Close()
	}
	g.inherit(old)
	old.door.FollowedBy(g.door)
	m.announce() // of the reload before, if it has not been
	// Before it is said that the new one serves: a reader of the line finds no old worker and no old address.
	m.handover = &handover{reload: a, old: old, until: m.sys.now().Add(handoverPatience), lookAt: m.sys.now()}
	m.retire(old)
	m.keepSockets(g)
	m.begin()
	m.park.move(old)
	m.park.unlisten(old)
	m.handover.open = true
	m.begun()
}

// abandonReload goes back to the old generation.
func (m *Master) abandonReload(why error) {
	a, g := m.attempt, m.next
	if a == nil {
		return
	}
	m.attempt, m.next = nil, nil
	if a.short != nil {
		m.fillAgain()
	}
	if !a.renewal {
		m.errorLog.Restore(a.before)
		m.errorLog.Launched()
	}
	if a.upgrade != nil {
		a.upgrade.cancel()
		count(&m.tally.Upgrades, true)
		m.fillAgain()
	}
	if g != nil {
		m.discard(g)
	}
	if a.pidFile != "" && a.pidFile != m.gen.config.Global.Pid.Value {
		announce.RemovePID(a.pidFile, m.log.Log)
	}
	if !a.renewal {
		m.log.reloadFailed(why)
		m.systemd.ReloadFailed(why)
	}
	m.keepSockets(m.gen)
	m.reloadEnded(why, a.lines.lines)
	if m.gen.lacksZygote() && len(m.gen.engines) == 1 {
		m.renewLater(why)
	}
	if a.again {
		m.reload()
	}
}
