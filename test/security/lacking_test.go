package security

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/sandbox"
)

// withoutLandlock is what the test's own program is executed for: to execute another one as on a kernel without Landlock.
const withoutLandlock = "SECURITY_TEST_WITHOUT_LANDLOCK"

func executeWithoutLandlock(arguments []string) {
	runtime.LockOSThread()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); errno != 0 {
		fmt.Fprintln(os.Stderr, "seccomp:", errno)
		os.Exit(1)
	}
	os.Unsetenv(withoutLandlock)
	fmt.Fprintln(os.Stderr, syscall.Exec(arguments[0], arguments, os.Environ()))
	os.Exit(1)
}

// A kernel without Landlock has no strict sandbox. Nobody is left to believe that there is one.
func TestKernelWithoutLandlock(t *testing.T) {
	t.Parallel()
	needs(t, sandbox.Web)
	const lacks = "the kernel has no Landlock"
	lacking := func(s *service) *service {
		s.wrap = func(c *exec.Cmd) {
			c.Args = append([]string{"security.test"}, c.Args...)
			c.Args[1], c.Path = c.Path, "/proc/self/exe"
			c.Env = append(os.Environ(), withoutLandlock+"=1")
		}
		return s
	}
	said, status := lacking(prepare(t, "", "sandbox: strict", nil)).refused("-F")
	if status != 78 || !strings.Contains(said, "pool www cannot have the sandbox strict: "+lacks) || !strings.Contains(said, "sandbox.lacking: warn") {
		t.Errorf("status %d\n%s", status, said)
	}
	for _, yaml := range []string{"sandbox: web", "sandbox: {mode: strict, lacking: warn}"} {
		s := lacking(prepare(t, ffi, yaml, map[string]string{"tries.php": tries})).start()
		s.Logged(`WARNING: \[pool www\] the sandbox \w+ is not whole: `+lacks, 1)
		strict := strings.Contains(yaml, "strict")
		if got := s.outcome(t); got["ptrace"] != -1.0 || (got["program"] == "ran") == strict || got["read elsewhere"] != true {
			t.Errorf("%s: %v", yaml, got)
		}
	}
	if said, status := lacking(prepare(t, "", "sandbox: {mode: web, lacking: refuse}", nil)).refused("-F"); status != 78 || !strings.Contains(said, lacks) {
		t.Errorf("status %d\n%s", status, said)
	}
}

// A kernel whose Landlock is older than strict needs, as Debian 12's, has web's, and of strict what is not Landlock's.
func TestKernelWithAnOldLandlock(t *testing.T) {
	t.Parallel()
	needs(t, sandbox.Web)
	lacks := sandbox.ThisKernel().Lacks(sandbox.Strict)
	if lacks == "" {
		t.Skip("the kernel's Landlock has all that strict needs")
	}
	said, status := prepare(t, "", "sandbox: strict", nil).refused("-F")
	if status != 78 || !strings.Contains(said, "pool www cannot have the sandbox strict: "+lacks) || !strings.Contains(said, "sandbox.lacking: warn") {
		t.Errorf("status %d\n%s", status, said)
	}
	s := prepare(t, ffi, "sandbox: {mode: strict, lacking: warn}", map[string]string{"tries.php": tries}).start()
	s.Logged(`WARNING: \[pool www\] the sandbox strict is not whole: `+lacks, 1)
	got := s.outcome(t)
	for what, want := range inWeb {
		if !reflect.DeepEqual(got[what], want) {
			t.Errorf("%s: got %v, want %v", what, got[what], want)
		}
	}
	if got["program"] != "" || got["server"] != false || got["read elsewhere"] != true {
		t.Errorf("got %v", got)
	}
}
