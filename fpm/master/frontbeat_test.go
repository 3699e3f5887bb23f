package master

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/wait"
)

// A script, or a shell, of the front's user stops it: another serves, and the first finishes its requests.
func TestStoppedFrontIsReplaced(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "")
	first, _ := strconv.Atoi(s.expect(`process (\d+) of generation 1 serves`)[1])
	syscall.Kill(first, syscall.SIGSTOP)
	s.expect(`WARNING: \[front\] process ` + strconv.Itoa(first) + ` of generation 1 was stopped by a signal, and is replaced$`)
	if second := s.expect(`process (\d+) of generation 1 serves`)[1]; second == strconv.Itoa(first) {
		t.Error("the same front serves")
	}
	wait.Until(t, "the end of the first front", func() bool { return syscall.Kill(first, 0) != nil })
	if got := s.http("who"); got == "" {
		t.Error("nobody answers")
	}
}

// A front that answers nothing is killed, but not for the master's own silence: questions count, not time.
func TestSilentFrontIsReplaced(t *testing.T) {
	t.Parallel()
	control, theirs, err := channel.New()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer control.Close()
	var killed []syscall.Signal
	now := time.Now()
	const mostUnanswered = 10
	m := &Master{log: lines{zlog.New(nil)}, sys: system{kill: func(_ int, s syscall.Signal) error { killed = append(killed, s); return nil }}}
	f := &front{gen: &generation{plan: &plan.Plan{}}, Front: &companion.Front{Process: companion.Process{Control: control, Pid: 1, Ready: true, Started: now}}}
	m.gen = f.gen
	for range mostUnanswered {
		m.beat(f, now.Add(time.Hour))
	}
	if len(killed) > 0 {
		t.Errorf("got %v within the patience", killed)
	}
	m.beat(f, now.Add(time.Hour))
	if len(killed) != 1 || killed[0] != syscall.SIGKILL {
		t.Errorf("got %v after it", killed)
	}
	m.sys.now = time.Now
	frontSaid{f, channel.Message{Letter: contract.Beat, Text: "[]", FD: -1}}.heed(m)
	for range mostUnanswered {
		m.beat(f, now)
	}
	if len(killed) != 1 {
		t.Errorf("got %v for a front that answers", killed)
	}
}
