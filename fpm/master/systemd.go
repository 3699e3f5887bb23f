package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// beginSystemd says that the service is there, and when to say it next.
func (m *Master) beginSystemd(now time.Time) {
	g := &m.gen.config.Global
	m.systemd.Configure(g.SystemdWatchdog, g.SystemdInterval)
	if m.systemd.Ready() != nil {
		m.log.systemdNotNotified()
	}
	m.systemdAt = time.Time{}
	if g.SystemdInterval > 0 {
		m.systemdAt = now.Add(g.SystemdInterval)
	}
	m.log.systemdInterval(g.SystemdInterval)
}

// tellSystemd is one heartbeat.
func (m *Master) tellSystemd() {
	if !m.systemd.Listens() {
		return
	}
	var idle, active int
	var requests, slow uint64
	for _, p := range m.gen.pools {
		var t scoreboard.Totals
		p.board.Totals(&t)
		idle += t.Idle
		active += t.Active
		requests += t.Requests
		slow += t.Slow
	}
	m.systemd.Heartbeat(idle, active, requests, slow)
}
