package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// handover is a reload whose new generation serves and which was not announced yet: until the old workers have yielded one
// of them may still take a connection, and answer a request that comes after the announcement by the old settings.
type handover struct {
	reload *attempt
	old    *generation
	until  time.Time // when it is announced all the same
	lookAt time.Time // when to look again
	open   bool      // the new generation has all that the old one had
}

// handoverPatience is how long the announcement waits for old workers, and handoverInterval how often they are looked at.
const (
	handoverPatience = time.Second
	handoverInterval = 2 * time.Millisecond
)

// pending reports whether the announcement must wait.
func (h *handover) pending(now time.Time) bool {
	if h == nil || h.open && !now.Before(h.until) {
		return false
	}
	h.lookAt = now.Add(handoverInterval)
	if !h.open {
		return true
	}
	for _, p := range h.old.pools {
		for _, c := range p.children {
			if c.mayTakeConnections() {
				return true
			}
		}
	}
	return false
}

// mayTakeConnections reports whether a child that was told to yield may not know it yet. One that answers a request will
// know before it looks for the next.
func (c *child) mayTakeConnections() bool {
	var a scoreboard.Activity
	return c.ready && !c.yielded && !c.lost && c.pool.board.Activity(c.slot, &a) && a.Stage < scoreboard.Info
}

// announce tells those who wait for a reload that it has ended, and begins the one that was asked for meanwhile.
func (m *Master) announce() {
	h := m.handover
	if h == nil {
		return
	}
	m.handover = nil
	m.reloadEnded(nil, h.reload.lines.lines)
	if h.reload.again {
		m.log.reloading()
		m.reload()
	}
}
