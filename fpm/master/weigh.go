package master

import (
	"os"

	"github.com/phpsapi/phpsapi/fpm/machine"
)

// weighing is what the master remembers of its processes' weights (machine.Scales). They are for metrics: the master may read the memory of all of them,
// an observer may not.
type weighing struct {
	scales machine.Scales
	own    map[string]int64 // bytes, by the kind of process; workers have theirs
}

// weighed is a process that is to be weighed.
type weighed struct {
	pid   int
	child *child // nil: it is of kind
	kind  string
}

// weigh weighs the processes beside the loop, if it is time.
func (m *Master) weigh() {
	round, begins := m.weighing.scales.Begin(m.sys.now())
	if !begins {
		return
	}
	all := m.allWeighed()
	pids := make([]int, len(all))
	for i, one := range all {
		pids[i] = one.pid
	}
	go func() { m.box.post(processesWeighed{round, all, round.Weigh(pids)}) }()
}

// allWeighed are the processes that are to be weighed: those of the master's own first.
func (m *Master) allWeighed() []weighed {
	all := []weighed{{pid: os.Getpid(), kind: "master"}}
	for _, f := range m.fronts {
		all = append(all, weighed{pid: f.Pid, kind: "front"})
	}
	for _, o := range m.observers.All() {
		all = append(all, weighed{pid: o.Pid, kind: "observer"})
	}
	for _, g := range m.generations() {
		for _, e := range g.engines {
			if e.zygote != nil {
				all = append(all, weighed{pid: e.zygote.Pid(), kind: "zygote"})
			}
		}
	}
	for _, g := range m.generations() {
		for _, p := range g.pools {
			for _, c := range p.children {
				if c.pid != 0 {
					all = append(all, weighed{pid: c.pid, child: c})
				}
			}
		}
	}
	return all
}

// processesWeighed is the end of a round.
type processesWeighed struct {
	round *machine.Round
	all   []weighed
	bytes []int64 // of all
}

func (e processesWeighed) happen(m *Master) {
	w := &m.weighing
	w.scales.Ended(e.round)
	own := map[string]int64{}
	for i, bytes := range e.bytes {
		switch one := e.all[i]; {
		case bytes == 0:
		case one.child != nil:
			one.child.weight = bytes
		default:
			own[one.kind] += bytes
		}
	}
	for kind, bytes := range w.own { // of those that were not reached
		if own[kind] == 0 {
			own[kind] = bytes
		}
	}
	w.own = own
	for _, g := range m.generations() {
		for _, p := range g.pools {
			p.publishWeight()
		}
	}
}

// publishWeight shows what the pool's workers weigh. Those that were not weighed count as the others do.
func (p *pool) publishWeight() {
	sum, known := int64(0), int64(0)
	for _, c := range p.children {
		if c.weight > 0 {
			sum += c.weight
			known++
		}
	}
	if known > 0 {
		sum = sum / known * int64(len(p.children))
	}
	if sum != p.published.Weight {
		p.published.Weight = sum
		p.board.Publish(p.published)
	}
}
