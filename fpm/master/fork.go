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

// forks are an engine's children that are not forked yet. A booked child has its slot and counts as one of the
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
func (m *Master) forkNext(n *engine) {
	f := &n.forks
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
	payload := equipment.spec.Encode()
	c.pool.board.Occupy(c.slot)
	c.started = m.sys.now()
	ctx, cancel := context.WithCancel(context.Background())
	f.asked, f.cancel = c, cancel
	z := n.zygote
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
	c, p, g, n := e.c, e.c.pool, e.c.pool.gen, e.c.pool.engine
	n.forks.asked, n.forks.cancel = nil, nil
	if e.err != nil {
		p.board.Vacate(c.slot)
		c.discard()
		if errors.Is(e.err, context.Canceled) { // the stop of the service: cancelFork
			p.unlink(c)
			m.childGone(g)
			return
		}
		if errors.Is(e.err, zygote.ErrGone) {
			m.notForked(c, e.err, func() { m.log.zygoteSilent(g.number, p.engine.label(), e.err) })
		} else {
			m.notForked(c, e.err, func() { m.log.forkFailed(e.err) })
		}
		m.reapedEarly()
		return
	}
	c.process, c.pid = e.process, e.process.Pid()
	p.published.Started++
	p.board.Publish(p.published)
	p.board.SetPid(c.slot, c.pid)
	m.listenTo(c)
	m.log.childStarted(p.conf.Name, c.pid, c.quiet)
	if c.then != nil {
		c.then()
	}
	if c.signal != 0 {
		m.tellChild(c, c.signal)
	}
	m.reapedEarly()
	m.forkNext(n)
	m.begun()
}

// afterForks calls then when all children that are booked have been forked.
func (e *engine) afterForks(then func()) {
	last := e.forks.asked
	if n := len(e.forks.booked); n > 0 {
		last = e.forks.booked[n-1]
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
	g, n := c.pool.gen, c.pool.engine
	c.pool.unlink(c)
	booked := n.forks.booked
	m.unbook(n)
	if isShortage(err) {
		m.short(c.pool, fmt.Errorf("%w: %w", errSpawn, err), say)
	} else {
		say()
		c.pool.respawnAt = m.sys.now().Add(shortageMost)
	}
	for _, other := range booked {
		other.pool.respawnAt = c.pool.respawnAt
	}
	if errors.Is(err, zygote.ErrGone) && n.zygote != nil {
		zygoteEnded{n, n.zygote}.happen(m)
	}
	if g == m.next && !isShortage(err) {
		m.abandonReload(fmt.Errorf("%w: %w", errSpawn, err))
		return
	}
	m.childGone(g)
	m.begun()
}

// unbook forgets the children that the zygote was not asked for yet.
func (m *Master) unbook(e *engine) {
	for _, c := range e.forks.booked {
		c.pool.unlink(c)
	}
	e.forks.booked = nil
}

// cancelFork gives up a zygote that is being asked for a child.
func (e *engine) cancelFork() {
	if e.forks.cancel != nil {
		e.forks.cancel()
	}
}
