package master

import (
	"cmp"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// tellRequests answers which requests a pool runs or, if its name is empty, all pools. A request is not looked at closely: all but the
// worker, its pool and its generation is the worker's word.
func (m *Master) tellRequests(pool string) control.Answer {
	all := control.Running{Requests: []control.RunningRequest{}}
	known := pool == ""
	look := func(name string, generation int, board *scoreboard.Reader, slot int) {
		var p scoreboard.Proc
		if board != nil && board.Snapshot(slot, &p) && p.Stage > scoreboard.Accepting {
			all.Requests = append(all.Requests, m.runningRequest(name, generation, &p))
		}
	}
	for _, g := range m.generations() {
		for _, p := range g.pools {
			if pool != "" && p.conf.Name != pool && p.home().conf.Name != pool {
				continue
			}
			known = true
			for _, c := range p.children {
				look(p.conf.Name, g.number, p.board.Reader, c.slot)
			}
		}
	}
	for _, g := range m.former.groups {
		for _, w := range g.workers {
			if pool == "" || pool == w.handed.Pool {
				look(w.handed.Pool, g.handed.Generation, w.board.reader, w.handed.Slot)
			}
		}
	}
	if !known {
		return m.unknownPool(pool)
	}
	slices.SortStableFunc(all.Requests, func(a, b control.RunningRequest) int { return cmp.Compare(b.Duration, a.Duration) })
	return control.Answer{Done: true, Requests: &all}
}

// runningRequest is a worker's request as operators see it.
func (m *Master) runningRequest(pool string, generation int, p *scoreboard.Proc) control.RunningRequest {
	r := request{Proc: *p}
	trace, span := r.ids()
	return control.RunningRequest{Pid: p.Pid, Pool: pool, Generation: generation, Stage: p.Stage.String(),
		Duration:  incident.Seconds(time.Duration(m.clock.Now() - p.Accepted)),
		QueueWait: incident.Seconds(p.QueueWait),
		Method:    incident.Clean(p.Method), Host: incident.Clean(p.Host), URI: incident.Clean(r.target()), Script: incident.Clean(p.Script),
		User: incident.Clean(p.User), Client: incident.Clean(p.Client), RequestID: incident.Clean(p.ID), TraceID: trace, SpanID: span, Accepted: p.Accepted}
}
