package master

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/test/wait"
)

// incidents asks the master for the last ones, until there are that many.
func (s *service) incidents(total int) (all *control.Incidents) {
	s.t.Helper()
	wait.Succeeds(s.t, "the incidents", func() error {
		a, err := s.outcome(control.Request{Command: control.LastIncidents})
		if err != nil || a.Incidents == nil {
			s.t.Fatalf("got %+v, %v", a, err)
		}
		if all = a.Incidents; all.Total < uint64(total) {
			return fmt.Errorf("there are %d, want %d", all.Total, total)
		}
		return nil
	})
	return all
}

// hostile is a text that would end a line, move a terminal's cursor, and be no UTF-8.
const hostile = "\x1b]0;x\x07\r\n[27-Nov-2026 00:00:00] NOTICE: [pool other] child 1 started\xff\u009b2J\u202e\"'\\"

// scribble fills what a worker can write of the scoreboard.
func scribble(slot *scoreboard.Slot) {
	text := []byte(strings.Repeat(hostile, 40))
	slot.Info(&scoreboard.Request{Method: text, URI: text, Query: text, User: text, Script: text, ID: text, Host: text, Target: text,
		ContentLength: 1<<64 - 1, Since: -1 << 62, Long: true})
	slot.Executing()
	*slot.Mark() = 1<<64 - 1
	room, length := slot.ReportRoom()
	copy(room, strings.Repeat("S 11 1 0x10 7\nP "+hostile+"\nC "+strings.Repeat("\u4e2d\xff", 500)+"\nS 9 0 0 0\nX\n", 100))
	*length = 1<<64 - 1
}

// A worker can write anything to the memory that the master reads when it is gone.
func TestHostileMemoryOfADeadWorker(t *testing.T) {
	t.Parallel()
	log := t.TempDir() + "/incidents.log"
	s := start(t, static, "PHPSAPI_INCIDENT_LOG="+log)
	s.expect("ready to handle")
	for n, signal := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGKILL, syscall.SIGABRT} {
		s.ask("sock", fmt.Sprint("scribble ", int(signal)))
		all := s.incidents(n + 1)
		i := all.Incidents[n]
		if i.Signal != int(signal) || i.Pool != "www" || i.Client != incident.GotAll || len(i.PHPStack) > 50 || len(i.CStack) > 40 {
			t.Errorf("got %+v", i)
		}
		if (len(i.PHPStack) > 0) != (signal == syscall.SIGSEGV) { // what it says of another signal is not believed
			t.Errorf("signal %d has the stack %q", signal, i.PHPStack)
		}
		for _, text := range append(append(i.PHPStack, i.CStack...), i.Method, i.Host, i.URI, i.Script, i.RequestID, i.What, i.Error) {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 1024 {
				t.Errorf("got %q", text)
			}
		}
	}
	s.expect("exited on signal 6 .* in request")
	s.never("^\\[27-Nov-2026 00:00:00\\]|\x1b|\u009b|\u202e")
	s.alive()
	text, err := os.ReadFile(log)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for _, line := range lines {
		var i incident.Incident
		if err := json.Unmarshal([]byte(line), &i); err != nil {
			t.Errorf("%v: %q", err, line)
		}
	}
	if err != nil || len(lines) != 3 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

// What the master itself has ended is not an incident.
func TestWantedEndsAreNoIncidents(t *testing.T) {
	t.Parallel()
	s, release := busy(t, static)
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	release()
	if answers, err := s.give(control.Request{Command: control.Reload, Drained: true}); err != nil || answers[len(answers)-1].Reason != "" {
		t.Fatalf("got %+v, %v", answers, err)
	}
	if all := s.incidents(0); all.Total != 0 {
		t.Errorf("got %+v", all.Incidents[0])
	}
	s.ask("sock", "exit 3")
	if i := s.incidents(1).Incidents[0]; i.Kind != incident.Exit || i.Generation != 3 || *i.ExitCode != 3 || i.Client != incident.GotClosed {
		t.Errorf("got %+v", i)
	}
}

func TestOverdueRequestIsAnIncident(t *testing.T) {
	t.Parallel()
	s := start(t, static+"request_terminate_timeout = 1\n")
	s.expect("ready to handle")
	s.ask("sock", "sleep 20000")
	if i := s.incidents(1).Incidents[0]; i.Kind != incident.Timeout || i.Name != "SIGTERM" || i.Duration == nil || *i.Duration < 1 {
		t.Errorf("got %+v", i)
	}
	s.expect("execution timed out")
	s.expect("exited on signal 15 .* after")
	s.expect("exited on signal 15 .* in request, .*; incident 1, after 1.*; request_terminate_timeout")
}

// endedBy and exited are ends as wait(2) tells them.
func endedBy(s syscall.Signal) syscall.WaitStatus { return syscall.WaitStatus(s) }
func exited(code int) syscall.WaitStatus          { return syscall.WaitStatus(code << 8) }

