package master

import "time"

// An agenda takes what is to be done, and when.
type agenda struct {
	// at takes what is to be done at a time; zero: it is not to be done.
	at func(t time.Time, do func(m *Master, now time.Time))
	// always takes what is looked at after each event.
	always func(do func(m *Master, now time.Time))
}

// deadlines puts all that the master does by the clock on an agenda, in the order in which it is done. It is the only list of that: the loop
// asks it how long to sleep, and then what is due. So a deadline cannot pass without its task, and the loop does not wake up for a deadline without
// one. A task may change what is on the agenda after it.
func (m *Master) deadlines(a agenda) {
	a.at(m.maintainAt, func(m *Master, now time.Time) {
		m.maintainAt = now.Add(maintenanceInterval)
		m.maintain(now)
	})
	a.at(m.heartbeatAt, func(m *Master, now time.Time) {
		m.heartbeatAt = now.Add(m.heartbeat())
		m.checkRequests()
	})
	a.at(m.killAt, (*Master).checkEnded)
	a.at(m.systemdAt, func(m *Master, now time.Time) {
		m.systemdAt = now.Add(m.systemd.Interval())
		m.tellSystemd()
	})
	a.at(m.operators.progressAt, func(m *Master, now time.Time) {
		m.operators.progressAt = now.Add(progressInterval)
		m.operators.tellProgress(m.progress)
	})
	a.at(m.renewAt, func(m *Master, _ time.Time) {
		m.renewAt = time.Time{}
		m.renew()
	})
	m.reloadDeadlines(a)
	a.always((*Master).checkTasks)
	a.at(m.operators.lookAt, wake)
	a.always(func(m *Master, _ time.Time) {
		m.executeUpgrade()
		m.proveTakeover()
	})
	if len(m.former.groups) > 0 {
		a.at(m.former.lookAt, func(m *Master, now time.Time) { m.former.tick(m, now) })
	}
	a.always((*Master).waitsForThreads)
	if m.handover != nil {
		a.at(m.handover.lookAt, func(m *Master, now time.Time) {
			m.handover.lookAt = now.Add(handoverInterval)
			m.begun()
		})
	}
	a.at(m.finishAt, func(m *Master, _ time.Time) { m.finish() })
	if m.state != normal {
		a.at(m.escalation.Deadline, (*Master).nextStep)
	}
	m.generationDeadlines(a)
	m.frontDeadlines(a)
	m.observers.Deadlines(func(t time.Time, do func(now time.Time)) {
		if !t.IsZero() {
			a.at(t, func(_ *Master, now time.Time) { do(now) })
		}
	}, m.keeper, m.startObserver, m.tellObserver)
	a.at(m.silentAt, (*Master).checkSilent)
	a.at(m.leavingAt, (*Master).checkLeaving)
	m.workerModeDeadlines(a)
	a.at(m.gen.renewAt, (*Master).renewAsked)
	for _, p := range m.gen.pools {
		if !p.recheckAt.IsZero() {
			a.at(p.recheckAt, func(m *Master, now time.Time) { m.recheck(p, now) })
		}
	}
	a.at(m.park.retryAt, func(m *Master, _ time.Time) { m.park.retry() })
}

// wake has the loop wake up: what there is to do then is looked at after each event.
func wake(*Master, time.Time) {}

// reloadDeadlines are those of the reload under way.
func (m *Master) reloadDeadlines(a agenda) {
	if m.attempt == nil {
		return
	}
	a.at(m.attempt.deadline, func(m *Master, _ time.Time) {
		why := m.attempt.short
		if m.attempt.rehearsing {
			why = errNotRead
		} else if why == nil {
			why = m.log.reloadTimedOut(m.attempt.patience)
		}
		m.abandonReload(why)
	})
	if m.attempt == nil {
		return
	}
	a.at(m.attempt.startAt, func(m *Master, _ time.Time) {
		m.attempt.startAt = time.Time{}
		m.startZygotes(m.next)
	})
	if m.attempt != nil && m.attempt.short != nil {
		a.at(m.sys.now().Add(threadPatience), wake) // see waitsForThreads
	}
}

// generationDeadlines are those of zygotes and workers.
func (m *Master) generationDeadlines(a agenda) {
	for _, g := range m.generations() {
		if m.state == normal && g.retiring {
			a.at(g.escalation.Deadline, func(m *Master, now time.Time) { m.signalAll(g, g.escalation.Next(now, 0, 0)) })
		}
		for _, e := range g.engines {
			if !e.silentAt.IsZero() {
				a.at(e.silentAt, func(m *Master, now time.Time) { m.checkZygote(e, now) })
			}
			if !e.restartAt.IsZero() {
				a.at(e.restartAt, func(m *Master, now time.Time) { m.restart(e, now) })
			}
		}
		for _, p := range g.pools {
			if !p.respawnAt.IsZero() {
				a.at(p.respawnAt, func(m *Master, now time.Time) { m.respawn(p, now) })
			}
		}
	}
}

// frontDeadlines are those of fronts and certificates.
func (m *Master) frontDeadlines(a agenda) {
	for _, f := range m.fronts {
		a.at(f.Escalation.Deadline, func(m *Master, now time.Time) { m.keeper().Escalate(f.Front, now) })
		a.at(f.LookAt(), func(m *Master, now time.Time) { m.beat(f, now) })
	}
	if m.state == normal {
		a.at(m.gen.http.renewal.At(), (*Master).startAnotherFront)
	}
	a.at(m.certificatesAt, func(m *Master, now time.Time) {
		m.certificatesAt = now.Add(m.sys.certificatesInterval)
		m.checkCertificates()
	})
}

// workerModeDeadlines are those of workers in worker mode: they are told to end, and boot.
func (m *Master) workerModeDeadlines(a agenda) {
	for _, g := range m.generations() {
		for _, p := range g.pools {
			for i := 0; m.state == normal && i < len(p.children); i++ {
				if c := p.children[i]; !c.leaving.Deadline.IsZero() {
					a.at(c.leaving.Deadline, func(m *Master, now time.Time) { m.checkLeft(c, now) })
				}
			}
			if p.worker == nil || g.retiring {
				continue
			}
			if !p.boots.at.IsZero() {
				a.at(p.boots.at, func(m *Master, _ time.Time) { m.bootAgain(p) })
			}
			for i := 0; !g.retiring && i < len(p.children); i++ {
				c := p.children[i]
				if until := p.bootDeadline(c); !until.IsZero() {
					a.at(until, func(m *Master, _ time.Time) { m.bootIsOverdue(c) })
				}
			}
		}
	}
}

// nextDeadline is when tick has something to do.
func (m *Master) nextDeadline() (next time.Time) {
	m.deadlines(agenda{
		at: func(t time.Time, _ func(*Master, time.Time)) {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		},
		always: func(func(*Master, time.Time)) {},
	})
	return next
}

// tick does what is due.
func (m *Master) tick(now time.Time) {
	m.deadlines(agenda{
		at: func(t time.Time, do func(*Master, time.Time)) {
			if !t.IsZero() && !now.Before(t) {
				do(m, now)
			}
		},
		always: func(do func(*Master, time.Time)) { do(m, now) },
	})
}
