package lifecycle_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle"
)

// What a process is executed for: crowd, or to limit another one's tasks: limiter is its pid and how many.
const (
	crowd   = "LIFECYCLE_TEST_CROWD"
	limiter = "LIFECYCLE_TEST_LIMIT"
)

// limitTasks is the limiter, which must be of the same user.
func limitTasks() {
	var pid int
	var tasks uint64
	fmt.Sscan(os.Getenv(limiter), &pid, &tasks)
	if err := unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: tasks, Max: 1000}, nil); err != nil {
		fmt.Println(err)
	}
}

// startCrowd is a server that needs many threads at once when it is told to.
func startCrowd() {
	lifecycle.WaitForThreads()
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			runtime.LockOSThread()
			unix.Nanosleep(&unix.Timespec{Nsec: 100e6}, nil)
		})
	}
	all.Wait()
	fmt.Println("done")
}

// A limit of tasks is reached for a moment. Go's runtime would end the process with status 2.
func TestServerOutlivesALackOfThreads(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user, whose tasks are counted")
	}
	nobody := uint32(1_900_000_000 + os.Getpid()) // who has no other process
	execute := func(variable, value string) *exec.Cmd {
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), variable+"="+value)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return c
	}
	c := execute(crowd, "1")
	limit := func(tasks int) {
		t.Helper()
		if out, err := execute(limiter, fmt.Sprint(c.Process.Pid, tasks)).Output(); err != nil || len(out) > 0 {
			t.Fatalf("%s %v", out, err)
		}
	}
	in, _ := c.StdinPipe()
	out, _ := c.StdoutPipe()
	errors, _ := c.StderrPipe()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	dead := time.AfterFunc(20*time.Second, func() { c.Process.Kill() })
	defer dead.Stop()
	said := bufio.NewReader(out)
	if line, _ := said.ReadString('\n'); line != "ready\n" {
		t.Fatalf("it said %q", line)
	}
	limit(1)
	io.WriteString(in, "\n")
	complaints := bufio.NewReader(errors)
	if line, _ := complaints.ReadString('\n'); !strings.Contains(line, "cannot create a thread") {
		t.Errorf("it said %q", line)
	}
	limit(1000)
	if line, _ := said.ReadString('\n'); line != "done\n" {
		t.Errorf("it said %q", line)
	}
	if more, _ := io.ReadAll(complaints); strings.Count(string(more), "\n") > 0 {
		t.Errorf("it continued to say %q", more)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