func TestWhatAWorkersEndIs(t *testing.T) {
	const kill = syscall.SIGKILL
	dog := vigil{ended: 7}
	for _, c := range []struct {
		name     string
		c        child
		status   syscall.WaitStatus
		within   bool // it had a request
		leaves   bool // the service ends
		kernel   bool // has killed a process for lack of memory
		panicked bool
		want     incident.Kind
	}{
		{name: "it has left", status: exited(0)},
		{name: "its script has called C's exit", status: exited(0), within: true, want: incident.Exit},
		{name: "it has failed", status: exited(3), want: incident.Exit},
		{name: "it could make no thread", status: exited(exitNoThreads)},
		{name: "Go's runtime has panicked", status: exited(2), within: true, panicked: true, want: incident.Panic},
		{name: "it has crashed", status: endedBy(syscall.SIGSEGV), want: incident.Crash},
		{name: "it has crashed after SIGTERM", c: child{terminated: true}, status: endedBy(syscall.SIGABRT), want: incident.Crash},
		{name: "somebody has killed it", status: endedBy(kill), want: incident.Killed},
		{name: "the kernel has killed it", status: endedBy(kill), kernel: true, want: incident.OutOfMemory},
		{name: "another signal has ended it", status: endedBy(syscall.SIGHUP), kernel: true, want: incident.Killed},
		{name: "the master has killed it", c: child{killed: true}, status: endedBy(kill), kernel: true},
		{name: "the master has terminated it", c: child{terminated: true}, status: endedBy(syscall.SIGTERM), within: true},
		{name: "it was asked to leave", status: endedBy(syscall.SIGQUIT)},
		{name: "its request took too long", c: child{terminated: true, vigil: dog}, status: endedBy(syscall.SIGTERM), want: incident.Timeout},
		{name: "an operator has ended it", c: child{terminated: true, vigil: dog, ordered: &ordered{}}, status: endedBy(syscall.SIGTERM), want: incident.Operator},
		{name: "it has left before an operator's signal", c: child{ordered: &ordered{}}, status: exited(0)},
		{name: "its boot took too long", c: child{overdue: true, killed: true}, status: endedBy(kill), want: incident.Boot},
		{name: "its worker script has ended by an error", c: child{broken: &broken{why: scoreboard.ByFatal}}, status: exited(0), want: incident.Fatal},
		{name: "its worker script has ended in a request", c: child{broken: &broken{why: scoreboard.ByExit, within: true}}, status: exited(0), want: incident.ScriptExit},
		{name: "its worker script has ended between two requests", c: child{broken: &broken{why: scoreboard.ByExit}, ready: true}, status: exited(0)},
		{name: "it is of worker mode, and has left before it was ready", c: child{pool: &pool{worker: &settings.Worker{}}}, status: exited(0), want: incident.Boot},
		{name: "the same, as the service ends", c: child{pool: &pool{worker: &settings.Worker{}}}, status: exited(0), leaves: true},
		{name: "the same, and it has said why", c: child{unbooted: true, pool: &pool{worker: &settings.Worker{}}}, status: exited(0)},
	} {
		if c.c.pool == nil {
			c.c.pool = &pool{}
		}
		c.c.pool.gen = &generation{}
		end := ending{c.status, c.within, !c.leaves, func() bool { return c.kernel }}
		if got := c.c.kindOf(end, c.panicked); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhatAFormerWorkersEndIs(t *testing.T) {
	const kill = syscall.SIGKILL
	for _, c := range []struct {
		name   string
		is     func(*formerWorker)
		status syscall.WaitStatus
		within bool
		leaves bool
		kernel bool
		want   incident.Kind
	}{
		{name: "it has left", status: exited(0)},
		{name: "its script has called C's exit", status: exited(0), within: true, want: incident.Exit},
		{name: "it has crashed", status: endedBy(syscall.SIGSEGV), leaves: true, want: incident.Crash},
		{name: "somebody has killed it", status: endedBy(kill), want: incident.Killed},
		{name: "it was killed as the service ends", status: endedBy(kill), leaves: true},
		{name: "the kernel has killed it", status: endedBy(kill), kernel: true, want: incident.OutOfMemory},
		{name: "the master has terminated it", is: func(w *formerWorker) { w.escalation.Sent = syscall.SIGTERM }, status: endedBy(syscall.SIGTERM), within: true},
		{name: "the master has killed it", is: func(w *formerWorker) { w.escalation.Sent = kill }, status: endedBy(kill), kernel: true},
		{name: "it was asked to leave", status: endedBy(syscall.SIGQUIT)},
		{name: "its request took too long", is: func(w *formerWorker) { w.timedOut, w.escalation.Sent = true, syscall.SIGTERM }, status: endedBy(syscall.SIGTERM), want: incident.Timeout},
		{name: "an operator has ended it", is: func(w *formerWorker) { w.timedOut, w.own.ordered = true, &ordered{} }, status: endedBy(kill), want: incident.Operator},
	} {
		w := formerOf(0, 0, false)
		if c.is != nil {
			c.is(w)
		}
		end := ending{c.status, c.within, !c.leaves, func() bool { return c.kernel }}
		if got := w.kindOf(end); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
