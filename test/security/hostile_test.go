package security

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A worker made its zygote its tracer and stopped: the zygote told its stop as its end. The master forked another, and the worker
// stayed for ever.
func TestTracedWorkerIsEnded(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the script does not know the number of ptrace")
	}
	s := prepare(t, ffi, "no_new_privs: off", map[string]string{"traced.php": `<?php
$c = FFI::cdef('long syscall(long, long, long, long, long);');
$c->syscall(php_uname('m') === 'x86_64' ? 101 : 117, 0, 0, 0, 0);
posix_kill(getmypid(), 12);
echo 'not stopped';`, "a.php": "<?php echo getmypid();"}).start()
	first := s.workers()
	if status, body := s.get("/traced.php"); status != 502 {
		t.Errorf("got %d %q", status, body)
	}
	s.said(fmt.Sprintf(`WARNING: \[pool www\] child %d exited on signal 9 \(SIGKILL\) after`, first[0]))
	serve.Eventually(t, "the end of the worker", func() bool { return !serve.Lives(first[0]) })
	if status, body := s.get("/a.php"); status != 200 {
		t.Errorf("got %d %q", status, body)
	}
}
