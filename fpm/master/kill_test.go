package master

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/wait"
)

// running asks for the requests that run.
func (s *service) running(pool string) []control.RunningRequest {
	s.t.Helper()
	a, err := s.outcome(control.Request{Command: control.Requests, Pool: pool})
	if err != nil || a.Requests == nil {
		s.t.Fatalf("got %+v, %v", a, err)
	}
	return a.Requests.Requests
}

// workersPid returns the pid of a worker that has answered a line.
func workersPid(t *testing.T, answer string) int {
	t.Helper()
	_, text, _ := strings.Cut(answer, "pid ")
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%q: %v", answer, err)
	}
	return pid
}

func TestOperatorSeesRunningRequests(t *testing.T) {
	t.Parallel()
	s := start(t, static+"[b]\nlisten = DIR/sockb\npm = static\npm.max_children = 1\n")
	s.expect("ready to handle")
	s.settle(2)
	wait.Until(t, "no request", func() bool { return len(s.running("")) == 0 })
	first := s.dial("sock")
	defer first.Close()
	release := hold(t, first)
	second := s.dial("sockb") // only now: a worker's time begins with the connection
	defer second.Close()
	hold(t, second)
	all := s.running("")
	if len(all) != 2 || all[0].Pool != "www" || all[1].Pool != "b" || all[0].Duration < all[1].Duration || all[0].Stage != "Running" ||
		all[0].Generation != 1 || all[0].Accepted == 0 {
		t.Errorf("got %+v, want www's and b's request, the older one first", all)
	}
	if one := s.running("b"); len(one) != 1 || one[0].Pool != "b" {
		t.Errorf("of pool b: %+v", one)
	}
	if pid := workersPid(t, release()); pid != all[0].Pid {
		t.Errorf("worker %d had the request, and %d was told", pid, all[0].Pid)
	}
	a, err := s.outcome(control.Request{Command: control.Requests, Pool: "c"})
	if err != nil || a.Reason != control.Refused || a.Why != "there is no pool c; the service has b, www" {
		t.Errorf("of a pool that is not there: %+v, %v", a, err)
	}
}

func TestOperatorEndsARequest(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	s.settle(2)
	wait.Until(t, "no request", func() bool { return len(s.running("")) == 0 }) // not the end of one that has settled
	conn := s.dial("sock")
	defer conn.Close()
	hold(t, conn)
	pid := s.running("")[0].Pid
	other := s.dial("sock") // not before: a worker that has accepted is shown, too
	defer other.Close()
	release := hold(t, other)
	a, err := s.outcome(control.Request{Command: control.Kill, Pid: pid})
	if k := a.Killed; err != nil || k == nil || k.How != "on signal 15 (SIGTERM)" || k.Incident != 1 || k.Request.Pid != pid || k.Request.Pool != "www" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if n, _ := conn.Read(make([]byte, 1)); n != 0 {
		t.Error("the request was answered")
	}
	if answer := release(); !strings.HasPrefix(answer, "pool www") {
		t.Errorf("the other request got %q", answer)
	}
	by := fmt.Sprintf(`process %d of user %d \(\w+\)`, os.Getpid(), os.Getuid())
	s.expect(fmt.Sprintf(`WARNING: \[pool www\] child %d, .* is ended after [\d.]+ sec, as %s has asked for, terminating$`, pid, by))
	s.expect(fmt.Sprintf(`child %d exited on signal 15 .* in request, .*; incident 1, .*; %s has asked for that$`, pid, by))
	s.expect(fmt.Sprintf(`NOTICE: kill %d asked for by %s: done: the worker exited on signal 15 \(SIGTERM\)$`, pid, by))
	i := s.incidents(1).Incidents[0]
	if i.Kind != incident.Operator || !strings.Contains(i.What, "as process ") || i.ScriptEnded != 0 {
		t.Errorf("the incident: %+v", i)
	}
	s.settle(2) // another worker is there
}

// SIGTERM does not end a worker whose script has a handler for it.
func TestOperatorEndsAStubbornRequest(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	conn := s.dial("sock")
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if got := say(conn, "stubborn"); got != "ignoring" {
		t.Fatalf("got %q", got)
	}
	pid, begun := s.running("")[0].Pid, time.Now()
	a, err := s.outcome(control.Request{Command: control.Kill, Pid: pid})
	if k := a.Killed; err != nil || k == nil || k.How != "on signal 9 (SIGKILL)" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if took := time.Since(begun); took < 2*time.Second {
		t.Errorf("SIGKILL came after %v, want request_kill_timeout", took)
	}
	s.expect("has asked for, terminating$")
	s.expect("has asked for, killing$")

	again := s.dial("sock")
	defer again.Close()
	if got := say(again, "stubborn"); got != "ignoring" {
		t.Fatalf("got %q", got)
	}
	begun = time.Now()
	a, err = s.outcome(control.Request{Command: control.Kill, Pid: s.running("")[0].Pid, Now: true})
	if took := time.Since(begun); err != nil || a.Killed == nil || a.Killed.How != "on signal 9 (SIGKILL)" || took >= 2*time.Second {
		t.Errorf("now: got %+v, %v after %v", a, err, took)
	}
}

