package front

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// What Go's runtime prints when it ends a front is in the error log, also in one that has been rotated since the front
// started.
func TestTraceOfAFrontIsLogged(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
	s := &service{&serve.Service{T: t, Address: address, Ready: []string{" serves "}, LogFile: filepath.Join(filepath.Dir(conf), "log")}}
	s.Run(command(nil, "-y", conf, "-F"))
	said := func(pattern string) string { return s.said(pattern, 1) }
	pid := said(`\[front\] process (\d+) of generation 1 serves`)
	os.Rename(s.LogFile, s.LogFile+".1")
	s.Signal(syscall.SIGUSR1)
	said(`error log file re-opened`)
	n, _ := strconv.Atoi(pid)
	syscall.Kill(n, syscall.SIGABRT)
	said(`WARNING: \[front\] process ` + pid + ` of generation 1 exited with code 2`)
	said(`ERROR: \[front\] process ` + pid + ` of generation 1: SIGABRT: abort`)
	said(`ERROR: \[front\] process ` + pid + ` of generation 1: goroutine `)
	said(`\[front\] process (\d+) of generation 1 serves`)
	if old := files.Text(s.LogFile + ".1"); strings.Contains(old, "SIGABRT") {
		t.Errorf("the trace is in the rotated log\n%s", old)
	}
}
