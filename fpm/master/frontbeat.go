package master

import (
	"encoding/json"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// beatInterval is how often a front is asked for a sign of life.
const beatInterval = time.Second

// mostUnanswered is how many of these a front may leave unanswered before it is replaced. They are counted, not timed: if
// all processes stood still for a while, the master must not blame the front.
const mostUnanswered = 10

// startPatience is how long a front may take until it serves.
const startPatience = 30 * time.Second

// beat asks a front for a sign of life, and replaces one that gives none. Somebody with the rights of its user may have
// stopped it.
func (m *Master) beat(f *front, now time.Time) {
	f.beatAt = now.Add(beatInterval)
	if hasStopped(f.pid) {
		m.log.frontStopped(f.gen.number, f.pid)
		if !f.quit && m.state == normal && f.gen != m.next {
			f.stopped = true
			m.quitFront(f.gen) // it may finish its requests
			m.replaceFront(f.gen, f, now)
		}
		m.sys.kill(f.pid, syscall.SIGCONT)
		return
	}
	if f.quit || m.state != normal {
		return
	}
	if f.unanswered++; f.ready && f.unanswered > mostUnanswered || !f.ready && now.Sub(f.started) > startPatience {
		m.log.frontSilent(f.gen.number, f.pid, now.Sub(f.answered))
		f.unanswered = 0
		m.sys.kill(f.pid, syscall.SIGKILL) // its end brings another
		return
	}
	if !f.ready {
		return
	}
	var supplies []contract.PoolSupply
	for _, p := range f.gen.plan.pools(f.gen) {
		supplies = append(supplies, p.supply())
	}
	text, _ := json.Marshal(supplies)
	f.control.Send(contract.Beat, string(text), -1)
}

// hasStopped reports whether a child of this process was stopped by a signal since the last call.
func hasStopped(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0
}

// supply is what a front has to know of a pool's workers.
func (p *pool) supply() contract.PoolSupply {
	s := contract.PoolSupply{Pool: p.conf.Name, Workers: -1, Most: p.limits.MaxChildren}
	if p.limits.PM == conf.Dynamic && !p.isPaused() && len(p.children) < p.limits.MaxChildren {
		s.Workers = max(len(p.children), 1)
	}
	var t scoreboard.Totals
	if p.isDirect() && p.board.Totals(&t) {
		s.Connections = t.Connections
	}
	return s
}

// heedFront takes what a front wants of its pools.
func (m *Master) heedFront(f *front, text string) {
	var demands []contract.PoolDemand
	if json.Unmarshal([]byte(text), &demands) != nil {
		return
	}
	for _, d := range demands {
		for _, p := range f.gen.plan.pools(f.gen) {
			if p.conf.Name == d.Pool {
				p.demand = d
				p.publishDemand()
				m.meetDemand(p)
			}
		}
	}
}

// publishDemand shows what a front's requests wait for.
func (p *pool) publishDemand() {
	s, d := p.published, p.demand
	s.HTTPBusy = d.Busy
	s.HTTP, s.HTTPQueue, s.HTTPRefused = true, max(d.Waiting+d.Backlog, 0), d.Refused
	s.MaxHTTPQueue = max(s.MaxHTTPQueue, d.Most)
	if s != p.published {
		p.published = s
		p.board.Publish(s)
	}
}

// meetDemand forks as many workers as a front's requests want. The idle ones that php-fpm counts once a second say nothing
// of those that wait.
func (m *Master) meetDemand(p *pool) {
	l, running := p.limits, p.running()
	if l.PM != conf.Dynamic || p.gen != m.gen || !m.mayFork(p) || !p.respawnAt.IsZero() {
		return
	}
	wanted := p.demand.Busy + p.demand.Waiting + p.demand.Backlog + p.answering()
	if n := min(wanted-running, l.MaxChildren-running, l.MaxSpawn); n > 0 {
		m.makeChildren(p, n, true)
		m.log.createdForHTTP(p.conf.Name, n, wanted)
	}
}

// answering is how many workers answer requests by HTTP that no front has handed to them.
func (p *pool) answering() (n int) {
	for _, c := range p.children {
		if c.rescue == nil {
			continue
		}
		switch p.board.HTTP(c.slot).State {
		case scoreboard.HTTPUnsent, scoreboard.HTTPSent:
			n++
		}
	}
	return n
}
