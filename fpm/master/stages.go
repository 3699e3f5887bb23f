package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// A request that takes too long goes through stages, each of which has a setting: its stack is logged, its script is told, its worker is
// ended by SIGTERM, and by SIGKILL. The second stage is the worker's own (lifecycle/engine_watch.c).

// interrupted logs that a worker has interrupted a request.
func (m *Master) interrupted(c *child, text string) reception {
	i, ok := contract.ParseInterruption(text)
	if !ok || c.pool.stages.Soft == 0 && c.pool.stages.Client == 0 || !c.sayings.one(m.sys.now(), sayingBounds) {
		return unexpected
	}
	r := request{Proc: scoreboard.Proc{Method: i.Method, URI: i.URI, Query: i.Query, Script: i.Script}, duration: i.After}
	if i.Why == contract.InterruptedForTime {
		m.log.interruptedForTime(c.pool.conf.Name, c.pid, r)
	} else {
		m.log.interruptedForClient(c.pool.conf.Name, c.pid, r)
	}
	return heeded
}

// killAfter sees to it that a worker which is sent SIGTERM is looked at when it is to get SIGKILL.
func (m *Master) killAfter(patience time.Duration) {
	if at := m.sys.now().Add(patience); m.killAt.IsZero() || at.Before(m.killAt) {
		m.killAt = at
	}
}

// checkEnded looks at the workers that were sent SIGTERM for their requests.
func (m *Master) checkEnded(time.Time) {
	m.killAt = time.Time{}
	clock := m.clock.Now()
	for _, g := range m.generations() {
		for _, p := range g.pools {
			for _, c := range p.children {
				m.escalateOrder(c, p.board.Reader, clock)
				kill := p.stages.Kill
				switch left := kill - time.Duration(clock-c.vigil.ended); {
				case c.vigil.ended == 0 || kill == 0:
				case left <= 0:
					m.checkRequest(c, clock)
				default:
					m.killAfter(left)
				}
			}
		}
	}
	for _, g := range m.former.groups {
		for _, w := range g.workers {
			m.escalateOrder(w.own, w.board.reader, clock)
		}
	}
}
