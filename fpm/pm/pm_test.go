package pm

import (
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
		l := Limits{PM: c.pm, MaxChildren: 9, Start: 4}
		if got := l.Initial(); got != c.initial {
			t.Errorf("%v starts with %d children, want %d", c.pm, got, c.initial)
		}
		if got := l.Target(3, 2); got != c.target {
			t.Errorf("%v wants %d children, want %d", c.pm, got, c.target)
		}
	}
}

// Each row is one second of a pool with min 2, max 4, limit 10 and a spawn rate of at most 16.
func TestDynamicPool(t *testing.T) {
	l := Limits{PM: conf.Dynamic, MaxChildren: 10, MinSpare: 2, MaxSpare: 4, MaxSpawn: 16}
	type second struct {
		idle, running int
		want          Decision
		rate          int // afterwards
	}
	for name, seconds := range map[string][]second{
		"content":              {{2, 5, Decision{}, 1}, {4, 5, Decision{}, 1}},
		"too many idle":        {{5, 6, Decision{Kill: true}, 1}},
		"shortage doubles":     {{0, 4, Decision{Fork: 1}, 2}, {0, 5, Decision{Fork: 2}, 4}, {1, 7, Decision{Fork: 1}, 8}, {0, 8, Decision{Busy: 8, Fork: 2}, 16}},
		"rate has a limit":     {{0, 1, Decision{Fork: 1}, 2}, {0, 2, Decision{Fork: 2}, 4}, {0, 3, Decision{Fork: 2}, 8}, {0, 4, Decision{Busy: 8, Fork: 2}, 16}, {0, 5, Decision{Busy: 16, Fork: 2}, 16}},
		"plenty ends the rate": {{0, 4, Decision{Fork: 1}, 2}, {2, 5, Decision{}, 1}, {0, 5, Decision{Fork: 1}, 2}},
		"full, once":           {{0, 10, Decision{MaxReached: true}, 1}, {0, 10, Decision{}, 1}},
		"full again later":     {{0, 10, Decision{MaxReached: true}, 1}, {0, 9, Decision{Fork: 1}, 2}, {0, 10, Decision{MaxReached: true}, 1}},
		"only as many as fit":  {{0, 8, Decision{Fork: 1}, 2}, {0, 9, Decision{Fork: 1}, 4}},
	} {
		s := Spare{Rate: 1}
		for i, c := range seconds {
			if got := s.Second(l, c.idle, c.running); got != c.want || s.Rate != c.rate {
				t.Errorf("%s, second %d: %+v, rate %d; want %+v, rate %d", name, i+1, got, s.Rate, c.want, c.rate)
			}
		}
	}
}

func TestStatusPoolDoesNotComplain(t *testing.T) {
	s := Spare{Rate: 1}
	if v := s.Connection(Limits{PM: conf.Ondemand, MaxChildren: 2, Shared: true}, 0, 2); v.MaxReached {
		t.Error("a pool made for pm.status_listen says that it is full")
	}
}

func TestOndemandPool(t *testing.T) {
	l := Limits{PM: conf.Ondemand, MaxChildren: 2}
	s := Spare{Rate: 1}
	for i, c := range []struct {
		idle, running int
		want          Decision
	}{
		{0, 0, Decision{Fork: 1}},
		{1, 1, Decision{}}, // it will take the connection
		{0, 1, Decision{Fork: 1}},
		{0, 2, Decision{MaxReached: true}},
		{0, 2, Decision{}}, // said already
		{0, 1, Decision{Fork: 1}},
		{0, 2, Decision{MaxReached: true}},
	} {
		if got := s.Connection(l, c.idle, c.running); got != c.want {
			t.Errorf("connection %d: %+v, want %+v", i+1, got, c.want)
		}
	}
}

func TestFaults(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	f := NewFaults(3, 10*time.Second)
	for i, c := range []struct {
		at   float64
		want bool
	}{{0, false}, {4, false}, {10.9, true}, {11, true}, {40, false}, {41, false}, {42, true}} {
		if got := f.Add(at(c.at)); got != c.want {
			t.Errorf("death %d at %g s: %v, want %v", i+1, c.at, got, c.want)
		}
	}
	for _, f := range []*Faults{NewFaults(0, time.Second), NewFaults(1, 0)} {
		if f.Add(at(0)) {
			t.Error("without threshold or interval a death is too much")
		}
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	for i, want := range []time.Duration{0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		if got := b.Failed(); got != want*time.Millisecond {
			t.Errorf("failure %d: %v, want %v", i+1, got, want*time.Millisecond)
		}
	}
	b.Succeeded()
	if b.Failed() != 0 {
		t.Error("a worker that was ready does not end the series")
	}
}

func TestScaledLimits(t *testing.T) {
	l := Limits{PM: conf.Dynamic, MaxChildren: 20, Start: 6, MinSpare: 4, MaxSpare: 8, MaxSpawn: 32}
	for n, want := range map[int]Limits{
		40: {PM: conf.Dynamic, MaxChildren: 40, Start: 6, MinSpare: 4, MaxSpare: 8, MaxSpawn: 32},
		5:  {PM: conf.Dynamic, MaxChildren: 5, Start: 5, MinSpare: 4, MaxSpare: 5, MaxSpawn: 32},
		1:  {PM: conf.Dynamic, MaxChildren: 1, Start: 1, MinSpare: 1, MaxSpare: 1, MaxSpawn: 32},
	} {
		if got := l.ScaledTo(n); got != want {
			t.Errorf("%d: got %+v, want %+v", n, got, want)
		}
	}
}
