package master

import (
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/machine"
)

// In a lack of processes, only the pool whose script has used them up is to suffer. A worker whose scripts hold many
// processes is therefore ended if another pool wants a worker, has had none for a while, and cannot get one.
const (
	starvingTime = 2 * time.Second // that a pool goes without a worker
	hoard        = 8               // processes of one worker's scripts
)

// endHoarder ends the worker that holds the most processes if a pool starves.
func (m *Master) endHoarder(now time.Time) {
	g := m.gen
	starving := g.starving()
	if starving == nil || !g.shortage.goesOn(now) && !m.makesWay(g) {
		g.starvingSince = time.Time{}
		return
	}
	if g.starvingSince.IsZero() {
		g.starvingSince = now
	}
	if now.Sub(g.starvingSince) < starvingTime {
		return
	}
	c, processes := hoarder(m.generations(), starving, machine.Children)
	if c == nil {
		return
	}
	signal := syscall.SIGTERM
	if c.hoards {
		signal = syscall.SIGKILL
	}
	c.hoards = true
	m.log.hoarderEnded(c.pool.conf.Name, c.pid, processes, starving.conf.Name)
	m.tellChild(c, signal)
}

// starving returns a pool that wants a worker and has none; nil if there is no such pool.
func (g *generation) starving() *pool {
	for _, p := range g.pools {
		if p.wantsWorker() && !p.hasWorker() {
			return p
		}
	}
	return nil
}

// wantsWorker reports whether a pool is to have a worker now.
func (p *pool) wantsWorker() bool {
	return !p.isPaused() && (p.limits.PM != conf.Ondemand || p.socket.Readable())
}

// hoarder returns the worker that holds the most processes, and how many. It is nil if none holds a hoard. A pool that
// starves is not served better by the end of a worker of its own, in an old generation perhaps.
func hoarder(generations []*generation, starving *pool, count func(pid int) int) (most *child, processes int) {
	for _, g := range generations {
		for _, p := range g.pools {
			if p.conf.Name == starving.conf.Name {
				continue
			}
			for _, c := range p.children {
				if c.pid == 0 {
					continue
				}
				if n := count(c.pid); n >= hoard && n > processes {
					most, processes = c, n
				}
			}
		}
	}
	return most, processes
}
