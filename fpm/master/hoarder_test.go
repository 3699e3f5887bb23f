package master

import (
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// A script's processes had used up the limit of tasks, and another pool's clients waited for as long as it ran.
func TestHoarderIsTheWorkerOfAnotherPoolWithTheMostProcesses(t *testing.T) {
	processes := map[int]int{1: hoard - 1, 2: hoard, 3: hoard + 5, 4: 100, 5: hoard + 1}
	withPids := func(name string, pids ...int) *pool {
		p := &pool{conf: &conf.Pool{Name: name}}
		for _, pid := range pids {
			p.children = append(p.children, &child{pool: p, pid: pid})
		}
		return p
	}
	starving := withPids("starving", 4)
	for name, c := range map[string]struct {
		pools []*pool
		want  int // the pid; 0: none
	}{
		"the most, of all generations": {[]*pool{withPids("a", 1, 2, 3), withPids("b", 5)}, 3},
		"fewer are not a hoard":        {[]*pool{withPids("a", 1)}, 0},
		"not its own":                  {[]*pool{withPids("starving", 4), withPids("a", 2)}, 2},
		"one that is being forked":     {[]*pool{withPids("a", 0)}, 0},
	} {
		generations := []*generation{{pools: append(c.pools[1:], starving)}, {pools: c.pools[:1]}}
		got, n := hoarder(generations, starving, func(pid int) int { return processes[pid] })
		switch {
		case c.want == 0 && got != nil, c.want != 0 && (got == nil || got.pid != c.want || n != processes[c.want]):
			t.Errorf("%s: got %+v with %d processes, want %d", name, got, n, c.want)
		}
	}
}
