package master

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// formerOf returns a worker of another program whose pool has request_terminate_timeout, in a generation with process_control_timeout.
func formerOf(terminate, patience time.Duration, told bool) *formerWorker {
	w := &formerWorker{group: &formerGroup{handed: handoff.Group{Patience: int64(patience)}},
		handed: handoff.Worker{Process: handoff.Process{Pid: 7, Told: told}, Pool: "www", Terminate: int64(terminate)}, board: &formerBoard{}}
	w.own = w.child()
	if told {
		w.asked(time.Unix(0, 0))
	}
	return w
}

func TestAFormerWorkersTimeEnds(t *testing.T) {
	busy, idle := scoreboard.Activity{Stage: scoreboard.Executing}, scoreboard.Activity{Stage: scoreboard.Accepting}
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	type look struct {
		at      int64
		a       scoreboard.Activity
		took    time.Duration
		overdue bool
		want    int64 // the deadline; 0: none
	}
	for _, c := range []struct {
		name                string
		terminate, patience time.Duration
		told                bool
		looks               []look
	}{
		{"serves, and answers in time", time.Minute, 0, false, []look{{1000, busy, time.Minute - 1, false, 0}, {1001, idle, time.Hour, false, 0}}},
		{"serves, and takes too long: once", time.Minute, 0, false, []look{{1000, busy, time.Minute, true, 1000}, {1001, busy, time.Hour, false, 1000}}},
		{"serves, without a limit", 0, 0, false, []look{{1000, busy, time.Hour, false, 0}}},
		{"is idle, and was not told to go", 0, 0, false, []look{{1000, idle, 0, false, 0}, {2000, idle, 0, false, 0}}},
		{"was told to go, and does not", 0, 0, true, []look{{1000, idle, 0, false, 0}, {1001, idle, 0, false, 1010}, {1005, idle, 0, false, 1010}}},
		{"was told to go, and has another request", 0, 0, true, []look{{1000, idle, 0, false, 0}, {1001, busy, 0, false, 0}, {1005, idle, 0, false, 0}, {1006, idle, 0, false, 1015}}},
		{"was told to go, within process_control_timeout", 0, 3 * time.Second, true, []look{{1, busy, 0, false, 3}, {2, idle, 0, false, 3}, {3, idle, 0, false, 3}}},
		{"runs on before its process_control_timeout", 0, 3000 * time.Second, true, []look{{1, idle, 0, false, 3000}, {2, idle, 0, false, 3000}}},
		{"was told to go, and takes too long", time.Minute, 3000 * time.Second, true, []look{{90, busy, time.Minute, true, 90}}},
	} {
		w := formerOf(c.terminate, c.patience, c.told)
		for i, l := range c.looks {
			var want time.Time
			if l.want != 0 {
				want = at(l.want)
			}
			if overdue := w.look(&l.a, l.took, at(l.at)); overdue != l.overdue || !w.escalation.Deadline.Equal(want) {
				t.Errorf("%s: look %d: overdue %v, until %v, want %v, %v", c.name, i+1, overdue, w.escalation.Deadline.Unix(), l.overdue, l.want)
			}
		}
	}
}

func TestTooManyFormerGenerationsEnd(t *testing.T) {
	now := time.Unix(1000, 0)
	for own, ended := range map[int]int{0: 0, 1: 1, 2: 2, 3: 3, 100: 4} {
		f := &former{}
		for _, number := range []int{7, 5, 6, 8, 5} { // 5 has two engines
			g := &formerGroup{handed: handoff.Group{Generation: number}}
			for _, told := range []bool{true, false} {
				w := formerOf(0, 0, told)
				w.group = g
				g.workers = append(g.workers, w)
			}
			g.front = &formerFront{escalation: pm.Escalation{Sent: syscall.SIGQUIT}}
			f.groups = append(f.groups, g)
		}
		f.hurry(own, now)
		for _, g := range f.groups {
			ends := g.handed.Generation < 5+ended
			if got := g.workers[0].escalation.Deadline.Equal(now); got != ends {
				t.Errorf("with %d others generation %d ends: %v", own, g.handed.Generation, got)
			}
			if got := g.front.escalation.Deadline.Equal(now); got != ends {
				t.Errorf("with %d others the front of generation %d ends: %v", own, g.handed.Generation, got)
			}
			if !g.workers[1].escalation.Deadline.IsZero() {
				t.Errorf("with %d others a worker of generation %d that was not told to go ends", own, g.handed.Generation)
			}
		}
	}
}

// The announcement of an upgrade waits for former processes that may take a connection still.
func TestFormerProcessesThatMayTakeAConnection(t *testing.T) {
	for name, c := range map[string]struct {
		is   func(g *formerGroup, w *formerWorker)
		want bool
	}{
		"a worker that cannot be looked at":    {func(*formerGroup, *formerWorker) {}, true},
		"a worker that has yielded":            {func(_ *formerGroup, w *formerWorker) { w.yielded = true }, false},
		"a worker that was ended":              {func(_ *formerGroup, w *formerWorker) { w.escalation.Sent = syscall.SIGTERM }, false},
		"a front":                              {func(g *formerGroup, w *formerWorker) { w.yielded, g.front = true, &formerFront{} }, true},
		"a front that has yielded":             {func(g *formerGroup, w *formerWorker) { w.yielded, g.front = true, &formerFront{yielded: true} }, false},
		"nothing that is left but the workers": {func(g *formerGroup, _ *formerWorker) { g.workers = nil }, false},
	} {
		w := formerOf(0, 0, true)
		w.group.workers = []*formerWorker{w}
		c.is(w.group, w)
		f := &former{groups: []*formerGroup{w.group}}
		if got := f.pending(); got != c.want {
			t.Errorf("%s: pending %v, want %v", name, got, c.want)
		}
		want := fmt.Sprint(len(w.group.workers))
		if w.group.front != nil {
			want = "2"
		}
		if got := fmt.Sprint(f.running()); got != want {
			t.Errorf("%s: %s run, want %s", name, got, want)
		}
	}
}
