package control

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// endsFirstThread is set for the test's own program, which then ends its first thread and executes another program a while later.
const endsFirstThread = "CONTROL_TEST_ENDS_FIRST_THREAD"

func init() {
	if os.Getenv(endsFirstThread) == "" {
		return
	}
	runtime.LockOSThread() // the first thread, as nothing else has run yet
	go func() {
		time.Sleep(300 * time.Millisecond)
		os.Unsetenv(endsFirstThread)
		syscall.Exec("/bin/sleep", []string{"sleep", "60"}, os.Environ())
		os.Exit(1)
	}()
	time.Sleep(20 * time.Millisecond)
	syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
}

// A process that executes another program, as a master in an upgrade, has no first thread for a moment. It is there all the same.
func TestProcessThatExecutesAProgramIsThere(t *testing.T) {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), endsFirstThread+"=1")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	wait.Until(t, "the end of its first thread", func() bool {
		return strings.Contains(files.Read(t, "/proc/"+strconv.Itoa(c.Process.Pid)+"/status"), "\nState:\tZ")
	})
	if _, err := Dial(c.Process.Pid); err != ErrNoSocket {
		t.Errorf("got %v, want that it has no socket", err)
	}
	c.Process.Kill()
	wait.Until(t, "its end", func() bool { return !lives(c.Process.Pid) })
	if _, err := Dial(c.Process.Pid); err != ErrNoProcess {
		t.Errorf("got %v, want that there is no process", err)
	}
}
