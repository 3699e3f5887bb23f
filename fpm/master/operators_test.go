package master

import (
	"encoding/json"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

// hearer is an operator that notes what it is told.
type hearer struct {
	*operator
	mu    sync.Mutex
	heard []control.Answer
}

func newHearer(t *testing.T, r control.Request) *hearer {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	h := &hearer{operator: &operator{Operator: control.NewOperator(ours, 1, 0, r)}}
	go h.Serve(newMailbox())
	go func() {
		for answers := json.NewDecoder(theirs); ; {
			var a control.Answer
			if answers.Decode(&a) != nil {
				return
			}
			h.mu.Lock()
			h.heard = append(h.heard, a)
			h.mu.Unlock()
		}
	}()
	return h
}

// told returns what the operator was told since the last time; there must be n answers.
func (h *hearer) told(t *testing.T, n int) []control.Answer {
	t.Helper()
	wait.Until(t, "the answers", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.IsSaid() && len(h.heard) >= n
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.heard
	h.heard = nil
	if len(all) != n {
		t.Fatalf("it was told %+v, want %d answers", all, n)
	}
	return all
}

// waitingFor returns operators of which these wait.
func waitingFor(all ...*hearer) *operators {
	o := &operators{}
	for _, h := range all {
		o.keep(h.operator, time.Unix(1000, 0))
	}
	return o
}

func TestOperatorsAreToldHowTheirReloadEnded(t *testing.T) {
	reload, drains := control.Request{Command: control.Reload}, control.Request{Command: control.Reload, Drained: true}
	first, patient, next, stop := newHearer(t, reload), newHearer(t, drains), newHearer(t, reload), newHearer(t, control.Request{Command: control.Stop})
	first.round, patient.round, next.round = 1, 1, 2
	all := waitingFor(first, patient, next, stop)
	all.round = 1
	done := all.tellReload(control.Answer{Generation: 2})
	if !reflect.DeepEqual(done, []*operator{first.operator}) {
		t.Errorf("%d wait for nothing more", len(done))
	}
	if a := first.told(t, 1)[0]; !a.Done || a.Generation != 2 {
		t.Errorf("the first is told %+v", a)
	}
	if a := patient.told(t, 1)[0]; a.Done || a.Generation != 2 || patient.drain != 1 {
		t.Errorf("the one that waits for old generations is told %+v, and waits for %d", a, patient.drain)
	}
	next.told(t, 0)
	stop.told(t, 0)

	all.drop(first.operator)
	all.round = 2
	if done := all.tellReload(control.Answer{Generation: 2, Reason: control.Failed, Why: "no"}); !reflect.DeepEqual(done, []*operator{next.operator}) {
		t.Errorf("%d wait for nothing more after a failure", len(done))
	}
	if a := next.told(t, 1)[0]; !a.Done || a.Reason != control.Failed {
		t.Errorf("the next is told %+v", a)
	}
	if done := all.tellDrained(func(drain int) bool { return drain < 1 }); len(done) > 0 {
		t.Error("an old generation has ended that has not")
	}
	if done := all.tellDrained(func(drain int) bool { return drain == 1 }); !reflect.DeepEqual(done, []*operator{patient.operator}) {
		t.Errorf("%d have waited for old generations", len(done))
	}
	if a := patient.told(t, 1)[0]; !a.Done || a.Generation != 2 {
		t.Errorf("it is told %+v", a)
	}
	stop.told(t, 0)
}

// An operator that waits for a reload and for old generations is told of a failure at once.
func TestAFailedReloadIsNotDrained(t *testing.T) {
	o := newHearer(t, control.Request{Command: control.Reload, Drained: true})
	o.round = 1
	all := waitingFor(o)
	all.round = 1
	if done := all.tellReload(control.Answer{Generation: 1, Reason: control.BadConfig}); len(done) != 1 || o.drain != 0 {
		t.Errorf("%d wait for nothing more, and it waits for %d", len(done), o.drain)
	}
	o.told(t, 1)
}

func TestAStopEndsWhatOthersWaitFor(t *testing.T) {
	reload, paused, stop := newHearer(t, control.Request{Command: control.Upgrade}), newHearer(t, control.Request{Command: control.Pause}), newHearer(t, control.Request{Command: control.Stop})
	paused.task = &task{}
	all := waitingFor(reload, paused, stop)
	if done := all.tellStopped(); !reflect.DeepEqual(done, []*operator{reload.operator, paused.operator}) {
		t.Errorf("%d wait for nothing more", len(done))
	}
	for _, o := range []*hearer{reload, paused} {
		if a := o.told(t, 1)[0]; !a.Done || a.Why != "the service was stopped meanwhile" {
			t.Errorf("it is told %+v", a)
		}
	}
	stop.told(t, 0)
}

func TestOperatorsHearWhatTheyWaitFor(t *testing.T) {
	stop, drains, paused := newHearer(t, control.Request{Command: control.Stop}), newHearer(t, control.Request{Command: control.Reload}), newHearer(t, control.Request{Command: control.Pause})
	drains.drain = 3
	paused.task = &task{progress: func() *control.Progress { return &control.Progress{Workers: 77} }}
	deaf := &operator{Operator: control.NewOperator(nil, 1, 0, control.Request{Command: control.Stop})}
	deaf.Tell(control.Answer{Generation: 1})
	all := waitingFor(stop, drains, paused)
	all.waiting = append(all.waiting, deaf)
	if all.progressAt != time.Unix(1000, 0).Add(progressInterval) {
		t.Errorf("they hear of progress at %v", all.progressAt)
	}
	all.tellProgress(func(drain int) *control.Progress { return &control.Progress{Workers: drain} })
	for o, want := range map[*hearer]int{stop: 0, drains: 3, paused: 77} {
		if a := o.told(t, 1)[0]; a.Progress == nil || a.Progress.Workers != want {
			t.Errorf("got %+v, want %d workers", a.Progress, want)
		}
	}
	for _, o := range []*operator{stop.operator, drains.operator, paused.operator, deaf} {
		if all.progressAt.IsZero() {
			t.Error("nobody hears of progress while somebody waits")
		}
		all.drop(o)
	}
	if !all.progressAt.IsZero() {
		t.Error("nobody waits, and is told of progress")
	}
}

func TestTasksAreLookedAtUntilTheyAreDone(t *testing.T) {
	now := time.Unix(2000, 0)
	first, second, stop := newHearer(t, control.Request{Command: control.Pause}), newHearer(t, control.Request{Command: control.MakeProfile}), newHearer(t, control.Request{Command: control.Stop})
	over := false
	first.task = &task{done: func(time.Time) (control.Answer, bool) { return control.Answer{Done: true}, over }}
	news := 2
	second.task = &task{done: func(time.Time) (control.Answer, bool) { return control.Answer{Done: true}, news == 0 },
		news: func() (control.Answer, bool) {
			news--
			return control.Answer{Samples: []control.Samples{{Pid: news}}}, true
		}}
	all := waitingFor(first, second, stop)
	if done := all.tellTasks(now); len(done) > 0 || all.lookAt != now.Add(taskInterval) {
		t.Errorf("%d are done, and the next look is at %v", len(done), all.lookAt)
	}
	if a := second.told(t, 1)[0]; len(a.Samples) != 1 {
		t.Errorf("its news are %+v", a)
	}
	over = true
	done := all.tellTasks(now)
	if len(done) != 2 || done[0].o != first.operator || done[1].o != second.operator || !done[0].a.Done {
		t.Fatalf("%d are done", len(done))
	}
	if !all.lookAt.IsZero() {
		t.Error("it is looked again at tasks that are done")
	}
	first.told(t, 0) // the master has yet to log it
	second.told(t, 1)
	stop.told(t, 0)
}
