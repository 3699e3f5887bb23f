package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi"
)

// The C library's setuid(2) waits until every thread has taken its signal: one that blocked it let the script wait for ever.
func TestScriptChangesUserInAPoolWithASlowLog(t *testing.T) {
	t.Parallel()
	p := newPool(t, slowLog, sapi.Setting{Name: "extension", Value: "posix"})
	p.traced = true
	c := p.spawn()
	// The thread of the slow log has begun when it answers.
	unix.Sendmsg(c.trace, []byte{contract.Trace}, nil, nil, 0)
	if n, err := unix.Read(c.trace, make([]byte, 100)); n < 1 || err != nil {
		t.Fatal(n, err)
	}
	p.write("setuid.php", "<?php echo posix_setuid(posix_geteuid()) ? 'set' : 'refused';")
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := ask(t, conn, get(p.Dir, "setuid.php")); got != "set" {
		t.Errorf("got %q", got)
	}
	// A thread that is just being made blocks them for a moment.
	var blocked []string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if blocked = threadsThatBlock(t, c.pid, sigCancel, sigSetxid); len(blocked) == 0 {
			return
		}
	}
	for _, b := range blocked {
		t.Error(b)
	}
}

// threadsThatBlock tells which threads of a process block one of the signals.
func threadsThatBlock(t *testing.T, pid int, signals ...int) (found []string) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) < 2 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, path := range tasks {
		status, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, blocked, _ := strings.Cut(string(status), "SigBlk:\t")
		var mask uint64
		fmt.Sscanf(blocked, "%x", &mask)
		for _, sig := range signals {
			if mask&(1<<(sig-1)) != 0 {
				found = append(found, fmt.Sprintf("%s: signal %d is blocked: %x", path, sig, mask))
			}
		}
	}
	return found
}
