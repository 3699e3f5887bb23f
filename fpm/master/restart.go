package master

import (
	"slices"
	"syscall"
	"time"
)

// If a generation has zygotes of several engines, one that dies is replaced by itself: the others have nothing to do with it,
// and their pools are left alone. The only one of a generation is replaced with it (renew.go).

// label names the engine if there are others beside it, for messages; else it is empty.
func (e *engine) label() string {
	if len(e.gen.engines) < 2 {
		return ""
	}
	mode := ""
	if e.launch.Module.WorkerMode {
		mode = ", worker mode"
	}
	return " (PHP " + e.choice.Label() + mode + ")"
}

// restartSoon plans another zygote in place of one that has died.
func (m *Master) restartSoon(e *engine) {
	if m.sys.now().Sub(e.begun) > longLife {
		e.restarts.Succeeded()
	}
	e.restartAt = m.sys.now().Add(e.restarts.Failed())
}

// restart starts another zygote for an engine that has lost its own. A reload that is under way replaces the whole generation:
// it is waited for.
func (m *Master) restart(e *engine, now time.Time) {
	e.restartAt = time.Time{}
	switch {
	case m.state != normal || e.gen != m.gen || e.zygote != nil || e.cancelStart != nil:
	case m.attempt != nil:
		e.restartAt = now.Add(time.Second)
	default:
		m.startZygote(e)
	}
}

// restarted is the outcome. The workers forked before are replaced when their requests are done: nobody can tell how they end.
func (m *Master) restarted(e *engine, err error) {
	if err != nil {
		wait := max(e.restarts.Failed(), time.Second)
		e.restartAt = m.sys.now().Add(wait)
		m.log.restartFailed(e.label(), e.notStarted(err), wait)
		return
	}
	m.log.zygoteRestarted(e.gen.number, e.label())
	for _, p := range e.pools {
		before := slices.Clone(p.children)
		for _, c := range before {
			m.tellChild(c, syscall.SIGQUIT)
		}
		if len(before) == 0 {
			m.fill(p, p.limits.Initial(), true)
		}
	}
}
