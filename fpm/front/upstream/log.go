package upstream

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// turnedAway counts the requests that nobody could answer, so that a crowd is not a crowd of messages.
type turnedAway struct {
	count int
	said  time.Time
}

// report logs why a request failed. That a client left is nothing to report.
func (p *Pool) report(id string, err error) {
	switch {
	case errors.Is(err, ErrClient):
	case errors.Is(err, ErrBusy):
		p.reportBusy(err)
	default:
		p.say(zlog.Warning, id, err.Error())
	}
}

// reportBusy says once a second at most that the pool is too small.
func (p *Pool) reportBusy(err error) {
	p.mu.Lock()
	p.turned.count++
	count, now := p.turned.count, time.Now()
	quiet := now.Sub(p.turned.said) < time.Second
	if !quiet {
		p.turned = turnedAway{said: now}
	}
	p.mu.Unlock()
	if !quiet {
		p.Log(zlog.Warning, fmt.Sprintf("[pool %s] seems busy (you may need to increase pm.max_children), "+
			"%d requests turned away: %v", p.Pool.Name, count, err))
	}
}

// reportSpool says once a second at most that slow clients hold workers for want of a file.
func (p *Pool) reportSpool(id string, err error) {
	p.mu.Lock()
	now := time.Now()
	quiet := now.Sub(p.spoolSaid) < time.Second
	if !quiet {
		p.spoolSaid = now
	}
	p.mu.Unlock()
	if !quiet {
		p.say(zlog.Warning, id, fmt.Sprintf("a slow client holds the worker, as the response cannot go to a temporary file "+
			"(see TMPDIR and http.limits.spool_size): %v", err))
	}
}

// say logs a message that concerns one request.
func (p *Pool) say(level zlog.Level, id, text string) {
	p.Log(level, "[pool "+p.Pool.Name+"] request "+id+": "+text)
}

// maxStderr is how much of what a request says on STDERR is kept until its end of line.
const maxStderr = 4 << 10

// stderr collects what a worker says on STDERR.
type stderr struct{ text []byte }

// add takes a piece, and logs what has become too long to keep.
func (s *stderr) add(p *Pool, id string, piece []byte) {
	s.text = append(s.text, piece...)
	if len(s.text) >= maxStderr {
		s.flush(p, id)
	}
}

// flush logs what there is, line by line. Where the worker puts one message behind another it writes "; ".
func (s *stderr) flush(p *Pool, id string) {
	if len(s.text) == 0 {
		return
	}
	text := string(s.text)
	s.text = s.text[:0]
	for line := range strings.Lines(text) {
		if line = strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "; "); line != "" {
			p.say(zlog.Notice, id, line)
		}
	}
}
