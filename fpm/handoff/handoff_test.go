package handoff

import (
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/listening"
)

// whole is a handoff with something in each field.
func whole(fd int) *Handoff {
	return &Handoff{Format: Format, Version: "1", Trial: -1, Why: "why", Old: -1, Start: 2, Name: "php-fpm", Generation: 3, Since: 4, Stderr: -1, Stdout: -1,
		Control: fd, Sockets: []listening.Left{{Key: "/s", Domain: conf.Unix, FD: fd, Lent: true, Path: -1, Pair: -1}},
		Handing: []int{fd}, Parked: []Connection{{FD: fd, Socket: "/s"}},
		Groups: []Group{{Generation: 3, Patience: 5, Zygote: Process{Pid: 6, Control: fd}, Front: NoProcess,
			Workers: []Worker{{Process: Process{Pid: 7, Control: fd, Told: true}, Pool: "www", Keep: []int{fd}, Output: []int{fd}, Board: fd}}}},
		Operators: []Operator{{FD: fd, Pid: 8, Request: json.RawMessage(`{}`)}}, Lines: []string{"line"}, Order: 15,
		Incidents: &Incidents{Number: 9, Last: []*incident.Incident{}, Killers: []incident.Killer{}}, Observers: []int{10}, Past: fd,
		Tally: &Tally{LastReload: 11, Incidents: map[string]uint64{"crash": 12}}}
}

// TestMain is the program that is executed, too: it prints what it has taken.
func TestMain(m *testing.M) {
	if os.Getenv(Environment) == "" {
		if os.Getenv("HANDOFF_TEST_LEAVES") != "" {
			leave()
		}
		os.Exit(m.Run())
	}
	h, err := Take()
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return
	}
	fd := h.Control
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		os.Stdout.WriteString("the descriptor is not there, or would be inherited again")
	}
	if os.Getenv(Environment) != "" {
		os.Stdout.WriteString("the variable is set still")
	}
	if !reflect.DeepEqual(h, whole(fd)) {
		text, _ := json.Marshal(h)
		os.Stdout.Write(text)
	}
	os.Stdout.WriteString("taken")
}

// leave executes this program again, with all that a handoff has.
func leave() {
	null, err := os.Open(os.DevNull)
	if err == nil {
		err = whole(int(null.Fd())).Execute("/proc/self/exe", os.Args)
	}
	os.Stdout.WriteString(err.Error())
	os.Exit(1)
}

func TestWhatIsLeftIsTaken(t *testing.T) {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), "HANDOFF_TEST_LEAVES=1")
	if got, err := c.CombinedOutput(); err != nil || string(got) != "taken" {
		t.Errorf("%v, %s", err, got)
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"Format":2}`: "it is of format 2, and this program takes 1",
		`{}`:           "it is of format 0, and this program takes 1",
		`{"Format":`:   "unexpected EOF",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if h, err := Take(); h != nil || err != nil {
		t.Errorf("without a handoff: %v, %v", h, err)
	}
}

// A program that could not be executed leaves nothing that others would inherit.
func TestADescriptorIsNotInheritedAfterAnExecThatFails(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := whole(int(null.Fd())).Execute("/nonexistent", []string{"phpsapi"}); err == nil {
		t.Fatal("a program that is not there was executed")
	}
	if flags, err := unix.FcntlInt(null.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %d, %v", flags, err)
	}
}
