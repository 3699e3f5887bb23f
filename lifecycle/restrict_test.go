package lifecycle_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle"
)

// restricted is what a process is executed for: to give up reading files while its threads start others.
const restricted = "LIFECYCLE_TEST_RESTRICTED"

// ruleset makes a Landlock ruleset that lets nobody read a file. It returns -1 if the kernel has no Landlock.
func ruleset() int {
	handled := struct{ files uint64 }{unix.LANDLOCK_ACCESS_FS_READ_FILE}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0)
	if errno != 0 {
		return -1
	}
	return int(fd)
}

// isFree reports whether the calling thread may still read files.
func isFree() bool {
	fd, err := unix.Open("/etc/passwd", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

// restrictThreads has threads that work, threads that sleep in the kernel, and threads that start and end all the time, and restricts
// them. It prints how many were free afterwards.
func restrictThreads() {
	domain := ruleset()
	if domain < 0 {
		fmt.Println("no Landlock")
		return
	}
	var free, checked atomic.Int32
	var restricted atomic.Bool
	var all, started sync.WaitGroup
	var read [2]int
	unix.Pipe(read[:])
	check := func() {
		checked.Add(1)
		if isFree() {
			free.Add(1)
		}
	}
	for i := range 9 {
		started.Add(1)
		all.Go(func() {
			runtime.LockOSThread()
			started.Done()
			switch i % 3 {
			case 0: // busy
				for !restricted.Load() {
				}
			case 1: // in the kernel
				unix.Read(read[0], make([]byte, 1))
			case 2: // a thread ends with each
				for !restricted.Load() {
					done := make(chan bool)
					go func() {
						runtime.LockOSThread()
						done <- true
					}()
					<-done
				}
			}
			check()
			late := make(chan bool)
			go func() {
				runtime.LockOSThread()
				check()
				late <- true
			}()
			<-late
		})
	}
	started.Wait()
	if err := lifecycle.Restrict(domain, nil); err != nil {
		fmt.Println(err)
	}
	restricted.Store(true)
	unix.Write(read[1], make([]byte, 3))
	all.Wait()
	check()
	fmt.Println(checked.Load(), "checked,", free.Load(), "free")
}

// Landlock restricts one thread, and what that starts.
func TestRestrictTakesAllThreads(t *testing.T) {
	t.Parallel()
	for range 2 {
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), restricted+"=1")
		out, err := c.CombinedOutput()
		if strings.HasPrefix(string(out), "no Landlock") {
			t.Skip("the kernel has no Landlock")
		}
		if err != nil || string(out) != "19 checked, 0 free\n" {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}
