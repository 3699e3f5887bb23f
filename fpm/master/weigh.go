package master

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Processes are weighed for metrics, by the memory that is theirs in proportion (PSS): the master may read that of all of them, an observer
// may not. They are weighed if somebody asks, no more often than once in weighInterval, and no longer than weighTime at a time: the next
// round continues with those that were not reached.
const (
	weighInterval = 10 * time.Second
	weighTime     = 50 * time.Millisecond
)

// weighing is what the master remembers of it.
type weighing struct {
	under bool // way
	at    time.Time
	next  int              // where the next round begins, in the order of weighed
	own   map[string]int64 // bytes, by the kind of process
}

// weighed is a process that is to be weighed, and its weight.
type weighed struct {
	pid   int
	child *child // nil: it is of kind
	kind  string
	bytes int64 // 0: not known
}

// weigh weighs the processes beside the loop, if it is time.
func (m *Master) weigh() {
	w, now := &m.weighing, m.sys.now()
	if w.under || !w.at.IsZero() && now.Sub(w.at) < weighInterval {
		return
	}
	w.under, w.at = true, now
	all, begin := m.allWeighed(), w.next
	go func() {
		n := 0
		for ends := time.Now().Add(weighTime); n < len(all) && time.Now().Before(ends); n++ {
			one := &all[(begin+n)%len(all)]
			one.bytes = proportional(one.pid)
		}
		m.box.post(processesWeighed{all, begin + n})
	}()
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
	all  []weighed
	next int
}

func (e processesWeighed) happen(m *Master) {
	w := &m.weighing
	w.under, w.next = false, e.next
	own := map[string]int64{}
	for _, one := range e.all {
		switch {
		case one.bytes == 0:
		case one.child != nil:
			one.child.weight = one.bytes
		default:
			own[one.kind] += one.bytes
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

// proportional returns how much memory a process has in proportion, in bytes; 0: it cannot be told.
func proportional(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("\nPss:"))
	number, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" kB"))
	kib, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
