package master

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// shortage is a time in which a generation's workers cannot be made, because processes, threads, memory or descriptors
// are short. It passes by itself: other attempts follow soon, since room may be there for a moment only, but
// not every one of them is logged.
type shortage struct {
	until    time.Time // no worker is forked before
	failures int       // in a row
	saidAt   time.Time // when one was logged last
	unsaid   int       // how many were not since then
}

const (
	shortageFirst  = 20 * time.Millisecond  // until the second attempt
	shortageMost   = 100 * time.Millisecond // from one attempt to the next
	shortageOver   = 5 * time.Second        // without an attempt
	threadPatience = 500 * time.Millisecond // of a reload with a worker that waits for its threads
	roomTries      = 10                     // of a reload after room was made for it
	shortageRepeat = time.Minute            // from one line of the log to the next
)

// failed records a worker that could not be made. It reports whether to log it.
func (s *shortage) failed(now time.Time) (say bool) {
	s.until = now.Add(min(shortageMost, shortageFirst<<min(s.failures, 10)))
	s.failures++
	if s.saidAt.IsZero() || now.Sub(s.saidAt) >= shortageRepeat {
		s.saidAt = now
		return true
	}
	s.unsaid++
	return false
}

// lasts reports whether it is too early for another attempt.
func (s *shortage) lasts(now time.Time) bool { return now.Before(s.until) }

// goesOn reports whether workers could not be made lately. None is to end then because it is idle.
func (s *shortage) goesOn(now time.Time) bool {
	return s.failures > 0 && now.Sub(s.until) < shortageOver
}

// isShortage reports whether a worker or a zygote can be had later if err is why it cannot now.
func isShortage(err error) bool {
	for _, errno := range []syscall.Errno{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENOBUFS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// exitNoThreads is the status of a worker that could not get the threads to begin with: EXIT_NO_THREADS of
// lifecycle/newthread.h.
const exitNoThreads = 75

var errNoThreads = errors.New("a worker could get no thread to begin with")

// spareDescriptors is how many of the descriptors that the master may have are not for workers: it must always be able
// to reload, to log and to listen to an operator.
func spareDescriptors(limit uint64) uint64 { return min(32, limit/8) }

// leastDescriptors is how many a master needs at the least.
const leastDescriptors = 22

// enough returns EMFILE if fd, the lowest number that was free, is one of the last that the process may have.
func enough(fd int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && uint64(fd)+spareDescriptors(limit.Cur) >= limit.Cur {
		return unix.EMFILE
	}
	return nil
}

// short handles a worker of a pool that could not be made; say logs why. A reload makes room for it.
func (m *Master) short(p *pool, why error, say func()) {
	g, now := p.gen, m.sys.now()
	if m.beginning && m.generation == 1 && g.running() == 0 && errors.Is(why, unix.EMFILE) {
		say()
		m.log.failed()
		m.status = exitSoftware
		m.stop(terminating)
		return
	}
	unsaid := g.shortage.unsaid
	if g.shortage.failed(now) && g != m.next {
		g.shortage.unsaid = 0
		say()
		if unsaid > 0 {
			m.log.workersMissing(unsaid)
		}
	}
	p.respawnAt = g.shortage.until
	if g == m.next {
		m.makeRoom(why)
	}
}

// supplied ends the shortage of a generation one of whose workers is ready.
func (m *Master) supplied(g *generation) {
	if n := g.shortage.failures; n > 1 {
		m.log.workersAgain(n)
	}
	g.shortage = shortage{saidAt: g.shortage.saidAt}
}

// makeRoom ends an idle worker of the generation that serves, so that the next one can have its first: a reload needs
// twice the processes, and is not refused for that. As soon as each pool has a worker that is ready, the old ones go. If
// somebody else takes the room that is made, the reload is given up before it has cost more of them.
func (m *Master) makeRoom(why error) {
	a := m.attempt
	if a.short == nil {
		m.log.makingRoom(why)
	}
	a.short = why
	m.proveReload()
	if m.attempt != a {
		return
	}
	var leaves *child
	for _, p := range m.gen.pools {
		for _, c := range p.children {
			switch {
			case c.makesRoom:
				return // it has been asked
			case !c.hasBegun() && c.pid != 0: // it waits for room itself
				m.leave(c, syscall.SIGKILL)
				return
			}
		}
		if _, _, oldest, _ := p.census(); oldest != nil && (leaves == nil || len(p.children) > len(leaves.pool.children)) {
			leaves = oldest
		}
	}
	if a.tries++; !errors.Is(why, unix.EMFILE) && a.tries > roomTries {
		m.abandonReload(why)
		return
	}
	if leaves != nil && (a.tries == 1 || errors.Is(why, unix.EMFILE)) {
		m.leave(leaves, syscall.SIGQUIT)
	}
}

// leave ends a child to make room.
func (m *Master) leave(c *child, signal syscall.Signal) {
	c.idleKill, c.makesRoom = true, true
	m.tellChild(c, signal)
}

// waitsForThreads makes room for a worker of the next generation that was forked in a shortage and does not become ready: it
// waits for its threads, and its end would be told only after seconds.
func (m *Master) waitsForThreads(now time.Time) {
	a := m.attempt
	if a == nil || a.short == nil || m.next == nil || now.Before(a.roomAt) {
		return
	}
	for _, p := range m.next.pools {
		for _, c := range p.children {
			if c.pid != 0 && !c.ready && !now.Before(c.started.Add(threadPatience)) {
				a.roomAt = now.Add(threadPatience)
				if !c.tried { // the room that was made for its fork is used up
					c.tried, a.tries = true, 0
				}
				m.makeRoom(errNoThreads)
				return
			}
		}
	}
}

// roomMade continues with a reload after a worker has made room for it.
func (m *Master) roomMade() {
	if m.next == nil || m.attempt == nil {
		return
	}
	now := m.sys.now()
	m.next.shortage.until = now
	if !m.attempt.startAt.IsZero() {
		m.attempt.startAt = now
	}
	for _, p := range m.next.pools {
		if !p.respawnAt.IsZero() {
			p.respawnAt = now
		}
	}
}

// fillAgain replaces what has made room for a reload that failed.
func (m *Master) fillAgain() {
	for _, p := range m.gen.pools {
		if p.limits.PM == conf.Static {
			p.respawnAt = m.sys.now()
		}
	}
}

// hasWorker reports whether a worker of the pool is ready.
func (p *pool) hasWorker() bool {
	return slices.ContainsFunc(p.children, func(c *child) bool { return c.ready })
}

// starves reports whether another pool than p wants a worker and has none: what room there is goes to it first.
func (g *generation) starves(p *pool) bool {
	return slices.ContainsFunc(g.pools, func(other *pool) bool {
		return other != p && !other.hasWorker() && other.wantsWorker()
	})
}

// makesWay reports whether a generation makes no workers because another one is short of them.
func (m *Master) makesWay(g *generation) bool {
	return g == m.gen && m.attempt != nil && m.attempt.short != nil
}
