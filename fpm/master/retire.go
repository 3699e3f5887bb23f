package master

import (
	"slices"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/pm"
)

// retire ends a generation when its requests are done. Workers have process_control_timeout for that; without one all
// the time that request_terminate_timeout gives them, until maxRetired others have been retired.
func (m *Master) retire(g *generation) {
	g.retiring = true
	for _, e := range g.engines {
		m.unbook(e)
	}
	m.old = append(m.old, g)
	m.quitFront(g)
	g.escalation = pm.Escalation{Sent: syscall.SIGQUIT}
	if patience := g.config.Global.ProcessControlTimeout; patience > 0 {
		g.escalation.Deadline = m.sys.now().Add(patience)
	}
	m.signalAll(g, syscall.SIGQUIT)
	m.childGone(g)
	m.endOldest()
}

// maxRetired is how many retired generations may live at a time. Each is a zygote and the workers that have requests.
const maxRetired = 4

// endOldest ends the generations that are one too many.
func (m *Master) endOldest() {
	now := m.sys.now()
	for _, g := range m.old[:max(0, len(m.old)-maxRetired)] {
		if g.escalation.Sent == syscall.SIGQUIT && (g.escalation.Deadline.IsZero() || now.Before(g.escalation.Deadline)) {
			m.log.retiredTooMany(g.number, g.running(), maxRetired)
			m.hurry(g, now)
		}
	}
}

// hurry sets the time at which what is left of a retired generation gets TERM.
func (m *Master) hurry(g *generation, until time.Time) {
	g.escalation.Deadline = until
	g.http.hurry(until)
}

// abandonPatience is how long the requests may last that workers of an abandoned generation have accepted already.
const abandonPatience = 5 * time.Second

// discard ends a generation that never served. Workers that have not begun are killed. The one that is being forked is not:
// it finds the order to leave when it begins, and a zygote that is given up tells no worker's end.
func (m *Master) discard(g *generation) {
	g.cancelStarts()
	m.retire(g)
	m.hurry(g, m.sys.now().Add(abandonPatience))
	for _, p := range g.pools {
		for _, c := range p.children {
			if c.pid != 0 && !c.hasBegun() {
				m.tellChild(c, syscall.SIGKILL)
			}
		}
	}
	if g.http.runs() && g.http.serving() == nil {
		m.sys.kill(g.http.front.Pid, syscall.SIGKILL)
	}
}

// drop forgets a generation without workers and front.
func (m *Master) drop(g *generation) {
	m.old = slices.DeleteFunc(m.old, func(other *generation) bool { return other == g })
	for _, e := range g.engines {
		m.closeZygote(e)
	}
	g.close()
	m.tellDrained()
}
