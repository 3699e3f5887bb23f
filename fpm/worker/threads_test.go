package worker

import (
	"fmt"
	"os"
	"path/filepath"
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

// switches is how often threads of a process besides the main one gave up the processor.
func switches(t *testing.T, pid int) (sum int) {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if strings.HasSuffix(filepath.Dir(file), fmt.Sprintf("/%d", pid)) || err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if _, count, ok := strings.Cut(line, "ctxt_switches:"); ok {
				n := 0
				fmt.Sscan(count, &n)
				sum += n
			}
		}
	}
	return sum
}

// A limit of tasks counts threads. A worker has the main thread, one to collect garbage, and the one that starts others;
// once in a while, and on some machines always, a second one to collect garbage, if the first was about to go to sleep. There is no
// monitor, which would wake hundreds of times while these requests are answered.
func TestWorkerHasNoMoreThreadsThanItNeeds(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.write("a.php", "<?php usleep(500);")
	c := p.spawn()
	ask := func(n int) {
		for range n {
			if got := get(p.Dir, "a.php").do(t, p.Socket); got.err != nil {
				t.Fatal(got)
			}
		}
	}
	ask(10)
	before := switches(t, c.pid)
	ask(100)
	if n, woken := tasks(t, c.pid), switches(t, c.pid)-before; n > 4 || woken > 10 {
		t.Errorf("a worker has %d threads, and those besides the main one have been woken %d times by 100 requests: want 3 or 4, and none. "+
			"If %s starts other threads than go1.26 did, read runtime.main and sysmon in its runtime/proc.go, then change lifecycle/threads_go126.go",
			n, woken, runtime.Version())
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

// Go's poller would cost each worker two descriptors. The worker has an instance of epoll of its own.
func TestWorkerStartsNoPoller(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.crashes = true
	c := p.spawn()
	if found := descriptorsOf(c.pid, `\[eventpoll\]`); len(found) != 1 {
		t.Errorf("a worker has the descriptors %v, want one", found)
	}
}
