package master

import (
	"strings"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// workerRecord logs what a worker of a pool has to say of a request. All but the pool and the pid is the worker's word, who must not speak for
// the master or another pool.
func (m *Master) workerRecord(pool string, c *child, s channel.Message) reception {
	r, ok := c.records.Take(s.Letter, s.Text)
	if !ok {
		return unexpected
	}
	if r != nil {
		r.Level, r.Pool = min(r.Level, zlog.Error), pool
		m.log.record(r, c.pid)
	}
	return heeded
}

// frontRecord logs what a front has to say of a pool's request.
func (m *Master) frontRecord(all *contract.Records, s channel.Message) reception {
	r, ok := all.Take(s.Letter, s.Text)
	if !ok {
		return unexpected
	}
	if r != nil {
		m.log.record(r, 0)
	}
	return heeded
}

// record logs a record. If the log is not in JSON any more, the record comes from a process that was started when it was.
func (l lines) record(r *contract.Record, pid int) {
	if l.Settings().JSON {
		about := &zlog.About{Pool: r.Pool, Pid: pid, Whole: true, RequestID: r.RequestID, TraceID: r.TraceID, SpanID: r.SpanID,
			Method: r.Method, Host: r.Host, URI: r.URI, Script: r.Script}
		l.LogAbout(r.Level, about, r.Text)
		return
	}
	for line := range strings.SplitSeq(r.Text, "\n") {
		l.Logf(r.Level, "[pool %s] request %s: %s", r.Pool, zlog.Harmless(r.RequestID), zlog.Harmless(line))
	}
}
