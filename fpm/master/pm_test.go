package master

import (
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestPoolsStartWithTheirNumbers(t *testing.T) {
	for _, c := range []struct {
		pm              conf.PM
		initial, target int // target: with 3 running and 2 asked for
	}{
		{conf.Static, 9, 9},
		{conf.Dynamic, 4, 5},
		{conf.Ondemand, 0, 5},
	} {
		l := limits{pm: c.pm, maxChildren: 9, start: 4}
		if got := l.initial(); got != c.initial {
			t.Errorf("%v starts with %d children, want %d", c.pm, got, c.initial)
		}
		if got := l.target(3, 2); got != c.target {
			t.Errorf("%v wants %d children, want %d", c.pm, got, c.target)
		}
	}
}

// Each row is one second of a pool with min 2, max 4, limit 10 and a spawn rate of at most 16.
func TestDynamicPool(t *testing.T) {
	l := limits{pm: conf.Dynamic, maxChildren: 10, minSpare: 2, maxSpare: 4, maxSpawn: 16}
	type second struct {
		idle, running int
		want          verdict
		rate          int // afterwards
	}
	for name, seconds := range map[string][]second{
		"content":              {{2, 5, verdict{}, 1}, {4, 5, verdict{}, 1}},
		"too many idle":        {{5, 6, verdict{kill: true}, 1}},
		"shortage doubles":     {{0, 4, verdict{fork: 1}, 2}, {0, 5, verdict{fork: 2}, 4}, {1, 7, verdict{fork: 1}, 8}, {0, 8, verdict{busy: 8, fork: 2}, 16}},
		"rate has a limit":     {{0, 1, verdict{fork: 1}, 2}, {0, 2, verdict{fork: 2}, 4}, {0, 3, verdict{fork: 2}, 8}, {0, 4, verdict{busy: 8, fork: 2}, 16}, {0, 5, verdict{busy: 16, fork: 2}, 16}},
		"plenty ends the rate": {{0, 4, verdict{fork: 1}, 2}, {2, 5, verdict{}, 1}, {0, 5, verdict{fork: 1}, 2}},
		"full, once":           {{0, 10, verdict{maxReached: true}, 1}, {0, 10, verdict{}, 1}},
		"full again later":     {{0, 10, verdict{maxReached: true}, 1}, {0, 9, verdict{fork: 1}, 2}, {0, 10, verdict{maxReached: true}, 1}},
		"only as many as fit":  {{0, 8, verdict{fork: 1}, 2}, {0, 9, verdict{fork: 1}, 4}},
	} {
		s := spare{rate: 1}
		for i, c := range seconds {
			if got := s.dynamic(l, c.idle, c.running); got != c.want || s.rate != c.rate {
				t.Errorf("%s, second %d: %+v, rate %d; want %+v, rate %d", name, i+1, got, s.rate, c.want, c.rate)
			}
		}
	}
}

func TestStatusPoolDoesNotComplain(t *testing.T) {
	s := spare{rate: 1}
	if v := s.connection(limits{pm: conf.Ondemand, maxChildren: 2, shared: true}, 0, 2); v.maxReached {
		t.Error("a pool made for pm.status_listen says that it is full")
	}
}

func TestOndemandPool(t *testing.T) {
	l := limits{pm: conf.Ondemand, maxChildren: 2}
	s := spare{rate: 1}
	for i, c := range []struct {
		idle, running int
		want          verdict
	}{
		{0, 0, verdict{fork: 1}},
		{1, 1, verdict{}}, // it will take the connection
		{0, 1, verdict{fork: 1}},
		{0, 2, verdict{maxReached: true}},
		{0, 2, verdict{}}, // said already
		{0, 1, verdict{fork: 1}},
		{0, 2, verdict{maxReached: true}},
	} {
		if got := s.connection(l, c.idle, c.running); got != c.want {
			t.Errorf("connection %d: %+v, want %+v", i+1, got, c.want)
		}
	}
}

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

func TestFaults(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	f := newFaults(3, 10*time.Second)
	for i, c := range []struct {
		at   float64
		want bool
	}{{0, false}, {4, false}, {10.9, true}, {11, true}, {40, false}, {41, false}, {42, true}} {
		if got := f.add(at(c.at)); got != c.want {
			t.Errorf("death %d at %g s: %v, want %v", i+1, c.at, got, c.want)
		}
	}
	for _, f := range []*faults{newFaults(0, time.Second), newFaults(1, 0)} {
		if f.add(at(0)) {
			t.Error("without threshold or interval a death is too much")
		}
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	for i, want := range []time.Duration{0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		if got := b.failed(); got != want*time.Millisecond {
			t.Errorf("failure %d: %v, want %v", i+1, got, want*time.Millisecond)
		}
	}
	b.succeeded()
	if b.failed() != 0 {
		t.Error("a worker that was ready does not end the series")
	}
}
