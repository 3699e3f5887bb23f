package master

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// unknownPool refuses what was asked for of a pool that is not there.
func (m *Master) unknownPool(name string) control.Answer {
	if name == "" {
		return refused("no pool is named; the service has %s", m.steerable())
	}
	return refused("there is no pool %s; the service has %s", seen(name), m.steerable())
}

// refused is the last answer to what was not tried.
func refused(format string, args ...any) control.Answer {
	return control.Answer{Done: true, Reason: control.Refused, Why: fmt.Sprintf(format, args...)}
}

// ordered is an operator's order to end the request of a worker.
type ordered struct {
	by      string // the operator that has given it
	request control.RunningRequest
	at      int64 // when SIGTERM was sent, on the master's clock
	killed  bool  // by SIGKILL
}

// kill ends the request of a worker as an operator wants it: by the stages that end one which takes too long, from SIGTERM on.
func (m *Master) kill(o *operator) {
	c, board := m.workerOf(o.Request.Pid)
	if c == nil {
		m.answer(o, refused("process %d is not a worker of this service; phpsapi fpm requests shows those that have a request", o.Request.Pid))
		return
	}
	name := c.pool.conf.Name
	var p scoreboard.Proc
	legible := board != nil && board.Snapshot(c.slot, &p)
	switch {
	case legible && p.Stage <= scoreboard.Accepting:
		m.answer(o, refused("worker %d of pool %s has no request", c.pid, name))
		return
	case o.Request.Accepted != 0 && o.Request.Accepted != p.Accepted:
		m.answer(o, refused("that request has ended: worker %d of pool %s has another one", c.pid, name))
		return
	}
	p.Pid = c.pid
	o.kills, o.Request.Accepted = c, p.Accepted
	m.operators.waiting = append(m.operators.waiting, o)
	again := c.ordered != nil && c.ordered.request.Accepted == p.Accepted
	if !again {
		c.ordered = &ordered{by: o.String(), request: m.runningRequest(name, c.pool.gen.number, &p), at: m.clock.Now()}
	}
	signal := syscall.SIGTERM
	if o.Request.Now {
		signal = syscall.SIGKILL
	} else if again {
		return // it was sent SIGTERM
	}
	m.endOrdered(c, signal)
	if patience := c.pool.stages.Kill; signal == syscall.SIGTERM && patience > 0 {
		m.killAfter(patience)
	}
}

// endOrdered sends a worker a signal that an operator wants.
func (m *Master) endOrdered(c *child, signal syscall.Signal) {
	c.ordered.killed = signal == syscall.SIGKILL
	m.log.endsByOrder(c, signal)
	if c.process == nil { // a former worker
		syscall.Kill(c.pid, signal)
		return
	}
	m.tellChild(c, signal)
}

// escalateOrder sends SIGKILL to a worker that an operator's SIGTERM has not ended in the time for that.
func (m *Master) escalateOrder(c *child, board *scoreboard.Reader, clock int64) {
	d, patience := c.ordered, c.pool.stages.Kill
	if d == nil || d.killed || patience == 0 {
		return
	}
	if left := patience - time.Duration(clock-d.at); left > 0 {
		m.killAfter(left)
		return
	}
	var a scoreboard.Activity
	if board != nil && board.Activity(c.slot, &a) && (a.Stage <= scoreboard.Accepting || a.Accepted != d.request.Accepted) {
		m.killEnded(c, "", nil) // the script has a handler for SIGTERM, and has ended
		return
	}
	m.endOrdered(c, syscall.SIGKILL)
}

// killEnded answers those who wanted a worker's request ended: the worker has ended so, or if how is empty the request by itself.
func (m *Master) killEnded(c *child, how string, e *examination) {
	if c.ordered == nil {
		return
	}
	killed := &control.Killed{Request: c.ordered.request, How: how}
	if e != nil {
		killed.Incident = e.Number
	}
	c.ordered = nil
	for _, o := range slices.Clone(m.operators.waiting) {
		if o.kills == c {
			m.answer(o, control.Answer{Done: true, Killed: killed})
			m.dismiss(o)
		}
	}
}

// workerOf returns the worker that is a process, and the scoreboard that it writes to; nil if there is none.
func (m *Master) workerOf(pid int) (*child, *scoreboard.Reader) {
	if pid <= 0 {
		return nil, nil
	}
	for _, g := range m.generations() {
		if c := g.find(pid); c != nil {
			return c, c.pool.board.Reader
		}
	}
	for _, g := range m.former.groups {
		for _, w := range g.workers {
			if w.handed.Pid == pid && w.isHere() {
				return w.own, w.board.reader
			}
		}
	}
	return nil, nil
}

// answer gives an operator's order its last answer, and has the error log say who gave it and how it ended.
func (m *Master) answer(o *operator, a control.Answer) {
	m.log.ordered(o, a)
	o.Tell(a)
}

// endsByOrder says that an operator ends a request.
func (l lines) endsByOrder(c *child, signal syscall.Signal) {
	verb := "terminating"
	if signal == syscall.SIGKILL {
		verb = "killing"
	}
	r := c.ordered.request
	l.Logf(zlog.Warning, "[pool %s] child %d, script '%s' (request: \"%s\") is ended after %.3f sec, as %s has asked for, %s", c.pool.conf.Name, c.pid,
		purify(r.Script), seen(r.Method+" "+r.URI), r.Duration, c.ordered.by, verb)
}

// ordered says who has asked for what, and how it ended.
func (l lines) ordered(o *operator, a control.Answer) {
	outcome := "done"
	switch s := a.Steered; {
	case a.Reason != "":
		outcome = string(a.Reason) + ": " + a.Why
	case a.Killed != nil && a.Killed.How == "":
		outcome = "done: the request has ended by itself"
	case a.Killed != nil:
		outcome = "done: the worker exited " + a.Killed.How
	case a.Logging != nil:
		outcome = "done: from " + a.Logging.Level + " on"
	case s != nil && s.Paused:
		outcome = "done: it has " + control.Many(s.Requests, "request")
	case s != nil:
		outcome = fmt.Sprintf("done: it has %s, %d at most", control.Many(s.Workers, "worker"), s.Limit)
	}
	l.Logf(zlog.Notice, "%s asked for by %s: %s", seen(o.Request.Words()), o.String(), seen(outcome))
}
