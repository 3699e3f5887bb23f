package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// handover is a reload whose new generation serves and which was not announced yet: until the old workers and the old front
// have yielded one of them may still take a connection, and answer a request that comes after the announcement by the old
// settings.
type handover struct {
	reload *attempt
	old    *generation
	until  time.Time // when it is announced all the same
	lookAt time.Time // when to look again
	open   bool      // the new generation has all that the old one had
	former bool      // former processes are what is replaced: an upgrade
	from   string    // the version of the program before, when the upgrade has succeeded
	why    error     // the upgrade has failed
}

// handoverPatience is how long the announcement waits for the old processes, and handoverInterval how often they are looked at.
const (
	handoverPatience = time.Second
	handoverInterval = 2 * time.Millisecond
)

// postpone reports whether the announcement must wait. If it must, postpone sets when to look again.
func (h *handover) postpone(now time.Time, former *former) bool {
	if h == nil || h.open && !now.Before(h.until) {
		return false
	}
	h.lookAt = now.Add(handoverInterval)
	if !h.open {
		return true
	}
	if h.former && former.pending() {
		return true
	}
	if h.old.http.mayTakeRequests() {
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
// know before it looks for the next, unless the master has asked it before whether it is idle: it may take a connection
// before it has read that.
func (c *child) mayTakeConnections() bool {
	var a scoreboard.Activity
	return !c.yielded && !c.lost && c.pool.board.Activity(c.slot, &a) && (c.asked || a.Stage < scoreboard.Info)
}

// tellFront asks a front to finish. One that has just been replaced leaves to its successor what it has not begun: the two
// get the ends of a channel for that.
func (m *Master) tellFront(f *front) {
	if m.state == normal && f.Replaced { // the workers keep handing over: that is for its successor
		f.Control.Send(contract.Yield, "", -1)
		return
	}
	if m.state != normal || m.handover == nil || m.handover.old != f.gen {
		f.Control.Send(contract.Quit, "", -1)
		return
	}
	f.Yielded = m.gen.http.inheritFrom(f.Control) != nil // nobody waits for what cannot be told
}

// announce tells those who wait for a reload that it has ended, and begins the one that was asked for meanwhile.
func (m *Master) announce() {
	h := m.handover
	if h == nil {
		return
	}
	m.handover = nil
	m.operators.upgradedFrom = h.from
	m.reloadEnded(h.why, h.reload.lines.lines)
	m.operators.upgradedFrom = ""
	if h.reload.again {
		m.log.reloading()
		m.reload()
	}
}
