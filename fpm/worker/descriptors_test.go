package worker

import (
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A script left no descriptor for the next connection. The worker ends in order, as php-fpm's does, so that another takes
// its place; it neither loops nor dies in Go's runtime, whose timers want a descriptor too.
func TestWorkerWithoutDescriptorsLeaves(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", "<?php echo 'a';")
	if err := unix.Prlimit(c.pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 3}, nil); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, p.Socket)
	defer conn.Close()
	e := p.exit()
	if status := syscall.WaitStatus(e.Status); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("the worker ended with status %v: %s", status, p.log())
	}
	if log := p.log(); strings.Contains(log, "fatal error") || strings.Count(log, "\n") > 3 {
		t.Errorf("it said:\n%s", log)
	}
}
