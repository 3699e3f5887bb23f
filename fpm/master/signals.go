// Counterpart: sapi/fpm/fpm/fpm_events.c (fpm_got_signal), fpm_process_ctl.c (fpm_pctl)

package master

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// catchEarly takes the signals that would end a program that does not know them: one may come while it starts, and
// waits then.
func catchEarly() (orders, children chan os.Signal) {
	orders = make(chan os.Signal, 64)
	signal.Notify(orders, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP)
	// Of its own, and one is enough: the children of an init process must not crowd out an order.
	children = make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	signal.Ignore(syscall.SIGPIPE)
	return orders, children
}

// catchAll takes the rest, when there is somebody to obey.
func catchAll(ch chan os.Signal) {
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
}

// signal obeys a signal: docs/SIGNALS.md.
func (m *Master) signal(s os.Signal) {
	m.log.received(signalName(s.(syscall.Signal)))
	switch s {
	case syscall.SIGCHLD:
		m.reap()
	case syscall.SIGINT, syscall.SIGTERM:
		m.log.terminating()
		m.stop(terminating)
	case syscall.SIGQUIT:
		m.patient = false
		m.finish()
	case syscall.SIGUSR1:
		m.reopenLogs()
	case syscall.SIGUSR2, syscall.SIGHUP: // HUP is Debian's
		m.log.reloading()
		m.reload()
	}
}

func (m *Master) reopenLogs() {
	// Access logs may go to the first stderr.
	m.errorLog.RestoreStderr()
	path := m.gen.config.Global.ErrorLog.Value
	if err := m.errorLog.Reopen(path); err != nil {
		m.log.errorLogNotOpened(path, err)
		m.log.errorLogNotReopened()
	} else {
		m.log.errorLogReopened()
	}
	some, err := m.gen.reopenAccessLogs(m.log)
	front, frontErr := m.gen.reopenFrontLog(m.errorLog)
	some = some || front
	switch {
	case err != nil || frontErr != nil:
		m.log.accessLogNotReopened()
	case some:
		m.log.accessLogReopened()
	}
	if m.errorLog.Messages.Settings().Launched { // else lines go to the first stderr as well
		m.errorLog.RedirectStderr()
	}
	m.incidents.log.Reopen()
}

// stop ends the service: at once (terminating), or after the requests under way (finishing).
func (m *Master) stop(to state) {
	if m.state == to {
		return
	}
	if to < m.state {
		m.log.notSwitching(to.String(), m.state.String())
		return
	}
	m.state, m.finishAt = to, time.Time{}
	m.stopStarts()
	m.cancelUpgrade()
	m.log.switching(to.String())
	m.systemd.Stopping()
	m.tellStopping()
	m.escalation = pm.Escalation{}
	now := m.sys.now()
	for _, g := range m.generations() {
		for _, e := range g.engines {
			if at := now.Add(m.exitPatience()); at.Before(e.silentAt) {
				e.silentAt = at
			}
		}
	}
	if to == finishing && len(m.fronts) > 0 { // they need the workers for the requests they have
		for _, g := range m.generations() {
			m.quitFront(g)
		}
		m.leaveHTTP()
		return
	}
	m.killFronts(now)
	m.nextStep(now)
}

// leastPatience is how long a worker that is asked to finish has where process_control_timeout is 0. php-fpm's wait
// is then anything between none and this.
const leastPatience = time.Second

// maxKills is how often children are sent KILL, a second apart, before the master goes without them.
const maxKills = 5

// nextStep sends all workers the signal that is due, or ends the loop if there are none.
func (m *Master) nextStep(now time.Time) {
	for _, g := range m.generations() {
		for _, e := range g.engines {
			m.unbook(e)
			if m.state == terminating {
				e.cancelFork()
			}
		}
	}
	if m.running() == 0 {
		m.escalation.Deadline = time.Time{} // the end of the last front is the next step
		m.done = len(m.fronts) == 0
		return
	}
	if m.escalation.Kills >= maxKills {
		m.log.notKilled(m.running())
		m.done = true
		return
	}
	if m.patient && m.escalation.Sent == syscall.SIGQUIT && m.requests() > 0 {
		m.escalation.Deadline = now.Add(leastPatience)
		return
	}
	polite := m.escalation.Sent == 0 || m.escalation.Sent == syscall.SIGQUIT
	signal := m.escalation.Next(now, m.state.first(), m.patience())
	if polite && signal != syscall.SIGQUIT {
		m.tellCut(m.requests())
	}
	alive := m.former.running()
	m.former.stop(now, signal)
	for _, g := range m.generations() {
		alive += m.signalAll(g, signal)
	}
	if alive > 0 {
		m.log.stillAlive(alive)
	}
}

// requests counts the requests that workers have. A worker that is still being born, or that hangs between two requests,
// has none.
func (m *Master) requests() int {
	n := m.former.requests()
	for _, g := range m.generations() {
		for _, p := range g.pools {
			n += p.requests()
		}
	}
	return n
}

// requests counts the requests that the pool's workers have.
func (p *pool) requests() (n int) {
	var a scoreboard.Activity
	for _, c := range p.children {
		if p.board.Activity(c.slot, &a) && a.Stage > scoreboard.Accepting {
			n++
		}
	}
	return n
}

func (m *Master) patience() time.Duration {
	return max(m.gen.config.Global.ProcessControlTimeout, leastPatience)
}

// signalAll signals a generation's workers and says how many could be.
func (m *Master) signalAll(g *generation, signal syscall.Signal) (alive int) {
	for _, p := range g.pools {
		for _, c := range p.children {
			m.log.sendingSignal(p.conf.Name, signal, c.pid)
			if m.tellChild(c, signal) == nil {
				alive++
			}
		}
	}
	return alive
}

// tellChild sends a child a signal, as soon as it has been forked. A graceful end is asked for by message.
func (m *Master) tellChild(c *child, signal syscall.Signal) error {
	if signal == syscall.SIGQUIT {
		m.awaitLeave(c)
	}
	if signal == syscall.SIGQUIT && c.control != nil && c.control.Send(m.graceful(c), "", -1) == nil {
		return nil
	}
	c.terminated = c.terminated || signal == syscall.SIGTERM
	c.killed = c.killed || signal == syscall.SIGKILL
	if c.process == nil {
		c.signal = signal
		return nil
	}
	return c.process.Signal(signal)
}

// graceful returns the message that asks a child to finish: one of a generation that has just been replaced leaves what it
// has not begun to the new one, and one that has not begun itself, or is to leave for good, to the others.
func (m *Master) graceful(c *child) byte {
	g := c.pool.gen
	if m.state == normal && (c.yields || m.handover != nil && m.handover.old == g || g.retiring && !c.hasBegun()) {
		return contract.Yield
	}
	return contract.Quit
}

// childGone ends what only waited for the last worker.
func (m *Master) childGone(g *generation) {
	if g.retiring && g.running() == 0 && !g.http.runs() {
		m.drop(g)
	}
	if m.state != normal && m.running() == 0 && len(m.fronts) == 0 {
		m.done = true
	}
}
