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
	if why := whyNotEnded(o.Request.Accepted, &p, legible); why != "" {
		m.answer(o, refused(why, c.pid, name))
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

// whyNotEnded returns why there is no request to end; empty: there is one. accepted is the one that is meant, 0 for any. p is what the worker does;
// its stage is not known if it is not legible. The text has room for the worker's pid and its pool.
func whyNotEnded(accepted int64, p *scoreboard.Proc, legible bool) string {
	switch {
	case legible && p.Stage <= scoreboard.Accepting:
		return "worker %d of pool %s has no request"
	case accepted != 0 && accepted != p.Accepted:
		return "that request has ended: worker %d of pool %s has another one"
	}
	return ""
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
	var a scoreboard.Activity
	known := board != nil && c.ordered != nil && board.Activity(c.slot, &a)
	switch step, left := c.ordered.next(c.pool.stages.Kill, clock, &a, known); step {
	case orderWaits:
		m.killAfter(left)
	case orderIsOver:
		m.killEnded(c, "", nil) // the script has a handler for SIGTERM, and has ended
	case orderKills:
		m.endOrdered(c, syscall.SIGKILL)
	}
}

// orderStep is what is to be done next about an order to end a request.
type orderStep int

const (
	orderRests  orderStep = iota // nothing
	orderWaits                   // SIGTERM has some time left
	orderIsOver                  // the request has ended, and the worker has not
	orderKills                   // SIGKILL is due
)

// next returns what is to be done about an order, which may be nil, and how much time is left until something is. patience is how long SIGTERM
// has; 0: for ever. a is what the worker does, if that is known.
func (d *ordered) next(patience time.Duration, clock int64, a *scoreboard.Activity, known bool) (step orderStep, left time.Duration) {
	if d == nil || d.killed || patience == 0 {
		return orderRests, 0
	}
	if left = patience - time.Duration(clock-d.at); left > 0 {
		return orderWaits, left
	}
	if known && (a.Stage <= scoreboard.Accepting || a.Accepted != d.request.Accepted) {
		return orderIsOver, 0
	}
	return orderKills, 0
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
