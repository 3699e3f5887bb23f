package front

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// What Go's runtime prints when it ends a front is in the error log, also in one that has been rotated since the front
// started.
func TestTraceOfAFrontIsLogged(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
	log := filepath.Join(filepath.Dir(conf), "log")
	p, err := serve.Start("phpsapi fpm", command(nil, "-y", conf, "-F"), serve.Accepts("tcp", address), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	said := func(pattern string) string {
		var text []byte
		var found []string
		if p.WaitFor(20*time.Second, func() bool {
			text, _ = os.ReadFile(log)
			found = regexp.MustCompile(pattern).FindStringSubmatch(string(text))
			return found != nil
		}) != nil {
			t.Fatalf("no %q in\n%s", pattern, text)
		}
		return found[len(found)-1]
	}
	pid := said(`\[front\] process (\d+) of generation 1 serves`)
	os.Rename(log, log+".1")
	p.Signal(syscall.SIGUSR1)
	said(`error log file re-opened`)
	n, _ := strconv.Atoi(pid)
	syscall.Kill(n, syscall.SIGABRT)
	said(`WARNING: \[front\] process ` + pid + ` of generation 1 exited with code 2`)
	said(`ERROR: \[front\] process ` + pid + ` of generation 1: SIGABRT: abort`)
	said(`ERROR: \[front\] process ` + pid + ` of generation 1: goroutine `)
	said(`\[front\] process (\d+) of generation 1 serves`)
	if old, _ := os.ReadFile(log + ".1"); strings.Contains(string(old), "SIGABRT") {
		t.Errorf("the trace is in the rotated log\n%s", old)
	}
}
