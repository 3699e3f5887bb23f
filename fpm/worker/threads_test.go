package worker

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// tasks is how many threads a process has.
func tasks(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A limit of tasks counts threads. A worker has the main thread, one to collect garbage, and the one that starts others;
// once in a while a second one to collect garbage, if the first was about to go to sleep.
func TestWorkerHasNoMoreThreadsThanItNeeds(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	least := 100
	for range 4 {
		least = min(least, tasks(t, p.spawn().pid))
	}
	if least != 3 {
		t.Errorf("workers have %d threads, want 3. If %s starts other threads than go1.26 did, read runtime.main and sysmon "+
			"in its runtime/proc.go, then change lifecycle/monitor_go126.go", least, runtime.Version())
	}
}

// Nothing but a collection that is due makes room in a worker: there is no monitor to begin one.
func TestWorkerWithoutMonitorCollectsGarbage(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", "<?php for ($i = 0; $i < 300; $i++) error_log(str_repeat('x', 900)); echo 'a';")
	resident := func() (kilobytes int) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), "VmRSS:")
		fmt.Sscan(rest, &kilobytes)
		return kilobytes
	}
	ask := func(n int) {
		for range n {
			if got := get(p.Dir, "a.php").do(t, p.Socket); got.err != nil {
				t.Fatal(got)
			}
		}
	}
	ask(40)
	before := resident()
	ask(120)
	if after := resident(); after > before+8<<10 {
		t.Errorf("the worker grew from %d KB to %d KB", before, after)
	}
}