func TestOperatorEndsNothingElse(t *testing.T) {
	t.Parallel()
	s, release := busy(t, static)
	r := s.running("")[0]
	for what, c := range map[string]struct {
		request control.Request
		why     string
	}{
		"another process": {control.Request{Pid: os.Getpid()}, fmt.Sprintf("process %d is not a worker of this service; phpsapi fpm requests shows those that have a request", os.Getpid())},
		"the master":      {control.Request{Pid: s.command.Process.Pid}, "is not a worker of this service"},
		"nobody":          {control.Request{}, "process 0 is not a worker"},
		"another request": {control.Request{Pid: r.Pid, Accepted: r.Accepted - 1}, fmt.Sprintf("that request has ended: worker %d of pool www has another one", r.Pid)},
	} {
		c.request.Command, c.request.Now = control.Kill, true
		if a, err := s.outcome(c.request); err != nil || a.Reason != control.Refused || !strings.Contains(a.Why, c.why) {
			t.Errorf("%s: got %+v, %v", what, a, err)
		}
	}
	if answer := release(); !strings.HasPrefix(answer, "pool www") {
		t.Errorf("the request got %q", answer)
	}
	wait.Until(t, "the end of the request", func() bool { return len(s.running("")) == 0 })
	a, err := s.outcome(control.Request{Command: control.Kill, Pid: r.Pid})
	if err != nil || a.Reason != control.Refused || a.Why != fmt.Sprintf("worker %d of pool www has no request", r.Pid) {
		t.Errorf("an idle worker: got %+v, %v", a, err)
	}
	s.expect(fmt.Sprintf(`kill %d asked for by .*: refused: worker %[1]d of pool www has no request$`, r.Pid))
	if all := s.incidents(0); all.Total != 0 {
		t.Errorf("got %+v", all.Incidents[0])
	}
}

func TestWhichRequestIsEnded(t *testing.T) {
	for _, c := range []struct {
		name     string
		accepted int64
		p        scoreboard.Proc
		legible  bool
		want     string
	}{
		{"any, and there is one", 0, scoreboard.Proc{Stage: scoreboard.Executing, Accepted: 7}, true, ""},
		{"this one", 7, scoreboard.Proc{Stage: scoreboard.Executing, Accepted: 7}, true, ""},
		{"another one", 6, scoreboard.Proc{Stage: scoreboard.Executing, Accepted: 7}, true, "that request has ended: worker %d of pool %s has another one"},
		{"an idle worker's", 7, scoreboard.Proc{Stage: scoreboard.Accepting, Accepted: 7}, true, "worker %d of pool %s has no request"},
		{"any of a worker whose page cannot be read", 0, scoreboard.Proc{}, false, ""},
		{"one of a worker whose page cannot be read", 7, scoreboard.Proc{}, false, "that request has ended: worker %d of pool %s has another one"},
	} {
		if got := whyNotEnded(c.accepted, &c.p, c.legible); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnOrdersNextStep(t *testing.T) {
	const sent, patience = int64(1000 * time.Second), 2 * time.Second
	order := &ordered{request: control.RunningRequest{Accepted: 7}, at: sent}
	for _, c := range []struct {
		name     string
		order    *ordered
		patience time.Duration
		after    time.Duration
		a        *scoreboard.Activity // nil: not known
		step     orderStep
		left     time.Duration
	}{
		{"there is none", nil, patience, time.Hour, nil, orderRests, 0},
		{"SIGKILL was sent", &ordered{at: sent, killed: true}, patience, time.Hour, nil, orderRests, 0},
		{"SIGKILL never comes", order, 0, time.Hour, nil, orderRests, 0},
		{"there is time", order, patience, patience - 1, &scoreboard.Activity{Stage: scoreboard.Accepting}, orderWaits, 1},
		{"the time is up", order, patience, patience, &scoreboard.Activity{Stage: scoreboard.Executing, Accepted: 7}, orderKills, 0},
		{"the worker cannot be looked at", order, patience, patience, nil, orderKills, 0},
		{"the worker is idle", order, patience, patience, &scoreboard.Activity{Stage: scoreboard.Accepting, Accepted: 7}, orderIsOver, 0},
		{"the worker has another request", order, patience, patience, &scoreboard.Activity{Stage: scoreboard.Executing, Accepted: 8}, orderIsOver, 0},
	} {
		var a scoreboard.Activity
		if c.a != nil {
			a = *c.a
		}
		if step, left := c.order.next(c.patience, sent+int64(c.after), &a, c.a != nil); step != c.step || left != c.left {
			t.Errorf("%s: got %d, %v, want %d, %v", c.name, step, left, c.step, c.left)
		}
	}
}
