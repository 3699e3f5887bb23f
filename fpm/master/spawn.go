// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_children_make, fpm_resources_prepare)

package master

import (
	"context"
	"errors"
	"os"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// makeChildren gives a pool up to n more children, or all that a static pool wants. started says how their lines are
// logged. It returns false where a child could not be made.
func (m *Master) makeChildren(p *pool, n int, debug bool) bool {
	return m.fill(p, p.limits.target(len(p.children), n), debug)
}

// fill makes children until the pool has as many as target, the generation as many as process.max, or one cannot be
// made.
func (m *Master) fill(p *pool, target int, debug bool) bool {
	g := p.gen
	most := g.config.Global.ProcessMax
	for m.mayFork(g) && len(p.children) < target && (most < 1 || g.running() < most) {
		g.warnedMax = false
		if !m.spawn(p, debug) {
			return false
		}
	}
	if !g.warnedMax && most > 0 && g.running() >= most && len(p.children) < target {
		g.warnedMax = true
		m.log.processMaxReached()
	}
	return true
}

// mayFork says whether a generation's workers may be replaced.
func (m *Master) mayFork(g *generation) bool {
	return m.serving() && !g.retiring && g.zygote != nil
}

// serving says whether requests come in: until the end, and while a front finishes those it has.
func (m *Master) serving() bool {
	return m.state == normal || m.state == finishing && len(m.fronts) > 0
}

var errNoSlot = errors.New("no free scoreboard slot")

// spawn forks one worker.
func (m *Master) spawn(p *pool, debug bool) bool {
	slot := p.freeSlot()
	if slot < 0 {
		m.log.resourcesFailed(p.conf.Name, errNoSlot)
		return false
	}
	c := &child{pool: p, slot: slot}
	spec, files, theirs, err := m.equip(c)
	defer closeFiles(theirs)
	if err != nil {
		c.discard()
		m.log.resourcesFailed(p.conf.Name, err)
		return false
	}
	payload, err := spec.Encode()
	if err != nil {
		panic("BUG: a worker's orders: " + err.Error())
	}
	p.board.Occupy(slot)
	c.started = m.sys.now()
	if c.pid, err = p.gen.zygote.Spawn(context.Background(), payload, files...); err != nil {
		p.board.Vacate(slot)
		c.discard()
		m.log.forkFailed(err)
		return false
	}
	p.board.SetPid(slot, c.pid)
	p.link(c)
	m.listenTo(c)
	m.log.childStarted(p.conf.Name, c.pid, debug)
	return true
}

// equip makes a worker's orders and descriptors: files are all, theirs those that only the worker needs.
func (m *Master) equip(c *child) (spec *contract.Spec, files, theirs []*os.File, err error) {
	p := c.pool
	spec = m.spec(c)
	add := func(what contract.File, f *os.File) {
		spec.Files = append(spec.Files, what)
		files = append(files, f)
	}
	var control, trace *os.File
	if c.control, control, err = channel.New(); err != nil {
		return nil, nil, theirs, err
	}
	theirs = append(theirs, control)
	add(contract.Listen, p.socket.file)
	add(contract.Scoreboard, p.board.File())
	add(contract.Control, control)
	if p.conf.RequestSlowlogTimeout > 0 {
		if c.trace, trace, err = channel.New(); err != nil {
			return nil, nil, theirs, err
		}
		theirs = append(theirs, trace)
		add(contract.TraceSocket, trace)
	}
	if p.access != nil {
		add(contract.Access, p.access)
	}
	if p.conf.CatchWorkersOutput {
		var stdout, stderr *os.File
		if c.output, stdout, stderr, err = newOutput(c); err != nil {
			return nil, nil, theirs, err
		}
		theirs = append(theirs, stdout, stderr)
		add(contract.Stdout, stdout)
		add(contract.Stderr, stderr)
	} else {
		add(contract.CrashOutput, p.crashes.in)
	}
	if p.shared != nil {
		add(contract.SharedScoreboard, p.shared.board.File())
	}
	return spec, files, theirs, nil
}

func (m *Master) spec(c *child) *contract.Spec {
	p := c.pool
	g := &p.gen.config.Global
	return &contract.Spec{
		Generation: p.gen.number, Slot: c.slot, Slots: len(p.slots), MasterPid: os.Getpid(),
		Pool: p.orders, Identity: p.identity, Root: os.Geteuid() == 0,
		ClientLogs: isNameless(p.conf), // its only client is our own front
		Global: contract.Global{
			ConfigPath: p.gen.config.Path, LogLevel: g.LogLevel, LogLimit: g.LogLimit, LogBuffering: g.LogBuffering,
			Syslog: g.Syslog(), ProcessControlTimeout: int(g.ProcessControlTimeout.Seconds()),
		},
	}
}

// discard takes back what a child that was not forked got.
func (c *child) discard() {
	if c.control != nil {
		c.control.Close()
	}
	if c.trace != nil {
		c.trace.Close()
	}
	if c.output != nil {
		c.output.discard()
	}
}
