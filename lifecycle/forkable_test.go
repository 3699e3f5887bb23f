package lifecycle_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// forkable is the payload of a worker that is asked about its Go runtime and nothing else.
const forkable = "Go"

// preparedBy is the process in which prepare ran.
var preparedBy int

func prepare(string) {
	preparedBy = os.Getpid()
	if os.Getenv(hangs) != "" {
		<-make(chan bool)
	}
}

// hangs has the zygote of a test hang.
const hangs = "LIFECYCLE_TEST_HANGS"

// findings are what such a worker tells.
type findings struct {
	PreparedBy, Pid int
	Collections     uint32
	Sum             int
	Open            []string // threads besides the main one that take signals
	Catches         string   // the signals that have handlers
}

// exercise uses what of the runtime needs other threads, and tells on the descriptor.
func exercise(to int) {
	f := findings{PreparedBy: preparedBy, Pid: os.Getpid()}
	var ended sync.WaitGroup
	numbers := make(chan int)
	for i := range 20 {
		ended.Go(func() {
			kept := make([][]byte, 100)
			for j := range kept {
				kept[j] = make([]byte, 5000)
			}
			time.Sleep(time.Millisecond)
			numbers <- i * len(kept)
		})
	}
	go func() {
		ended.Wait()
		close(numbers)
	}()
	for n := range numbers {
		f.Sum += n
	}
	for range 3 {
		runtime.GC()
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	f.Collections = memory.NumGC
	f.Open, f.Catches = signalsOf(f.Pid)
	client := os.NewFile(uintptr(to), "client")
	json.NewEncoder(client).Encode(f)
	client.Close()
}

// signalsOf returns the threads of a process besides the main one that take SIGUSR1, and which signals have handlers.
func signalsOf(pid int) (open []string, catches string) {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		var blocked uint64
		_, rest, _ := strings.Cut(string(status), "\nSigBlk:")
		fmt.Sscanf(rest, "%x", &blocked)
		if task.Name() == fmt.Sprint(pid) {
			_, rest, _ = strings.Cut(string(status), "\nSigCgt:")
			catches = strings.Fields(rest)[0]
		} else if blocked&(1<<(syscall.SIGUSR1-1)) == 0 {
			open = append(open, task.Name())
		}
	}
	return open, catches
}

// ask forks a worker and has it tell what it finds.
func ask(t *testing.T, z *zygote.Zygote) (f findings, c *zygote.Child) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours := os.NewFile(uintptr(pair[0]), "ours")
	c, err = z.Fork(t.Context(), "", []byte(forkable), pair[1])
	syscall.Close(pair[1])
	if err != nil {
		t.Fatal(err)
	}
	told, _ := io.ReadAll(ours)
	ours.Close()
	if err := json.Unmarshal(told, &f); err != nil {
		t.Fatalf("%q: %v", told, err)
	}
	if f.Pid != c.Pid() || f.Sum != 100*19*20/2 || f.Collections < 3 {
		t.Errorf("worker %d says %+v", c.Pid(), f)
	}
	if status, _ := c.Wait(t.Context()); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("worker %d ended with %v", f.Pid, status)
	}
	return f, c
}

// The workers of a zygote continue with its Go runtime: it starts goroutines and threads in them, it sleeps and collects. Threads that it
// starts take no signals.
func TestWorkersHaveTheirZygotesRuntime(t *testing.T) {
	t.Parallel()
	z := startZygote(t)
	defer z.Close()
	for range 3 {
		f, _ := ask(t, z)
		if f.PreparedBy != z.Pid() {
			t.Errorf("worker %d was prepared by %d, want the zygote, %d. If %s differs from go1.26, read its runtime/proc.go "+
				"as docs/adr/0019 says, then change lifecycle/threads_go126.go", f.Pid, f.PreparedBy, z.Pid(), runtime.Version())
		}
		if len(f.Open) > 0 {
			t.Errorf("threads %v of worker %d take signals", f.Open, f.Pid)
		}
	}
}

// With a standard error that does not block package os starts Go's poller, in the zygote: workers would share one. The order to fork that
// has come before that is known is followed all the same, with its descriptor.
func TestWorkersHaveOwnRuntimesIfTheZygotesCannotBeForked(t *testing.T) {
	t.Parallel()
	haveOwnRuntimes(t, nil, syscall.O_NONBLOCK, "Go's runtime has started its poller")
}

// A goroutine that waits leaves the work to another thread, which the zygote's runtime cannot start.
func TestWorkersHaveOwnRuntimesIfTheZygotesHangs(t *testing.T) {
	t.Parallel()
	haveOwnRuntimes(t, append(os.Environ(), hangs+"=1"), 0, "Go's runtime is late")
}

// haveOwnRuntimes starts a zygote with an environment and a pipe for its standard error with flags. Its workers must have runtimes of
// their own, because of what it says.
func haveOwnRuntimes(t *testing.T, env []string, flags int, because string) {
	t.Helper()
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC|flags); err != nil {
		t.Fatal(err)
	}
	stderr, theirs := os.NewFile(uintptr(pipe[0]), "ours"), os.NewFile(uintptr(pipe[1]), "stderr")
	defer stderr.Close()
	said := make(chan string, 10)
	z := startZygoteConfig(t, zygote.Config{Env: env, Stderr: theirs, Own: func(why string) { said <- why }})
	theirs.Close()
	for range 3 {
		if f, _ := ask(t, z); f.PreparedBy != 0 {
			t.Errorf("worker %d was prepared by %d", f.Pid, f.PreparedBy)
		}
	}
	z.Close()
	<-z.Done()
	if why := <-said; why != because || len(said) > 0 {
		t.Errorf("it said %q, want %q; and %d reasons more", why, because, len(said))
	}
	if text, _ := io.ReadAll(stderr); len(text) > 0 {
		t.Errorf("on standard error it said %q", text)
	}
}
