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
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// readyTimeout is how long the zygote and the first workers of a new generation may take.
const readyTimeout = 60 * time.Second

var (
	errZygoteGone = errors.New("the process that forks the workers is gone")
	errSpawn      = errors.New("a worker could not be made")
)

// attempt is a reload under way.
type attempt struct {
	before   errorLogState // to go back to
	deadline time.Time
	again    bool   // another reload was asked for meanwhile
	pidFile  string // the new generation's, once it is written
	lines    lineCollector
}

// reload begins to replace the serving generation: new configuration, sockets and zygote, then its first workers.
// commitReload or abandonReload ends it. Everything that can fail comes before the first new worker.
func (m *Master) reload() {
	switch {
	case m.state != normal:
		m.log.notSwitching("reloading", m.state.String())
		return
	case m.attempt != nil:
		m.attempt.again = true
		return
	}
	m.log.reloadingBy(m.opt.Argv)
	m.systemd.reloading()
	m.attempt = &attempt{before: m.errorLog.state(), deadline: m.sys.now().Add(readyTimeout)}
	m.operators.round++
	m.retryReloadAt = time.Time{}
	m.errorLog.restoreStderr()
	m.errorLog.relaunch()
	m.attempt.lines.begin(m.errorLog.log)
	g, err := m.prepare(io.MultiWriter(os.Stderr, &m.attempt.lines))
	m.attempt.lines.end(m.errorLog.log)
	if err != nil {
		m.abandonReload(err)
		return
	}
	m.next = g
	m.startZygote(g)
}

// prepare reads the configuration and makes a generation of it, with its sockets, but without a process. Complaints
// about syntax go to stderr.
func (m *Master) prepare(stderr io.Writer) (*generation, error) {
	options, plan := m.opt.confOptions(m.errorLog)
	options.Stderr = stderr
	cfg, err := conf.Load(options)
	if err != nil {
		return nil, err
	}
	if err := limit(&cfg.Global, m.log); err != nil {
		return nil, err
	}
	return m.newGeneration(cfg, options, plan)
}

// newGeneration makes a generation with its logs and sockets.
func (m *Master) newGeneration(cfg *conf.Config, options conf.Options, plan *frontPlan) (*generation, error) {
	ids, err := conf.Identify(cfg, options)
	if err != nil {
		return nil, err
	}
	g, err := newGeneration(m.generation+1, cfg, ids, m.sys.now())
	if err != nil {
		return nil, err
	}
	g.plan = plan
	m.generation++
	if err := g.openAccessLogs(m.log); err != nil {
		g.close()
		return nil, err
	}
	for _, s := range m.sockets.open {
		if m.gen != nil {
			m.log.socketInherited(s.fd, s.key)
		}
	}
	l := listener{sockets: &m.sockets, log: m.log, errorLog: m.errorLog, cfg: cfg, options: options}
	if err := l.listen(g); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// startZygote starts a generation's zygote beside the loop: PHP's start may take its time.
func (m *Master) startZygote(g *generation) {
	m.startingZygotes++
	config := m.opt.zygoteConfig(g)
	go func() {
		z, exits, said, err := m.sys.launch(context.Background(), config)
		m.box.post(zygoteStarted{g, z, exits, said, err})
	}()
}

func (e zygoteStarted) happen(m *Master) {
	m.startingZygotes--
	defer m.reap()
	g := e.gen
	g.said = e.said
	g.said.show(m.log.Log, os.Stderr)
	if e.err == nil {
		g.zygote = e.z
		m.detach(e.z)
		m.watchZygote(g, e.z, e.exits)
	}
	switch {
	case g != m.next: // given up meanwhile
		m.closeZygote(g)
	case e.err != nil:
		m.attempt.lines.add(g.said...)
		m.abandonReload(e.err)
	case m.state != normal:
		m.next, m.attempt = nil, nil
		m.drop(g)
	default:
		// A generation that cannot replace its workers must go, whatever the next one is like.
		if why := g.said.worse(m.gen.said); why != nil && m.gen.zygote != nil {
			m.abandonReload(why)
			return
		}
		if err := writePidFile(g.config.Global.Pid.Value, m.log); err != nil {
			m.abandonReload(err)
			return
		}
		m.attempt.pidFile = g.config.Global.Pid.Value
		for _, p := range g.pools {
			if !m.fill(p, p.limits.initial(), true) {
				m.abandonReload(errSpawn)
				return
			}
		}
		if err := m.startFront(g); err != nil {
			m.abandonReload(fmt.Errorf("the front could not be started: %w", err))
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
	z.Detach(null)
}

// proveReload commits the reload once every first worker and the front are ready.
func (m *Master) proveReload() {
	if m.next.plan.wanted() && (m.next.front == nil || !m.next.front.ready) {
		return
	}
	for _, p := range m.next.pools {
		for _, c := range p.children {
			if !c.ready {
				return
			}
		}
	}
	m.commitReload()
}

func (m *Master) commitReload() {
	old, g := m.gen, m.next
	again, before := m.attempt.again, m.attempt.before
	m.attempt, m.next, m.gen = nil, nil, g
	if path := old.config.Global.Pid.Value; path != g.config.Global.Pid.Value {
		removePidFile(path, m.log)
	}
	before.e.close()
	// Before it is said that the new one serves: who reads the line finds no old worker and no old address.
	m.retire(old)
	m.sockets.keep([]*generation{g})
	m.begin()
	m.park.move(old)
	m.park.unlisten(old)
	m.reloadEnded(nil, nil)
	if again {
		m.log.reloading()
		m.reload()
	}
}

// abandonReload goes back to the old generation.
func (m *Master) abandonReload(why error) {
	a, g := m.attempt, m.next
	if a == nil {
		return
	}
	m.attempt, m.next = nil, nil
	m.errorLog.restore(a.before)
	m.errorLog.launched()
	if g != nil {
		m.retire(g)
	}
	if a.pidFile != "" && a.pidFile != m.gen.config.Global.Pid.Value {
		os.Remove(a.pidFile)
	}
	m.log.reloadFailed(why)
	m.systemd.reloadFailed(why)
	m.sockets.keep([]*generation{m.gen})
	m.reloadEnded(why, a.lines.lines)
	if m.gen.zygote == nil {
		m.retryReloadAt = m.sys.now().Add(retryReload)
	}
	if a.again {
		m.reload()
	}
}

// retryReload is how long to wait with a generation that cannot be replaced and has no zygote.
const retryReload = 5 * time.Second

// retire ends a generation when its requests are done. Workers have process_control_timeout for that; without one
// all the time that request_terminate_timeout gives them.
func (m *Master) retire(g *generation) {
	g.retiring = true
	m.old = append(m.old, g)
	m.quitFront(g)
	if g.running() == 0 {
		m.childGone(g)
		return
	}
	m.signalAll(g, syscall.SIGQUIT)
	g.escalation = escalation{sent: syscall.SIGQUIT}
	if patience := g.config.Global.ProcessControlTimeout; patience > 0 {
		g.escalation.deadline = m.sys.now().Add(patience)
	}
}

// drop forgets a generation without workers and front.
func (m *Master) drop(g *generation) {
	m.old = slices.DeleteFunc(m.old, func(other *generation) bool { return other == g })
	m.closeZygote(g)
	g.close()
	m.tellDrained()
}
