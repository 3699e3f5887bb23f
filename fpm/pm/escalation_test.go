package pm

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
		name  string
		first syscall.Signal
		want  []step
	}{
		{"finishing", quit, []step{{quit, 7 * time.Second}, {term, time.Second}, {kill, time.Second}, {kill, time.Second}}},
		{"terminating", term, []step{{term, 7 * time.Second}, {kill, time.Second}, {kill, time.Second}}},
	} {
		var e Escalation
		now := time.Unix(1000, 0)
		for i, s := range c.want {
			signal := e.Next(now, c.first, 7*time.Second)
			if signal != s.signal || e.Deadline.Sub(now) != s.wait {
				t.Errorf("%s, step %d: %v for %v, want %v for %v", c.name, i+1, signal, e.Deadline.Sub(now), s.signal, s.wait)
			}
			if e.Due(now) || !e.Due(e.Deadline) {
				t.Errorf("%s, step %d: due at the wrong time", c.name, i+1)
			}
			now = e.Deadline
		}
	}
}
