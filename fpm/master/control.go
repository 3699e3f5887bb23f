package master

import (
	"errors"
	"slices"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// asked does what an operator wants, or begins it. A master that rests leaves it to the next program.
func (m *Master) asked(o *operator) {
	if m.resting {
		m.operators.keep(o, m.sys.now())
		return
	}
	switch o.Request.Command {
	case control.Status:
		o.Tell(control.Answer{Done: true, Status: m.report(o.Request.Full)})
	case control.LastIncidents:
		o.Tell(control.Answer{Done: true, Incidents: m.lastIncidents(o.Request.Count, o.Request.Pool)})
	case control.SlowRequests:
		o.Tell(m.tellSlow(o.Request.Count, o.Request.Pool))
	case control.Requests:
		o.Tell(m.tellRequests(o.Request.Pool))
	case control.Kill:
		m.kill(o)
	case control.AskHealth:
		h := m.service().Ready(o.Request.Pool)
		o.Tell(control.Answer{Done: true, Health: &h})
	case control.ConfigDiff:
		m.configDiff(o)
	case control.LogLevel:
		m.logLevel(o)
	case control.OpcacheStatus, control.OpcacheReset:
		m.opcache(o)
	case control.MakeProfile:
		m.profile(o)
	case control.Pause, control.Drain, control.Resume, control.Scale:
		m.steer(o)
	default:
		m.reloadOrStop(o)
	}
}

// reloadOrStop begins what an operator waits for.
func (m *Master) reloadOrStop(o *operator) {
	m.log.askedFor(o)
	switch {
	case o.Request.Command.Reloads() && m.state != normal:
		o.Tell(control.Answer{Done: true, Reason: control.Refused, Why: "the service is " + m.state.String()})
	case o.Request.Command.Reloads() && m.isLeaving():
		o.Tell(control.Answer{Done: true, Reason: control.Refused, Why: "the service is about to end"})
	case o.Request.Command.Reloads():
		if o.Request.Command == control.Upgrade {
			m.operators.upgrade = true
		}
		// The next one to begin, at once or after the one under way, which may have read the configuration already.
		o.round = m.operators.round + 1
		m.operators.keep(o, m.sys.now())
		m.log.reloading()
		m.reload()
	case o.Request.Now:
		m.operators.keep(o, m.sys.now())
		m.log.terminating()
		m.stop(terminating)
	default:
		m.operators.keep(o, m.sys.now())
		if m.state == normal { // the limit of QUIT remains one
			m.patient = m.gen.config.Global.ProcessControlTimeout == 0
		}
		m.finish()
	}
}

// reloadEnded tells the operators that waited for a reload how it ended. why is nil if the new generation serves.
func (m *Master) reloadEnded(why error, lines []string) {
	m.countReload(why != nil)
	m.observers.News()
	m.operators.last = &control.Ending{Time: m.sys.now().Unix(), Generation: m.gen.number, Lines: lines}
	a := control.Answer{Generation: m.gen.number, Lines: lines, From: m.operators.upgradedFrom}
	if a.From != "" {
		a.Version = m.opt.Version
	}
	if why != nil {
		m.operators.last.Why = why.Error()
		a.Reason, a.Why = control.Failed, why.Error()
		var refused refusal
		if errors.As(why, &refused) {
			a.Reason = control.BadConfig
		}
	} else {
		a.Progress = m.progress(m.gen.number - 1)
	}
	m.dismiss(m.operators.tellReload(a)...)
	m.tellDrained()
}

// tellDrained tells the operators that waited for the end of old generations that they have ended.
func (m *Master) tellDrained() {
	if m.former.running() > 0 {
		return
	}
	m.dismiss(m.operators.tellDrained(func(drain int) bool {
		return !slices.ContainsFunc(m.old, func(g *generation) bool { return g.number <= drain })
	})...)
}

// tellStopping tells the operators that wait for something else that the service is stopped.
func (m *Master) tellStopping() { m.dismiss(m.operators.tellStopped()...) }

// tellCut tells the operators that wait for a stop how many requests it aborts.
func (m *Master) tellCut(requests int) {
	if requests == 0 {
		return
	}
	for _, o := range m.operators.waiting {
		o.Tell(control.Answer{Progress: &control.Progress{Workers: m.running(), Requests: requests, Cut: requests}})
	}
}

// dismiss stops telling operators of progress.
func (m *Master) dismiss(all ...*operator) {
	for _, o := range all {
		m.endProfile(o)
		m.operators.drop(o)
	}
}

// progress counts what is left of the generations up to that number, or of all while the service is being stopped.
func (m *Master) progress(drain int) *control.Progress {
	p := &control.Progress{}
	for _, g := range m.generations() {
		if m.state == normal && g.number > drain {
			continue
		}
		for _, pool := range g.pools {
			_, active, _, _ := pool.census()
			p.Workers += len(pool.children)
			p.Requests += active
		}
	}
	p.Requests += m.former.requests()
	for _, g := range m.former.groups {
		p.Workers += len(g.workers)
	}
	return p
}
