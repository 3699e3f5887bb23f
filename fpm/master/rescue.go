package master

import (
	"os"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// rescue is a worker's rescue socket on its way to a front.
type rescue struct {
	file *os.File
	what contract.Rescued
}

// mostRescues is how many rescue sockets wait for a front at most.
const mostRescues = 64

// rescueFrom has the front answer for a worker that has died, if a connection stands in its rescue socket.
func (m *Master) rescueFrom(c *child) {
	if c.rescue == nil {
		return
	}
	file := c.rescue
	c.rescue = nil
	what, some := m.rescued(c)
	if !some {
		file.Close()
		return
	}
	m.keepRescue(rescue{file, what})
}

// keepRescue sends the front a rescue socket, as soon as there is a front.
func (m *Master) keepRescue(r rescue) {
	m.rescues = append(m.rescues, r)
	m.sendRescues()
	for len(m.rescues) > mostRescues {
		m.rescues[0].file.Close()
		m.rescues = m.rescues[1:]
	}
}

// sendRescues sends the front what waits for it, if there is a front.
func (m *Master) sendRescues() {
	f := m.gen.http.serving()
	if f == nil {
		return
	}
	for _, r := range m.rescues {
		f.Rescue(r.file, &r.what)
		r.file.Close()
	}
	m.rescues = nil
}

// rescued returns what a worker's page says of the connection in its rescue socket. It returns false if there is none, or a part of a request
// was read from it: the client finds its connection closed before any answer, and may ask again.
func (m *Master) rescued(c *child) (what contract.Rescued, some bool) {
	p := c.pool
	h := p.board.HTTP(c.slot)
	if !h.Rescuable() {
		return what, false
	}
	at := p.gen.http.plain()
	if h.Listener < 0 || h.Listener >= len(at) {
		return what, false
	}
	what = contract.Rescued{Sent: h.State == scoreboard.HTTPSent, Idle: h.State == scoreboard.HTTPWaits, Address: at[h.Listener].Address,
		Pool: p.conf.Name}
	var r scoreboard.Proc
	if !what.Idle && p.board.Snapshot(c.slot, &r) {
		addRequest(&what, &r, m.clock.Now())
	}
	return what, true
}

func addRequest(what *contract.Rescued, r *scoreboard.Proc, now int64) {
	what.ID, what.Method, what.URI, what.Script = r.ID, r.Method, r.URI, r.Script
	if r.Query != "" {
		what.URI += "?" + r.Query
	}
	what.Duration = max(now-r.Accepted, 0)
}

// How often it is looked for workers that have been silent for request_timeout, as a part of that, and within bounds.
const (
	silencePart  = 10
	silenceLeast = 50 * time.Millisecond
	silenceMost  = time.Second
)

// checkSilent has the front answer 504 for the workers that speak HTTP and have been silent for request_timeout.
func (m *Master) checkSilent(now time.Time) {
	m.silentAt = time.Time{}
	for _, g := range m.generations() {
		if g.plan == nil || g.plan.Direct == "" {
			continue
		}
		limit := g.plan.Own.Limits.RequestTimeout
		if limit <= 0 {
			continue
		}
		next := now.Add(min(max(limit/silencePart, silenceLeast), silenceMost))
		if m.silentAt.IsZero() || next.Before(m.silentAt) {
			m.silentAt = next
		}
		for _, p := range g.pools {
			for _, c := range p.children {
				m.checkSilence(c, limit)
			}
		}
	}
}

func (m *Master) checkSilence(c *child, limit time.Duration) {
	if c.rescue == nil {
		return
	}
	h := c.pool.board.HTTP(c.slot)
	if h.State != scoreboard.HTTPUnsent && h.State != scoreboard.HTTPSent || h.Spoke == c.silentSince ||
		m.clock.Now()-h.Spoke < int64(limit) {
		return
	}
	f := m.gen.http.serving()
	if f == nil {
		return
	}
	what, some := m.rescued(c)
	if !some || what.Idle {
		return
	}
	c.silentSince = h.Spoke
	what.Late = true
	f.Rescue(c.rescue, &what)
}

// leaveInterval is how often it is looked whether the workers have left HTTP.
const leaveInterval = 20 * time.Millisecond

// leaveHTTP has all workers accept no more by HTTP, as the service ends. The fronts take what they hand over until all have.
func (m *Master) leaveHTTP() {
	if m.sockets.Handing() == nil {
		return
	}
	for _, g := range m.generations() {
		g.tellDirect(contract.LeaveHTTP, -1)
	}
	m.leavingAt = m.sys.now().Add(leaveInterval)
}

// checkLeaving tells the fronts when no worker speaks HTTP any more.
func (m *Master) checkLeaving(now time.Time) {
	m.leavingAt = now.Add(leaveInterval)
	if m.speakHTTP() {
		m.left = 0
		return
	}
	if m.left++; m.left < 2 { // a worker may have accepted when it was told
		return
	}
	m.leavingAt = time.Time{}
	for _, f := range m.fronts {
		f.Control.Send(contract.NoMore, "", -1)
	}
}

// speakHTTP reports whether any worker has a connection of HTTP.
func (m *Master) speakHTTP() bool {
	for _, g := range m.generations() {
		for _, p := range g.pools {
			if slices.ContainsFunc(p.children, func(c *child) bool {
				return c.rescue != nil && p.board.HTTP(c.slot).State != scoreboard.NoHTTP
			}) {
				return true
			}
		}
	}
	return false
}
