package zygote

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/wait"
)

func spawn(t *testing.T, z *Zygote) *Child {
	t.Helper()
	c, err := z.Spawn(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChildTellsItsEnd(t *testing.T) {
	t.Parallel()
	z := begin(t, "tells")
	c, other := spawn(t, z), spawn(t, z)
	if status, known := c.Wait(soon(t)); known {
		t.Errorf("it has ended: %v", status)
	}
	if c.Ended() || len(z.Children()) != 2 {
		t.Errorf("ended: %v; %d children", c.Ended(), len(z.Children()))
	}
	if err := c.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	within(t, "the end", c.Done())
	if status, known := c.Status(); !known || status.Signal() != syscall.SIGTERM || c.Peak() != 2<<20 || other.Peak() != 0 {
		t.Errorf("got %v, %v, want SIGTERM; at most %d bytes and %d", status, known, c.Peak(), other.Peak())
	}
	if err := c.Signal(0); err != syscall.ESRCH || !c.Ended() {
		t.Errorf("afterwards: %v, ended: %v", err, c.Ended())
	}

	// Nobody can tell how the other one ends.
	z.Kill()
	within(t, "the end of the zygote", z.Done())
	if status, known := other.Wait(context.Background()); known || other.Ended() || len(z.Children()) != 0 {
		t.Errorf("status %v, %v; ended: %v; %d children", status, known, other.Ended(), len(z.Children()))
	}
}

// A child may end before its parent has the answer to its order.
func TestChildThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	z := begin(t, "short")
	for range 100 { // with the same pid each time
		c := spawn(t, z)
		within(t, "the end", c.Done())
		if status, known := c.Status(); !known || status.ExitStatus() != 7 {
			t.Fatalf("got %v, %v, want 7", status, known)
		}
	}
}

// A zygote that is stopped does not tell ends. The child is a zombie then, or nobody's.
func TestEndIsSeenThoughTheZygoteDoesNotTell(t *testing.T) {
	t.Parallel()
	z := begin(t, "well")
	c := spawn(t, z)
	syscall.Kill(z.Pid(), syscall.SIGSTOP)
	if c.Ended() {
		t.Error("it lives")
	}
	c.Signal(syscall.SIGKILL)
	wait.Until(t, "the end is seen", c.Ended)
	if over(c) {
		t.Error("nobody has told")
	}
}

// The pid of a child that has ended may be any process's: of the parent's, a stranger's, or another child's.
func TestReusedPidIsNeverSignalled(t *testing.T) {
	t.Parallel()
	z := begin(t, "well")
	stranger := exec.Command("/bin/sleep", "60")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stranger.Process.Kill()
	for _, pid := range []int{stranger.Process.Pid, os.Getpid(), 1, 0, -1, -z.Pid(), 1 << 30} {
		was := &Child{zygote: z, pid: pid, told: ticks(), done: make(chan struct{})}
		if err := was.Signal(syscall.SIGKILL); err != syscall.ESRCH || !was.Ended() {
			t.Errorf("process %d: %v, ended: %v; want ESRCH", pid, err, was.Ended())
		}
	}

	// A sibling, and after the zygote's end an orphan, that began after the birth of the one before was told.
	second := spawn(t, z)
	began := beganAt(t, second.Pid())
	first := &Child{zygote: z, pid: second.Pid(), told: began - 1, done: make(chan struct{})}
	for _, when := range []string{"while the zygote lives", "after its end"} {
		if err := first.Signal(syscall.SIGKILL); err != syscall.ESRCH || !first.Ended() {
			t.Errorf("%s: %v, ended: %v; want ESRCH", when, err, first.Ended())
		}
		if err := second.Signal(0); err != nil || second.Ended() {
			t.Errorf("%s the second one: %v, ended: %v", when, err, second.Ended())
		}
		syscall.Kill(z.Pid(), syscall.SIGKILL)
		within(t, "the end", z.process.dead)
	}
	if err := second.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	gone(t, second.Pid())
}

// beganAt is when a process began.
func beganAt(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, _, began, ok := parseStat(text)
	if !ok {
		t.Fatalf("cannot be read: %s", text)
	}
	return began
}

// A process begins before its parent can say so, by any clock.
func TestBirthIsToldAfterTheBeginning(t *testing.T) {
	t.Parallel()
	z := begin(t, "well")
	for range 50 {
		if c := spawn(t, z); beganAt(t, c.Pid()) > c.told {
			t.Fatalf("it began at %d, its birth was told at %d", beganAt(t, c.Pid()), c.told)
		}
	}
}

func TestStatOfAProcessWithAnyName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]int64{
		"12 (php-fpm) S 3 4 4 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 9 9\n": {3, 4, 987654},
		"12 (a) b) (c) R 3 4 4 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5\n":               {3, 4, 5},
	} {
		if parent, group, began, ok := parseStat([]byte(text)); !ok || [3]int64{int64(parent), int64(group), began} != want {
			t.Errorf("%q: got %d, %d, %d, %v", text, parent, group, began, ok)
		}
	}
	for _, text := range []string{"", "12 (php-fpm) S 3 4", "12 (x) S a b 4 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5\n"} {
		if _, _, _, ok := parseStat([]byte(text)); ok {
			t.Errorf("%q was read", text)
		}
	}
}
