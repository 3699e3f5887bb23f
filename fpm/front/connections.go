package front

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// connections are the clients' connections of all listeners. There are never more of them than the limit: a listener
// does not accept until there is room, and room is made at the cost of those that wait for their next request.
type connections struct {
	timeout time.Duration // contract.FrontLimits.BodyTimeout
	yields  atomic.Bool   // see yield.go
	room    chan struct{} // holds one for each connection; nil: any number
	lot     *lot

	mu   sync.Mutex
	open map[*conn]struct{}
}

// newConnections bounds connections; limit 0: no bound.
func newConnections(limit int, timeout time.Duration, lot *lot) *connections {
	c := &connections{timeout: timeout, lot: lot, open: map[*conn]struct{}{}}
	if limit > 0 {
		c.room = make(chan struct{}, limit)
	}
	return c
}

// enter takes room for one connection, and waits until there is some. It returns false if done is closed.
func (c *connections) enter(done <-chan struct{}) bool {
	if c.room == nil {
		return true
	}
	select {
	case c.room <- struct{}{}:
		return true
	default:
	}
	for {
		c.makeRoom()
		retry := time.NewTimer(roomInterval)
		select {
		case c.room <- struct{}{}:
			retry.Stop()
			return true
		case <-done:
			retry.Stop()
			return false
		case <-retry.C:
		}
	}
}

// roomInterval is how often connections that became idle are looked for while there is no room.
const roomInterval = 100 * time.Millisecond

func (c *connections) leave() {
	if c.room != nil {
		<-c.room
	}
}

// park moves a connection that net/http has closed to the lot.
func (c *connections) park(one *conn) {
	parked := newConn(one.Conn, c)
	parked.at, parked.accepted, parked.readBy = one.at, one.accepted, one.readBy
	parked.parkable.Store(true)
	parked.place.Store(announced)
	parked.idle.Store(max(one.idle.Load(), 1))
	c.mu.Lock()
	delete(c.open, one)
	c.open[parked] = struct{}{}
	c.mu.Unlock()
	c.lot.park(parked)
}

func (c *connections) release(one *conn) {
	c.mu.Lock()
	delete(c.open, one)
	c.mu.Unlock()
	c.leave()
}

// makeRoom closes the connections that have been idle longest, a thirty-second of them: one look through all of
// them makes room for many.
func (c *connections) makeRoom() {
	type waiting struct {
		*conn
		since int64
	}
	var idle []waiting
	c.mu.Lock()
	for one := range c.open {
		if since := one.idle.Load(); since != 0 {
			idle = append(idle, waiting{one, since})
		}
	}
	c.mu.Unlock()
	slices.SortFunc(idle, func(a, b waiting) int { return cmp.Compare(a.since, b.since) })
	for _, w := range idle[:(len(idle)+31)/32] {
		if w.idle.Load() == w.since && !c.lot.drop(w.conn) {
			w.Conn.Close() // its server sees the end and closes the rest
		}
	}
}

// lively reports whether a connection is busy with a request, or was until less than moment ago.
func (c *connections) lively(moment time.Duration) bool {
	begin := time.Now().Add(-moment).UnixNano()
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		if since := one.idle.Load(); one.begun.Load() && (since == 0 || since > begin) {
			return true
		}
	}
	return false
}

// fresh is how many connections have brought no request yet.
func (c *connections) fresh() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		if !one.begun.Load() {
			n++
		}
	}
	return n
}
