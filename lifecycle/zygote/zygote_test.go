package zygote

// The test binary is the zygote, too: executed with a control socket it acts as the variable actVariable says. No PHP runs.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const actVariable = "ZYGOTE_TEST_ACT"

func TestMain(m *testing.M) {
	if number, _, _ := strings.Cut(os.Getenv(environment), " "); number != "" {
		os.Unsetenv(environment)
		control, _ := strconv.Atoi(number)
		act(control, os.Getenv(actVariable))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// act is a zygote that goes wrong, or does not.
func act(control int, how string) {
	how, file, _ := strings.Cut(how, " ")
	var passed *os.File // the descriptor that came with the last order
	take := func() byte {
		buffer, rights := make([]byte, maxMessage), make([]byte, 100)
		n, rightsLen, _, _, err := syscall.Recvmsg(control, buffer, rights, 0)
		if err != nil || n == 0 {
			os.Exit(0)
		}
		if messages, err := syscall.ParseSocketControlMessage(rights[:rightsLen]); err == nil && len(messages) > 0 {
			if fds, err := syscall.ParseUnixRights(&messages[0]); err == nil {
				passed = os.NewFile(uintptr(fds[0]), "passed")
			}
		}
		return buffer[0]
	}
	say := func(letter byte, numbers ...int32) {
		message := []byte{letter}
		for _, n := range numbers {
			message = binary.NativeEndian.AppendUint32(message, uint32(n))
		}
		syscall.Sendto(control, message, 0, nil)
	}
	hang := func() { time.Sleep(time.Minute) }
	child := func() int32 {
		c := exec.Command("/bin/sleep", "60")
		c.Start()
		go func() {
			c.Wait()
			if how == "tells" {
				say(msgExit, int32(c.Process.Pid), int32(c.ProcessState.Sys().(syscall.WaitStatus)), 2<<10)
			}
		}()
		return int32(c.Process.Pid)
	}
	take()
	switch how {
	case "die":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		hang()
	case "exit":
		os.Exit(7)
	case "hang":
		os.WriteFile(file, fmt.Append(nil, child()), 0o600)
		hang()
	case "garbage":
		say('?')
		hang()
	case "fail":
		syscall.Sendto(control, []byte("P9 /a b.php"), 0, nil)
		os.Exit(1)
	case "leave-socket":
		c := exec.Command("/bin/sleep", "60")
		c.ExtraFiles = []*os.File{os.NewFile(uintptr(control), "control")}
		c.Start()
		say(msgReady)
		take() // or it might end before its start is over
		say(msgExit, int32(c.Process.Pid), 0, 0)
		return
	case "flood":
		say(msgReady)
		take()
		for i := range int32(500) {
			say(msgExit, 100000+i, 0, 0)
		}
		say(msgChild, 99, 0)
		take()
		return
	}
	say(msgReady)
	for {
		take()
		switch how {
		case "constants":
			os.WriteFile(file, fmt.Append(nil, child()), 0o600)
			passed.WriteString("\x01\x00\x00\x00A\x02\x00\x00\x0012\x01\x00\x00\x00B\x00\x00\x00\x00")
			say(msgChild, 0, 0)
		case "torn":
			passed.WriteString("\x01\x00\x00\x00A\x02\x00\x00\x001")
			say(msgChild, 0, 0)
		case "asked":
			os.WriteFile(file, fmt.Append(nil, child()), 0o600)
			hang()
		case "silent":
			hang()
		case "helped":
			c := exec.Command("/bin/sh", "-c", "while :; do :; done")
			c.Start()
			time.Sleep(slowness)
			c.Process.Kill()
			c.Wait()
			say(msgChild, child(), 0)
		case "slow":
			for end := time.Now().Add(slowness); time.Now().Before(end); {
			}
			say(msgChild, child(), 0)
		case "nonsense":
			say(msgChild)
			hang()
		case "twice":
			say(msgChild, 1, 0)
			say(msgChild, 1, 0)
			say(msgChild, 1, 0)
			hang()
		case "nobody":
			say(msgChild, 0, 0)
		case "short":
			say(msgChild, 1<<30, 0)
			say(msgExit, 1<<30, 7<<8, 0)
		case "fork-fails":
			say(msgChild, -int32(syscall.EAGAIN), 0)
		default:
			say(msgChild, child(), 0)
		}
	}
}

func config(act string) Config {
	return Config{Program: "/proc/self/exe", Env: append(os.Environ(), actVariable+"="+act)}
}

func begin(t *testing.T, act string) *Zygote {
	t.Helper()
	return beginAs(t, config(act))
}

func beginAs(t *testing.T, c Config) *Zygote {
	t.Helper()
	z, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-z.Pid(), syscall.SIGKILL)
		z.Close()
	})
	return z
}

