package operate

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// outcomeOf reads what a command has printed: one line.
func outcomeOf(t *testing.T, printed string) Outcome {
	t.Helper()
	var is Outcome
	if err := json.Unmarshal([]byte(printed), &is); err != nil || strings.Count(printed, "\n") != 1 {
		t.Fatalf("%v: %q", err, printed)
	}
	return is
}

// Programs are told the same as people, on standard output alone.
func TestOutcomesAreToldInJSON(t *testing.T) {
	reload := func(o *Operator) int { return o.Reload(false) }
	drained := func(o *Operator) int { return o.Reload(true) }
	upgrade := func(o *Operator) int { return o.Upgrade(false) }
	kill := func(o *Operator) int { return o.Kill(77, false) }
	diff := func(o *Operator) int { return o.ConfigDiff() }
	healthcheck := func(o *Operator) int { return o.Healthcheck("", "") }
	for name, c := range map[string]struct {
		command func(*Operator) int
		answers []control.Answer
		want    Outcome
	}{
		"reloaded": {reload, []control.Answer{{Done: true, Generation: 4, Lines: []string{"WARNING: x"}, Progress: &control.Progress{Workers: 2, Requests: 1}}},
			Outcome{Command: "reload", Done: true, Generation: 4, Finishing: 1, Lines: []string{"WARNING: x"}}},
		"drained": {drained, []control.Answer{{Generation: 4, Progress: &control.Progress{Workers: 2, Requests: 1}}, {Done: true, Generation: 4}},
			Outcome{Command: "reload", Done: true, Generation: 4}},
		"upgraded": {upgrade, []control.Answer{{Done: true, Generation: 4, From: "1", Version: "2"}}, Outcome{Command: "upgrade", Done: true, Generation: 4, From: "1", Version: "2"}},
		"bad configuration": {reload, []control.Answer{{Done: true, Reason: control.BadConfig, Why: "x:1: unknown", Lines: []string{"ERROR: x"}}},
			Outcome{Command: "reload", Lines: []string{"ERROR: x"}, Error: &Error{"failed, the old configuration keeps serving: x:1: unknown", 78, control.BadConfig}}},
		"another's": {kill, []control.Answer{{Done: true, Reason: control.Refused, Why: "not a worker"}}, Outcome{Command: "kill", Error: &Error{"not a worker", 1, control.Refused}}},
		"not read": {diff, []control.Answer{{Done: true, Reason: control.BadConfig, Why: "x:1: unknown", Lines: []string{"[28-Nov-2026 03:35:19] ERROR: x"}}},
			Outcome{Command: "config diff", Lines: []string{"ERROR: x"}, Error: &Error{"x:1: unknown", 78, control.BadConfig}}},
		"ended": {reload, nil, Outcome{Command: "reload", Error: &Error{fmt.Sprintf("master %d ended before it answered; see its error log", os.Getpid()), 1, ""}}},
		"no health": {healthcheck, []control.Answer{{Done: true, Reason: control.Denied, Why: "only root may"}},
			Outcome{Command: "healthcheck", Error: &Error{fmt.Sprintf("master %d refuses: only root may", os.Getpid()), 77, control.Denied}}},
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, false, c.answers...)
			var out, err strings.Builder
			o := &Operator{Target: Target{Pid: os.Getpid()}, Out: &out, Err: &err, JSON: true, Began: time.Now().Add(-time.Hour), Timeout: 30 * time.Second}
			status := c.command(o)
			is := outcomeOf(t, out.String())
			if is.Seconds < 3600 || is.Master != os.Getpid() {
				t.Errorf("seconds %v, master %d", is.Seconds, is.Master)
			}
			is.Seconds, is.Master = 0, 0
			if !reflect.DeepEqual(is, c.want) {
				t.Errorf("got %+v, %+v", is, is.Error)
			}
			if (status == 0) != is.Done || is.Error != nil && !strings.HasSuffix(err.String(), is.Error.Message+"\n") {
				t.Errorf("status %d, %q", status, err.String())
			}
		})
	}
}

// A command that shows something prints no outcome besides, even if it fails afterwards.
func TestWhatIsShownInJSONIsOneDocument(t *testing.T) {
	serve(t, false, control.Answer{Done: true, Status: &control.Report{State: "finishing"}})
	var out, err strings.Builder
	o := &Operator{Target: Target{Pid: os.Getpid()}, Out: &out, Err: &err, JSON: true, Timeout: 30 * time.Second}
	if status := o.Status(false); status != 1 || !json.Valid([]byte(out.String())) || strings.Contains(out.String(), `"command"`) {
		t.Errorf("status %d, %s", status, out.String())
	}
}

func TestFirstErrorIsTheReason(t *testing.T) {
	for want, lines := range map[string][]string{
		"":             nil,
		"b":            {"NOTICE: a", "ERROR: b", "ERROR: c"},
		"usage: x":     {"something", "usage: x"},
		"no such user": {"ALERT: no such user", "ERROR: FPM initialization failed"},
	} {
		if got := firstError(lines); got != want {
			t.Errorf("%q: got %q, want %q", lines, got, want)
		}
	}
}
