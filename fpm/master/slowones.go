package master

import (
	"strings"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/sidelog"
)

// slowOnes are the last requests that request_slowlog_timeout was too short for. An upgrade does not hand them on.
type slowOnes struct {
	ring  incident.Ring
	total uint64
}

// mostFrames is how many frames of PHP's stack are remembered of a slow request, mostFrame how long each is, in bytes.
const (
	mostFrames = 32
	mostFrame  = 512
)

// rememberSlow remembers a child's slow request, with the lines of its trace; empty: there is none.
func (m *Master) rememberSlow(c *child, r request, lines string) {
	i := m.incident(c.pool, c.pid, incident.Slow, "takes longer than request_slowlog_timeout")
	m.slow.total++
	i.Number, i.Age = m.slow.total, incident.Seconds(m.sys.now().Sub(c.started))
	i.RequestID, i.Method, i.Host, i.Script = incident.Clean(r.ID), incident.Clean(r.Method), incident.Clean(r.Host), incident.Clean(r.Script)
	i.URI = incident.Clean(r.target())
	i.TraceID, i.SpanID = r.ids()
	duration := incident.Seconds(r.duration)
	i.Duration = &duration
	if r.QueueWait > 0 {
		waited := incident.Seconds(r.QueueWait)
		i.QueueWait = &waited
	}
	for line := range strings.Lines(sidelog.TraceLines(lines)) {
		if _, frame, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "] "); ok && strings.HasPrefix(line, "[0x") && len(i.PHPStack) < mostFrames {
			i.PHPStack = append(i.PHPStack, incident.Clean(frame[:min(len(frame), mostFrame)]))
		}
	}
	m.slow.ring.Add(i)
	m.observers.News()
}

// tellSlow answers which requests were slow: the last n of a pool.
func (m *Master) tellSlow(n int, pool string) control.Answer {
	return control.Answer{Done: true, Slow: &control.Slow{Total: m.slow.total, Requests: m.slow.ring.Last(n, pool)}}
}
