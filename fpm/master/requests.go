// Counterpart: sapi/fpm/fpm/fpm_request.c (fpm_request_check_timed_out), fpm_php_trace.c

package master

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// minHeartbeat is the shortest time between two looks at the requests.
const minHeartbeat = 130 * time.Millisecond

// request is a request that takes too long, as lines show it.
type request struct {
	scoreboard.Proc
	duration time.Duration
}

// String returns the request without what could end the line or move a terminal's cursor: all of it is the client's word.
// php-fpm cleans the script alone.
func (r request) String() string {
	question := ""
	if r.Query != "" {
		question = "?"
	}
	return fmt.Sprintf("script '%s' (request: \"%s\")", purify(r.Script), seen(r.Method+" "+r.URI+question+r.Query))
}

// about is what a line in JSON says of the request.
func (r request) about() *zlog.About {
	trace, span := r.ids()
	return &zlog.About{RequestID: r.ID, TraceID: trace, SpanID: span, Method: r.Method, Host: r.Host, URI: r.target(), Script: r.Script,
		Duration: r.duration}
}

// ids are those of the request's trace and span; empty: it is in none.
func (r request) ids() (trace, span string) {
	if c := &r.Trace; c.Trace != (tracecontext.TraceID{}) && r.Method != "" { // else they are of the request before
		return hex.EncodeToString(c.Trace[:]), hex.EncodeToString(c.Span[:])
	}
	return "", ""
}

// seen replaces control characters, other characters that cannot be seen, and bytes outside UTF-8 by dots.
func seen(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, text)
}

// purify replaces everything but printable ASCII by dots, as php-fpm does with names of scripts.
func purify(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '.'
		}
	}
	return string(b)
}

// checkRequests looks for requests that take too long, in all generations: a retired one's are no less stuck.
func (m *Master) checkRequests() {
	now := m.clock.Now()
	for _, g := range m.generations() {
		for _, p := range g.pools {
			if p.conf.RequestTerminateTimeout == 0 && p.conf.RequestSlowlogTimeout == 0 {
				continue
			}
			for _, c := range p.children {
				m.checkRequest(c, now)
			}
		}
	}
}

// overdue is what is to be done about a request.
type overdue int

const (
	inTime overdue = iota
	tooSlow
	timedOut
)

// judge reports whether a request takes too long. traced says that it has been traced already.
func judge(p *conf.Pool, stage scoreboard.Stage, took time.Duration, traced bool) overdue {
	if stage <= scoreboard.Accepting || stage >= scoreboard.End && !p.RequestTerminateTimeoutTrackFinished {
		return inTime
	}
	slow, terminate := p.RequestSlowlogTimeout, p.RequestTerminateTimeout
	switch {
	case !traced && slow > 0 && stage == scoreboard.Executing && took >= slow:
		return tooSlow
	case terminate > 0 && took >= terminate:
		return timedOut
	}
	return inTime
}

func (m *Master) checkRequest(c *child, now int64) {
	var a scoreboard.Activity
	c.pool.board.Activity(c.slot, &a) // one that cannot be read is not an excuse
	m.checkActivity(c, &a, now)
}

func (m *Master) checkActivity(c *child, a *scoreboard.Activity, now int64) {
	if c.slowLogged != a.Accepted {
		c.slowLogged = 0
	}
	took := c.vigil.took(a, now)
	due := judge(c.pool.conf, a.Stage, took, c.slowLogged != 0)
	silent := m.watch(c, a, now)
	if silent {
		due, took = timedOut, max(took, time.Duration(now-c.vigil.asked))
	}
	if due == inTime {
		return
	}
	r := request{duration: took}
	if known := c.pool.board.Snapshot(c.slot, &r.Proc); !silent && (!known || r.Accepted != a.Accepted) {
		return // another request already
	}
	switch due {
	case tooSlow:
		c.slowLogged = a.Accepted
		c.pool.published.Slow++
		c.pool.board.Publish(c.pool.published)
		m.log.tooSlow(c.pool.conf.Name, c.pid, r)
		m.askForTrace(c, r)
	case timedOut:
		if m.endOverdue(c, now) {
			m.log.killed(c.pool.conf.Name, c.pid, r)
		} else {
			m.log.timedOut(c.pool.conf.Name, c.pid, r)
		}
	}
}
