package worker

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A zygote lives for weeks, and its cgroup may gain and lose processors meanwhile: a worker has those of its birth, not
// those of the zygote's start.
func TestWorkerHasTheProcessorsOfItsBirth(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	var any, all, one unix.CPUSet
	for i := range any {
		any[i] = ^any[i]
	}
	if err := unix.SchedSetaffinity(p.zygote.Pid(), &any); err != nil {
		t.Fatal(err)
	}
	if err := unix.SchedGetaffinity(p.zygote.Pid(), &all); err != nil {
		t.Fatal(err)
	}
	if all.Count() < 2 {
		t.Skip("one processor")
	}
	for i := range all {
		if all[i] != 0 {
			one[i] = all[i] & -all[i]
			break
		}
	}
	for _, c := range []struct {
		name string
		cpus *unix.CPUSet
	}{{"one", &one}, {"all", &all}} {
		if err := unix.SchedSetaffinity(p.zygote.Pid(), c.cpus); err != nil {
			t.Fatal(err)
		}
		w := p.spawn()
		var got unix.CPUSet
		if err := unix.SchedGetaffinity(w.pid, &got); err != nil {
			t.Fatal(err)
		}
		if got != *c.cpus {
			t.Errorf("%s: the worker has %d processors, its zygote %d", c.name, got.Count(), c.cpus.Count())
		}
	}
}