// soon is a context that ends, and long before a test does.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// within fails the test if it does not end.
func within[T any](t *testing.T, what string, c <-chan T) (value T, ok bool) {
	t.Helper()
	select {
	case value, ok = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: nothing after 20 s", what)
	}
	return value, ok
}

// gone waits until a process has ended. Orphans are somebody else's to reap.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(text), ") Z ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

func TestStartThatFails(t *testing.T) {
	t.Parallel()
	for act, want := range map[string]string{
		"die":     "PHP ended with signal 9 (SIGKILL) while it was starting; if it printed messages, they say why",
		"exit":    "PHP ended with status 7 while it was starting; if it printed messages, they say why",
		"fail":    "PHP could not be started: a process of opcache.preload (/a b.php) ended with signal 9 (SIGKILL); if it printed messages, they say why",
		"hang":    "PHP had not started after 0s, and was ended",
		"garbage": "malformed message from the zygote",
	} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pid")
			c, pid := config(act+" "+file), 0
			c.Executed = func(p int) { pid = p }
			ctx := t.Context()
			if act == "hang" {
				ctx = soon(t)
			}
			z, err := Start(ctx, c)
			if err == nil {
				z.Close()
				t.Fatal("it has started")
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %q, want %q", err, want)
			}
			if act == "hang" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v is not the context's error", err)
			}
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("the zygote %d: %v, want it to be waited for", pid, err)
			}
			if text, err := os.ReadFile(file); err == nil { // what PHP's start had started
				child, _ := strconv.Atoi(string(text))
				gone(t, child)
			}
		})
	}
}

func TestStartIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := config("hang " + filepath.Join(t.TempDir(), "pid"))
	c.Executed = func(int) { cancel() }
	_, err := Start(ctx, c)
	var failed *FailedError
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestZygoteThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, act := range []string{"silent", "stopped", "nonsense", "nobody", "twice"} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			z := begin(t, act)
			if act == "stopped" {
				syscall.Kill(z.Pid(), syscall.SIGSTOP)
			}
			// The first answers of one that answers twice are as good as any, and an order may wait for its turn, or for a
			// processor, until its time is over: it was not given then.
			var err error
			for end := time.Now().Add(10 * time.Second); !errors.Is(err, ErrGone) && time.Now().Before(end); {
				_, err = z.Spawn(soon(t), nil)
			}
			if !errors.Is(err, ErrGone) {
				t.Errorf("got %v, want ErrGone", err)
			}
			within(t, "the zygote", z.Done())
			within(t, "the process", z.process.dead)
			if _, err := z.Spawn(t.Context(), nil); !errors.Is(err, ErrGone) {
				t.Errorf("a later order: %v, want ErrGone", err)
			}
			if err := z.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// slowness is how long a slow zygote takes: longer than the answer is waited for without a look at the zygote.
const slowness = 2 * time.Second

// A zygote that is only slow, as on a machine without a free processor, is waited for: it runs itself, or waits for its helper, which
// runs.
func TestZygoteThatIsSlowIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, act := range []string{"slow", "helped"} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			waitForSlow(t, begin(t, act))
		})
	}
}

func waitForSlow(t *testing.T, z *Zygote) {
	z.answerTime, z.slowTick = slowness/2, slowness/10
	began := time.Now()
	if _, err := z.Spawn(t.Context(), nil); err != nil || time.Since(began) < slowness {
		t.Errorf("after %v: got %v, want a worker after %v", time.Since(began), err, slowness)
	}
	z.process.kill()
	within(t, "the process", z.process.dead)
	if _, runs := z.busy(); runs {
		t.Error("a process that has ended is said to run")
	}
}

func TestForkThatFailsLeavesTheZygote(t *testing.T) {
	t.Parallel()
	z := begin(t, "fork-fails")
	for range 2 {
		if _, err := z.Spawn(t.Context(), nil); !errors.Is(err, syscall.EAGAIN) || errors.Is(err, ErrGone) {
			t.Errorf("got %v", err)
		}
	}
}

