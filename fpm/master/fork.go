// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_children_make)

package master

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// forks are a generation's children that are not forked yet. A booked child has its slot and counts as one of the
// pool's; the zygote is asked for one at a time, on a goroutine, because it may not answer.
type forks struct {
	booked []*child
	asked  *child             // the one that the zygote was asked for; nil: none
	cancel context.CancelFunc // gives up the zygote that was asked
}

// forked is the zygote's answer.
type forked struct {
	c       *child
	process process
	err     error
}

// forkNext has the next booked child forked, unless another one is.
func (m *Master) forkNext(g *generation) {
	f := &g.forks
	if f.asked != nil || len(f.booked) == 0 {
		return
	}
	c := f.booked[0]
	f.booked = f.booked[1:]
	equipment, err := m.equip(c)
	if err != nil {
		equipment.close()
		c.discard()
		m.notForked(c, err, func() {
			m.log.resourcesFailed(c.pool.conf.Name, err)
			m.log.fewDescriptors(err)
		})
		return
	}
	payload, err := equipment.spec.Encode()
	if err != nil {
		panic("BUG: a worker's orders: " + err.Error())
	}
	c.pool.board.Occupy(c.slot)
	c.started = m.sys.now()
	ctx, cancel := context.WithCancel(context.Background())
	f.asked, f.cancel = c, cancel
	z := g.zygote
	go func() {
		process, err := z.Fork(ctx, contract.WorkerTitle(c.pool.conf.Name), payload, equipment.fds...)
		cancel()
		for _, fd := range equipment.fds {
			unix.Close(fd)
		}
		m.box.post(forked{c, process, err})
	}()
}

func (e forked) happen(m *Master) {
	c, p, g := e.c, e.c.pool, e.c.pool.gen
	g.forks.asked, g.forks.cancel = nil, nil
	if e.err != nil {
		p.board.Vacate(c.slot)
		c.discard()
		if errors.Is(e.err, context.Canceled) { // the stop of the service: cancelFork
			p.unlink(c)
			m.childGone(g)
			return
		}
		if errors.Is(e.err, zygote.ErrGone) {
			m.notForked(c, e.err, func() { m.log.zygoteSilent(g.number, e.err) })
		} else {
			m.notForked(c, e.err, func() { m.log.forkFailed(e.err) })
		}
		m.reapedEarly()
		return
	}
	c.process, c.pid = e.process, e.process.Pid()
	p.board.SetPid(c.slot, c.pid)
	m.listenTo(c)
	m.log.childStarted(p.conf.Name, c.pid, c.quiet)
	if c.then != nil {
		c.then()
	}
	if c.signal != 0 {
		m.tellChild(c, c.signal)
	}
	workerExited{c}.happen(m) // if it has been told already
	m.reapedEarly()
	m.forkNext(g)
	m.begun()
}

// afterForks calls then when all children that are booked have been forked.
func (g *generation) afterForks(then func()) {
	last := g.forks.asked
	if n := len(g.forks.booked); n > 0 {
		last = g.forks.booked[n-1]
	}
	if last == nil {
		then()
		return
	}
	before := last.then
	last.then = func() {
		if before != nil {
			before()
		}
		then()
	}
}

// notForked takes a child that could not be made off the books, and those that are booked after it: they would fail as
// well. say logs why.
func (m *Master) notForked(c *child, err error, say func()) {
	g := c.pool.gen
	c.pool.unlink(c)
	booked := g.forks.booked
	m.unbook(g)
	if isShortage(err) {
		m.short(c.pool, fmt.Errorf("%w: %w", errSpawn, err), say)
	} else {
		say()
		c.pool.respawnAt = m.sys.now().Add(shortageMost)
	}
	for _, other := range booked {
		other.pool.respawnAt = c.pool.respawnAt
	}
	if errors.Is(err, zygote.ErrGone) && g.zygote != nil {
		zygoteEnded{g, g.zygote}.happen(m)
	}
	if g == m.next && !isShortage(err) {
		m.abandonReload(fmt.Errorf("%w: %w", errSpawn, err))
		return
	}
	m.childGone(g)
	m.begun()
}

// unbook forgets the children that the zygote was not asked for yet.
func (m *Master) unbook(g *generation) {
	for _, c := range g.forks.booked {
		c.pool.unlink(c)
	}
	g.forks.booked = nil
}

// cancelFork gives up a zygote that is being asked for a child.
func (g *generation) cancelFork() {
	if g.forks.cancel != nil {
		g.forks.cancel()
	}
}
