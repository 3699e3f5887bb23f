package master

import (
	"syscall"
	"testing"
	"time"
)

func TestEscalation(t *testing.T) {
	type step struct {
		signal syscall.Signal
		wait   time.Duration
	}
	const quit, term, kill = syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGKILL
	for _, c := range []struct {
		state state
		want  []step
	}{
		{finishing, []step{{quit, 7 * time.Second}, {term, time.Second}, {kill, time.Second}, {kill, time.Second}}},
		{terminating, []step{{term, 7 * time.Second}, {kill, time.Second}, {kill, time.Second}}},
	} {
		var e escalation
		now := time.Unix(1000, 0)
		for i, s := range c.want {
			signal := e.next(now, c.state.first(), 7*time.Second)
			if signal != s.signal || e.deadline.Sub(now) != s.wait {
				t.Errorf("%v, step %d: %v for %v, want %v for %v", c.state, i+1, signal, e.deadline.Sub(now), s.signal, s.wait)
			}
			if e.due(now) || !e.due(e.deadline) {
				t.Errorf("%v, step %d: due at the wrong time", c.state, i+1)
			}
			now = e.deadline
		}
	}
}
