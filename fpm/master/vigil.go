package master

import (
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// vigil is what the master knows of a worker's requests by itself. The scoreboard is the worker's word: a worker whose
// memory is broken, or a script that can write to it, may claim a new request for ever, or none.
//
// What it cannot do by scribbling is to answer: between two requests a worker's main thread reads the control socket and
// sends Idle if it is asked to.
type vigil struct {
	accepted int64 // of the request that was seen last
	since    int64 // when that was first seen
	spoke    int64 // when the worker last spoke between two requests
	asked    int64 // when it was asked to; 0: it was not
	begun    int   // requests that were seen to begin since then
	ended    int64 // when it was sent SIGTERM; 0: it was not
}

// mostBegun is how many requests a worker may begin before it looks at the control socket, with room to spare: one under
// way, one that comes together with the question.
const mostBegun = 4

// silentClients is how long a worker may be idle by its word and not answer: it waits 5 seconds for the first byte of a
// client, and may have taken two.
const silentClients = 12 * time.Second

// took is how long the request has taken, by the worker's word or by the master's own clock if that says more.
func (v *vigil) took(a *scoreboard.Activity, now int64) time.Duration {
	if a.Accepted != v.accepted || v.since == 0 {
		v.accepted, v.since = a.Accepted, now
		v.begun++
	}
	return time.Duration(max(now-a.Accepted, now-v.since))
}

// watch asks a worker that has not spoken for the time that a request may take, if it claims to serve one request after
// the other, or to be idle though connections wait. It reports whether the worker has not answered for that time again.
func (m *Master) watch(c *child, a *scoreboard.Activity, now int64) (silent bool) {
	v, limit := &c.vigil, int64(c.pool.conf.RequestTerminateTimeout)
	if limit <= 0 || !c.ready || c.lost {
		return false
	}
	idle := a.Stage <= scoreboard.Accepting
	switch {
	case !c.asked:
		v.asked = 0
		suspect := v.since > v.spoke && !idle || idle && c.pool.socket.Readable()
		if now-v.spoke > limit && suspect && m.park.ask(c) {
			v.asked, v.begun = now, 0
		}
	case v.asked == 0: // for a parked connection
		v.asked, v.begun = now, 0
	case idle:
		return now-v.asked > max(limit, int64(silentClients))
	default:
		return now-v.asked > limit && v.begun > mostBegun
	}
	return false
}

// endOverdue ends a worker, by SIGKILL if it has been sent SIGTERM before and is there still. It reports whether it was SIGKILL.
func (m *Master) endOverdue(c *child, now int64) (killed bool) {
	v, patience := &c.vigil, c.pool.stages.Kill
	if v.ended != 0 && patience > 0 && now-v.ended >= int64(patience) {
		m.tellChild(c, syscall.SIGKILL)
		return true
	}
	if v.ended == 0 {
		v.ended = now
		if patience > 0 {
			m.killAfter(patience)
		}
	}
	m.tellChild(c, syscall.SIGTERM)
	return false
}
