package master

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/poll"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// parking is where kept connections that are idle wait for their next request, so that none pins a worker. The
// master never reads a byte of them: it learns that there is something to read, and hands the connection to a worker
// that has said it is idle.
//
// Ondemand pools' sockets are watched by the same means.
type parking struct {
	m       *Master
	watch   *poll.Watcher
	parked  map[int32]*parked
	sockets map[int32]*pool
	most    int       // connections; each pool has a share of them, and one whose workers park more loses only those
	rest    closer    // of connections that no pool serves any more
	retryAt time.Time // when workers are asked again for the connections that are due; zero: none are
}

// parked is a kept connection. It is in parking.parked while it is idle, and in pool.due from the arrival of its
// next request until a worker takes it.
type parked struct {
	fd   int
	pool *pool
}

// retryInterval is how long a worker that looked idle may take to say so before all are asked.
const retryInterval = 5 * time.Millisecond

func newParking(m *Master) (*parking, error) {
	w, err := poll.New(func(news []poll.News, taken func()) { m.box.post(readable{news, taken}) })
	if err != nil {
		return nil, err
	}
	return &parking{m: m, watch: w, most: mostParked(), parked: map[int32]*parked{}, sockets: map[int32]*pool{}}, nil
}

// mostParked leaves half of the descriptors the master may have for everything else.
func mostParked() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 512
	}
	return int(min(limit.Cur, 1<<20) / 2)
}

// park takes a connection from a worker. It returns false if the pool has its share already, or nobody serves it.
func (k *parking) park(p *pool, fd int) bool {
	heir := k.m.heir(p)
	if heir == nil || k.held(heir) >= max(k.most/len(heir.gen.pools), 1) {
		return false
	}
	id, err := k.watch.Once(fd)
	if err != nil {
		return false
	}
	k.parked[id] = &parked{fd, heir}
	heir.idleKept++
	return true
}

// held is how many descriptors the master has for a pool's connections.
func (k *parking) held(p *pool) int { return p.idleKept + len(p.due) + p.closer.pending() }

// close closes a connection; p is nil if no pool serves it any more.
func (k *parking) close(p *pool, fd int) {
	if p == nil {
		k.rest.close(fd)
		return
	}
	p.closer.close(fd)
}

// readable is news of connections and sockets that are watched.
type readable struct {
	news  []poll.News
	taken func()
}

func (e readable) happen(m *Master) {
	for _, news := range e.news {
		m.park.readable(news)
	}
	e.taken()
}

// readable takes note that there is something to read from a connection or at a socket, or that a client has gone.
func (k *parking) readable(e poll.News) {
	if p := k.sockets[e.ID]; p != nil {
		waiting{p}.happen(k.m)
		return
	}
	c := k.parked[e.ID]
	if c == nil {
		return
	}
	delete(k.parked, e.ID)
	if c.pool != nil {
		c.pool.idleKept--
	}
	k.watch.Forget(c.fd)
	if n, err := unix.IoctlGetInt(c.fd, unix.TIOCINQ); c.pool == nil || err != nil || n == 0 && e.Gone {
		k.close(c.pool, c.fd)
		return
	}
	c.pool.due = append(c.pool.due, c)
	k.find(c.pool)
}

// find looks for a worker for a pool's connections that are due: it asks one that looks idle, or all.
func (k *parking) find(p *pool) {
	if len(p.due) == 0 {
		return
	}
	idle, _, _, _ := p.census()
	if p.limits.PM == conf.Ondemand && idle == 0 {
		waiting{p}.happen(k.m)
	}
	if idle > 0 && k.askOne(p) {
		k.retryAt = k.m.sys.now().Add(retryInterval)
		return
	}
	k.askAll(p)
}

// askOne asks a worker that looks idle; at first those without a kept connection of their own, which they would park
// in turn.
func (k *parking) askOne(p *pool) bool {
	var a scoreboard.Activity
	for _, keeps := range []bool{false, true} {
		for _, c := range p.children {
			if !c.asked && c.idle(&a) && p.board.Keeps(c.slot) == keeps && k.ask(c) {
				return true
			}
		}
	}
	return false
}

func (k *parking) askAll(p *pool) {
	for _, c := range p.children {
		if c.ready && !c.asked {
			k.ask(c)
		}
	}
}

func (k *parking) ask(c *child) bool {
	if c.yields {
		return false
	}
	c.asked = c.control.Send(contract.WhenIdle, "", -1) == nil
	return c.asked
}

// retry asks everybody for the connections that nobody has taken yet.
func (k *parking) retry() {
	k.retryAt = time.Time{}
	for _, p := range k.m.gen.pools {
		if len(p.due) > 0 {
			k.askAll(p)
		}
	}
}

// idle is a worker's word that it is, and that it waits for an answer.
func (k *parking) idle(c *child) {
	c.asked = false
	p := k.m.heir(c.pool)
	if c.yields {
		c.control.Send(contract.Nothing, "", -1)
		if p != nil {
			k.find(p) // another takes what it was asked for
		}
		return
	}
	if p != c.pool || p == nil || len(p.due) == 0 {
		c.control.Send(contract.Nothing, "", -1)
		return
	}
	first := p.due[0]
	if c.control.Send(contract.Connection, "", first.fd) != nil {
		return // the worker is gone, the connection is due still
	}
	k.close(p, first.fd) // the worker may have closed its own already, and this be the last
	p.due = p.due[1:]
	if len(p.due) > 0 {
		k.ask(c)
	}
}

// move hands what a retired generation's pools have to those of the new one, by their sockets; closes what nobody
// listens for any more.
func (k *parking) move(from *generation) {
	for _, c := range k.parked {
		if c.pool != nil && c.pool.gen == from {
			c.pool.idleKept--
			if c.pool = k.m.heir(c.pool); c.pool != nil { // one without a pool is closed when it says something
				c.pool.idleKept++
			}
		}
	}
	for _, p := range from.pools {
		heir := k.m.heir(p)
		for _, c := range p.due {
			if heir == nil {
				k.close(nil, c.fd)
				continue
			}
			c.pool = heir
			heir.due = append(heir.due, c)
		}
		p.due = nil
		if heir != nil {
			k.find(heir)
		}
	}
}

// listen watches an ondemand pool's socket.
func (k *parking) listen(p *pool) {
	if p.limits.PM != conf.Ondemand {
		return
	}
	fd := p.socket.FD()
	k.watch.Forget(fd) // the last generation's pool may have watched it
	if id, err := k.watch.Each(fd); err == nil {
		k.sockets[id] = p
		p.watched = id
	}
}

// rearm looks again at what waits at an ondemand pool's socket.
func (k *parking) rearm(p *pool) {
	if k.sockets[p.watched] == p {
		k.watch.Again(p.socket.FD(), p.watched)
	}
}

// unlisten forgets a generation's sockets, unless another watches them by now.
func (k *parking) unlisten(g *generation) {
	for id, p := range k.sockets {
		if p.gen == g {
			delete(k.sockets, id)
		}
	}
}

// heir is the pool that has another's socket in the generation that serves; nil if there is none.
func (m *Master) heir(p *pool) *pool {
	if p.gen == m.gen || m.gen == nil {
		return p
	}
	for _, other := range m.gen.pools {
		if other.socket == p.socket {
			return other
		}
	}
	return nil
}
