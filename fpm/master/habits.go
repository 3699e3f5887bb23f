package master

import (
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// habits are what a generation's worker script does again and again that makes worker mode useless. Each is logged once.
type habits struct {
	exits    int // workers in a row that have ended by exit after few requests
	exitTold bool
	heedless bool // it ignores that frankenphp_handle_request() has returned false
}

// An application ends its script by exit in each request, or nearly each, if so many workers in a row have done so, each after fewer
// than so many requests.
const (
	manyExits   = 10
	fewRequests = 10
)

// noteExit counts the ends of workers by exit. A worker that is forked from a booted application does not boot.
func (m *Master) noteExit(c *child, why scoreboard.Reason) {
	p := c.pool
	var proc scoreboard.Proc
	if p.engine.launch.Template != nil || p.habits.exitTold {
		return
	}
	if why != scoreboard.ByExit || !p.board.Snapshot(c.slot, &proc) || proc.Requests >= fewRequests {
		p.habits.exits = 0
		return
	}
	if p.habits.exits++; p.habits.exits == manyExits {
		p.habits.exitTold = true
		m.log.exits(p.conf.Name, p.worker.Script)
	}
}

// heedless is a worker's word that its script has ignored the order to end.
func (m *Master) heedless(c *child) reception {
	p := c.pool
	if p.worker == nil || !c.ready {
		return unexpected
	}
	if !p.habits.heedless {
		p.habits.heedless = true
		m.log.heedless(p.conf.Name, c.pid, p.worker.Script)
	}
	return heeded
}

func (l lines) exits(pool, script string) {
	l.Logf(zlog.Warning, "[pool %s] the last %d workers ended by exit, each after fewer than %d requests: each request of that kind costs a boot of %s, "+
		"and worker mode saves nothing; have the application return in place of exit, or leave it to ordinary workers, see docs/WORKER.md",
		pool, manyExits, fewRequests, script)
}

func (l lines) heedless(pool string, pid int, script string) {
	l.Logf(zlog.Warning, "[pool %s] child %d: the worker script %s has called frankenphp_handle_request() again after it had returned false, and was ended; "+
		"leave the loop then: while (frankenphp_handle_request($function)) { }", pool, pid, script)
}
