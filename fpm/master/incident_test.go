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
