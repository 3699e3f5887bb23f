// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_children_make, fpm_resources_prepare)

package master

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/output"
)

// makeChildren gives a pool up to n more children, or all that a static pool wants. With quiet, their lines are for
// debugging.
func (m *Master) makeChildren(p *pool, n int, quiet bool) {
	m.fill(p, p.limits.Target(p.running(), n), quiet)
}

// fill books children until the pool has as many as target, or the generation as many as process.max, and has the first
// of them forked.
func (m *Master) fill(p *pool, target int, quiet bool) {
	g := p.gen
	now := m.sys.now()
	if m.makesWay(g) {
		p.respawnAt = now.Add(shortageMost)
		return
	} else if g.shortage.lasts(now) {
		p.respawnAt = g.shortage.until
		return
	} else if g.shortage.goesOn(now) && p.hasWorker() && g.starves(p) {
		p.respawnAt = now.Add(shortageMost)
		return
	}
	if g == m.next && m.attempt != nil && m.attempt.short != nil && target > 1 { // two would wait for each other's threads
		target, p.respawnAt = 1, now.Add(shortageMost)
	}
	most := g.config.Global.ProcessMax
	for m.mayFork(p) && p.running() < target && (most < 1 || g.running() < most) {
		g.warnedMax = false
		slot := p.freeSlot()
		if slot < 0 && p.running() < len(p.children) { // those that leave have them
			p.respawnAt = now.Add(shortageMost)
			break
		}
		if slot < 0 {
			m.log.resourcesFailed(p.conf.Name, errNoSlot)
			break
		}
		c := &child{pool: p, slot: slot, quiet: quiet || p.perRequest(), why: -1}
		p.link(c)
		p.engine.forks.booked = append(p.engine.forks.booked, c)
	}
	if !g.warnedMax && most > 0 && g.running() >= most && p.running() < target {
		g.warnedMax = true
		m.log.processMaxReached()
	}
	m.forkNext(p.engine)
}

// mayFork reports whether a pool's workers may be replaced.
func (m *Master) mayFork(p *pool) bool {
	return m.serving() && !p.gen.retiring && p.engine.zygote != nil && !m.isExecuting() && !p.isPaused()
}

// serving reports whether requests come in: until the end, and while a front finishes those it has.
func (m *Master) serving() bool {
	return m.state == normal || m.state == finishing && len(m.fronts) > 0
}

var errNoSlot = errors.New("no free scoreboard slot")

// equipment is a worker's orders and descriptors.
type equipment struct {
	spec *contract.Spec
	fds  []int // all are the equipment's own, to be closed when the worker has them
}

func (e *equipment) close() {
	for _, fd := range e.fds {
		unix.Close(fd)
	}
}

// lend adds a copy of a descriptor that stays the master's: it may be closed while the zygote is being asked.
func (e *equipment) lend(what contract.File, f *os.File) error {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	if err := enough(fd); err != nil {
		unix.Close(fd)
		return err
	}
	e.spec.Files = append(e.spec.Files, what)
	e.fds = append(e.fds, fd)
	return nil
}

// give adds a descriptor that only the worker needs.
func (e *equipment) give(what contract.File, f *os.File) error {
	defer f.Close()
	return e.lend(what, f)
}

// equip makes a worker's equipment, and the master's ends of its sockets and pipes.
func (m *Master) equip(c *child) (*equipment, error) {
	p := c.pool
	e := &equipment{spec: m.spec(c)}
	control, theirs, err := channel.New()
	if err != nil {
		return e, err
	}
	c.control = control
	err = errors.Join(e.give(contract.Control, theirs), e.lend(contract.Listen, p.socket.File()),
		e.lend(contract.Scoreboard, p.board.File()))
	if err == nil && p.conf.RequestSlowlogTimeout > 0 {
		if c.trace, theirs, err = channel.New(); err == nil {
			err = e.give(contract.TraceSocket, theirs)
		}
	}
	if err == nil && p.access != nil {
		err = e.lend(contract.Access, p.access)
	}
	if err == nil && (p.conf.CatchWorkersOutput || p.gen.plan.LogsJSON()) {
		var stdout, stderr *os.File
		if c.output, stdout, stderr, err = output.New(p.board, c.slot); err == nil {
			err = errors.Join(e.give(contract.Stdout, stdout), e.give(contract.Stderr, stderr))
		}
	} else if err == nil {
		err = e.lend(contract.CrashOutput, p.crashes.In())
	}
	if err == nil && p.engine.launch.Template != nil {
		var reading *os.File
		if reading, err = p.board.ForReading(); err == nil {
			err = e.give(contract.ForReading, reading)
		}
	}
	if err == nil && p.ruleset != nil && p.engine.launch.Template == nil { // else its zygote has it
		err = e.lend(contract.Ruleset, p.ruleset)
	}
	if err == nil && p.others != nil {
		err = e.lend(contract.Others, p.others.socket.Pair())
	}
	if err == nil && p.shared != nil {
		err = e.lend(contract.SharedScoreboard, p.shared.board.File())
	}
	if err == nil && p.spans != nil {
		err = e.lend(contract.Spans, p.spans.to)
	}
	if err == nil {
		err = m.equipDirect(c, e)
	}
	return e, err
}

func (m *Master) spec(c *child) *contract.Spec {
	p := c.pool
	g := &p.gen.config.Global
	return &contract.Spec{
		Generation: p.gen.number, Slot: c.slot, Slots: len(p.slots), MasterPid: os.Getpid(),
		Pool: p.orders, Identity: p.identity, Root: os.Geteuid() == 0 && p.engine.launch.Template == nil, // else it is the pool's user's
		ClientLogs:   listening.IsNameless(p.home().conf), // its only client is our own front
		Restrictions: p.restrictions(), Admission: p.gen.plan.AdmissionOf(p.conf.Name, p.home().conf.Name, p.identity.UID),
		SoftTimeout: p.stages.Soft, ClientCheck: p.stages.Client,
		Traces:     p.gen.plan.Traces(),
		Apache:     p.gen.plan.ForApache(),
		WorkerMode: p.workerMode(c), Handed: p.conf.Handed, HTTP: m.directOrders(p),
		Global: contract.Global{
			ConfigPath: p.gen.config.Path, LogLevel: m.log.Settings().Level, LogLimit: g.LogLimit, LogBuffering: g.LogBuffering, LogJSON: p.gen.plan.LogsJSON(),
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
	if c.rescue != nil {
		c.rescue.Close()
	}
	if c.output != nil {
		c.output.Discard()
	}
}
