package master

import (
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A worker in worker mode that was told to end finishes its request, and then its script ends by itself: what the script does until
// then is up to the script. So it has a deadline, from when it has no request any more: process_control_timeout, or leavePatience.
// Then it gets TERM, and after a second KILL. One whose script boots has the time that a boot has. When the service ends there are
// deadlines for all.

// leavePatience is how long the script of a worker that is to leave may run on without a request, if process_control_timeout is 0.
const leavePatience = 10 * time.Second

func (p *pool) leavePatience() time.Duration {
	if patience := p.gen.config.Global.ProcessControlTimeout; patience > 0 {
		return patience
	}
	return leavePatience
}

// awaitLeave begins to wait for a worker that was told to end.
func (m *Master) awaitLeave(c *child) {
	if c.pool.worker == nil || c.leaving.Sent != 0 {
		return
	}
	c.leaving = pm.Escalation{Sent: syscall.SIGQUIT, Deadline: m.sys.now().Add(c.pool.leavePatience())}
}

// checkLeft sends a worker that was told to end, has no request, and runs on, the signal that is due.
func (m *Master) checkLeft(c *child, now time.Time) {
	p := c.pool
	switch {
	case c.leaving.Kills >= maxKills:
		c.leaving.Deadline = time.Time{}
	case c.leaving.Sent == syscall.SIGQUIT && m.mayStay(c, now):
		c.leaving.Deadline = now.Add(p.leavePatience())
	default:
		signal := c.leaving.Next(now, 0, 0)
		if signal == syscall.SIGTERM {
			m.log.runsOn(p.conf.Name, c.pid, p.worker.Script, p.leavePatience())
		}
		m.tellChild(c, signal)
	}
}

// mayStay reports whether a worker that was told to end has a request, or what is left of one to do, or boots.
func (m *Master) mayStay(c *child, now time.Time) bool {
	if !c.ready {
		timeout := c.pool.worker.BootTimeout
		return timeout == 0 || now.Before(c.started.Add(timeout))
	}
	var a scoreboard.Activity
	return c.pool.board.Activity(c.slot, &a) && a.Stage > scoreboard.Accepting
}

func (l lines) runsOn(pool string, pid int, script string, patience time.Duration) {
	l.Logf(zlog.Warning, "[pool %s] child %d was told to end and has no request, but the worker script %s runs on for %s: it gets SIGTERM; "+
		"have the script end when frankenphp_handle_request() returns false, or set process_control_timeout", pool, pid, script, patience)
}