// An order that waits for its turn ends with its context, and leaves the zygote to the one before it.
func TestOrderWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	z := begin(t, "well")
	z.turn <- struct{}{}
	if _, err := z.Spawn(soon(t), nil); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	<-z.turn
	if _, err := z.Spawn(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// Of children that nobody has asked for any number may end while an order waits for its answer.
func TestStrangersEndWhileAnOrderIsOut(t *testing.T) {
	t.Parallel()
	var got atomic.Int32
	c := config("flood")
	c.Stranger = func(int, syscall.WaitStatus) { got.Add(1) }
	z := beginAs(t, c)
	if c, err := z.Spawn(t.Context(), nil); err != nil || c.Pid() != 99 {
		t.Errorf("got %v, %v", c, err)
	}
	z.Close()
	within(t, "the end", z.Done())
	if got.Load() != 500 {
		t.Errorf("%d ends, want 500", got.Load())
	}
}

// A process that PHP's start has left may hold the socket for as long as it lives.
func TestEndIsSeenWhileAnotherProcessHoldsTheSocket(t *testing.T) {
	t.Parallel()
	strangers := make(chan int, 2)
	c := config("leave-socket")
	c.Stranger = func(pid int, _ syscall.WaitStatus) { strangers <- pid }
	z := beginAs(t, c)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := z.Detach(t.Context(), null); err != nil {
		t.Fatal(err)
	}
	pid, _ := within(t, "the last words", strangers)
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	within(t, "the end", z.Done())
	if len(strangers) > 0 {
		t.Error("one end too many")
	}
}

func TestCloseOfAStoppedZygote(t *testing.T) {
	t.Parallel()
	z := begin(t, "well")
	syscall.Kill(z.Pid(), syscall.SIGSTOP)
	if err := z.Close(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(z.Pid(), 0); err != syscall.ESRCH {
		t.Errorf("the process: %v", err)
	}
	z.Close()
}

// A parent that waits for zygotes without a thread for each needs their pidfds in Go's poller.
func TestWaitHoldsNoThread(t *testing.T) {
	c := exec.Command("/bin/sleep", "60")
	pidfd := -1
	c.SysProcAttr = &syscall.SysProcAttr{PidFD: &pidfd}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if pidfd < 0 {
		c.Process.Kill()
		t.Skip("this kernel has no pidfds")
	}
	done := make(chan bool, 1)
	go func() { done <- pollable(pidfd) }()
	c.Process.Kill()
	if ok, _ := within(t, "the end", done); !ok {
		t.Error("pidfds cannot be polled")
	}
	if err := c.Wait(); err == nil {
		t.Error("the process was not killed")
	}
}

func TestNoDescriptorIsLeft(t *testing.T) {
	before := descriptors(t)
	for range 5 {
		z, err := Start(t.Context(), config("well"))
		if err != nil {
			t.Fatal(err)
		}
		z.Close()
		within(t, "the end", z.Done())
		if _, err := Start(t.Context(), config("exit")); err == nil {
			t.Fatal("it has started")
		}
	}
	for range 100 { // the goroutines close them
		if descriptors(t) <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d descriptors, %d before", descriptors(t), before)
}

func descriptors(t *testing.T) (n int) {
	t.Helper()
	for fd := range 1024 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			n++
		}
	}
	return n
}

// A PHP that is only asked for its constants is ended with all that it has started, whether it answers or hangs.
func TestConstantsLeaveNothing(t *testing.T) {
	t.Parallel()
	for act, want := range map[string]string{
		"constants": "map[A:12 B:] <nil>",
		"torn":      "map[] PHP's constants: malformed answer from the zygote",
		"fail":      "map[] PHP could not be started: a process of opcache.preload (/a b.php) ended with signal 9 (SIGKILL); if it printed messages, they say why",
		"hang":      "map[] PHP had not started after 0s, and was ended",
		"asked":     "map[] PHP has started and does not report its constants: the zygote is gone: context canceled",
	} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pid")
			c, pid := config(act+" "+file), 0
			c.Executed = func(p int) { pid = p }
			ctx := t.Context()
			switch act {
			case "hang":
				ctx = soon(t)
			case "asked": // and hangs then
				asked, cancel := context.WithCancel(ctx)
				ctx = asked
				go func() {
					defer cancel()
					for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
						if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
							return
						}
					}
				}()
			}
			all, err := Constants(ctx, c)
			if got := fmt.Sprint(all, err); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("the zygote %d: %v, want it to be waited for", pid, err)
			}
			if text, err := os.ReadFile(file); err == nil {
				child, _ := strconv.Atoi(string(text))
				gone(t, child)
			}
		})
	}
}
