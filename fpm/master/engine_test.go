package master

import (
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/boards"
)

// twoEngines puts three pools into a master's generation: two of one PHP, one of another. Both have zygotes.
func twoEngines(t *testing.T, m *Master) (first, second *engine) {
	t.Helper()
	g := m.gen
	g.engines = nil
	for range 2 {
		g.pools = append(g.pools, &pool{gen: g, conf: &conf.Pool{Name: "more"}, board: boards.One(t)})
	}
	for _, p := range g.pools {
		p.slots = make([]*child, 1)
	}
	g.pools[0].conf.RequestSlowlogTimeout = time.Second
	g.assign(func(i int, _ *pool) zygote.Config { return zygote.Config{Engine: []string{"8.2", "8.4", "8.2"}[i]} })
	if len(g.engines) != 2 {
		t.Fatalf("%d engines, want 2", len(g.engines))
	}
	for _, e := range g.engines {
		z := &fakeZygote{done: make(chan struct{})}
		z.running.Add(1)
		e.zygote = z
	}
	return g.engines[0], g.engines[1]
}

func TestPoolsThatWantTheSamePHPShareIt(t *testing.T) {
	m := idleMaster(t)
	first, second := twoEngines(t, m)
	pools := m.gen.pools
	if pools[0].engine != first || pools[1].engine != second || pools[2].engine != first || len(first.pools) != 2 {
		t.Errorf("the pools have %p, %p, %p of %p and %p", pools[0].engine, pools[1].engine, pools[2].engine, first, second)
	}
	if !first.launch.Monitor || second.launch.Monitor {
		t.Error("the pool with a slow log is the first one's")
	}

	// Other settings are another PHP.
	g := &generation{pools: pools[:2]}
	g.assign(func(i int, _ *pool) zygote.Config {
		return zygote.Config{Engine: "8.2", Module: sapi.Module{WithoutPCNTL: i == 0}}
	})
	if len(g.engines) != 2 {
		t.Errorf("%d engines, want 2", len(g.engines))
	}
}

// The end of a zygote concerns its pools alone: the others' workers are still forked, and their ends told.
func TestEndOfAZygoteConcernsItsPoolsAlone(t *testing.T) {
	m := idleMaster(t)
	m.maintainAt = m.sys.now()
	first, second := twoEngines(t, m)
	var lost []*child
	for _, p := range m.gen.pools {
		c := &child{pool: p, pid: 1<<30 + len(lost), process: &fakeChild{done: make(chan struct{})}, ready: true}
		p.link(c)
		m.lost(c)
		lost = append(lost, c)
	}
	booked := &child{pool: m.gen.pools[1]}
	second.forks.booked = []*child{booked}

	zygoteEnded{first, first.zygote}.happen(m)
	if !lost[0].gone || lost[1].gone || !lost[2].gone {
		t.Errorf("buried: %v, %v, %v; want those of the zygote", lost[0].gone, lost[1].gone, lost[2].gone)
	}
	if len(second.forks.booked) != 1 || second.zygote == nil || second.silentAt.IsZero() {
		t.Errorf("the other engine is %+v", second)
	}
	if m.mayFork(m.gen.pools[0]) || !m.mayFork(m.gen.pools[1]) {
		t.Error("the other pool alone may have more workers")
	}
	if !m.gen.lacksZygote() || first.restartAt.IsZero() {
		t.Error("the zygote is to be had again")
	}

	// One that does not tell ends is given up alone, too.
	m.checkZygote(second, second.silentAt)
	if second.zygote != nil || !lost[1].gone {
		t.Error("it was not given up")
	}
}

// A reload commits when all of its PHPs have started, and fails with one of them.
func TestReloadNeedsAllOfItsPHPs(t *testing.T) {
	for name, fails := range map[string]bool{"starts": false, "fails": true} {
		m := idleMaster(t)
		old := m.gen
		first, second := twoEngines(t, m)
		next := m.gen
		m.gen = &generation{number: 2, config: old.config, faults: pm.NewFaults(0, 0)}
		m.next, m.attempt = next, m.newAttempt()
		m.attempt.renewal = true
		next.plan = &plan.Plan{}
		zygotes := []forker{first.zygote, second.zygote}
		for _, e := range next.engines {
			e.zygote, e.cancelStart = nil, func() {}
			m.executing++
		}
		for i, e := range next.engines {
			if i == 1 && fails {
				zygoteStarted{e, nil, nil, &zygote.FailedError{Reason: "it is broken"}}.happen(m)
				continue
			}
			zygoteStarted{e, zygotes[i], nil, nil}.happen(m)
			if i == 0 && (m.next != next || m.attempt == nil || first.zygote == nil) {
				t.Fatalf("%s: the reload does not wait for the second PHP", name)
			}
		}
		if m.next != nil || (m.gen == next) == fails {
			t.Errorf("%s: the new generation serves: %v", name, m.gen == next)
		}
		if fails && first.zygote != nil {
			t.Errorf("%s: the first PHP was left", name)
		}
	}
}
