// Counterpart: sapi/fpm/fpm/fpm_php_trace.c

package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/sidelog"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// maxTrace is how much of a trace is kept, in bytes.
const maxTrace = 256 << 10

// trace is what has come of a worker's stack.
type trace struct {
	asked bool
	of    request
	text  []byte
}

// askForTrace has the worker tell PHP's stack for the slow log. php-fpm stops the worker and reads its memory; its lines
// about that are kept.
func (m *Master) askForTrace(c *child, r request) {
	m.log.stoppedForTracing(c.pid)
	m.log.aboutToTrace(c.pid)
	if c.trace == nil {
		m.rememberSlow(c, r, "")
		return
	}
	c.tracing = trace{asked: true, of: r}
	if err := c.trace.Send(contract.Trace, "", -1); err != nil {
		c.tracing = trace{}
		m.rememberSlow(c, r, "")
		m.log.traceFailed(c.pid, err.Error())
	}
}

func (e workerTraced) heed(m *Master) reception {
	c := e.c
	switch {
	case e.message.Letter == 0:
		return heeded
	case !c.tracing.asked:
		return unexpected
	case e.message.Letter == contract.TraceLines:
		room := maxTrace - len(c.tracing.text)
		c.tracing.text = append(c.tracing.text, e.message.Text[:min(room, len(e.message.Text))]...)
		return heeded
	case e.message.Letter != contract.Trace:
		return unexpected
	}
	lines, of := string(c.tracing.text), c.tracing.of
	c.tracing = trace{}
	m.rememberSlow(c, of, lines)
	if why := e.message.Text; why != "" {
		m.log.traceFailed(c.pid, zlog.Harmless(why))
		return heeded
	}
	m.writeTrace(c, of, lines)
	return heeded
}

// writeTrace has a trace written to the slow log.
func (m *Master) writeTrace(c *child, r request, stack string) {
	one := sidelog.Trace{Pool: c.pool.conf.Name, Pid: c.pid, RequestID: r.ID, Method: r.Method, Host: r.Host, URI: r.target(), Script: r.Script,
		Duration: r.duration, Stack: stack}
	one.TraceID, one.SpanID = r.ids()
	text := one.JSON
	if !c.pool.gen.plan.LogsJSON() {
		text = func(now time.Time) []byte { return one.Text(now, m.log.Settings().Level == zlog.Debug) }
	}
	if !c.pool.slowLog.Add(c.pool.conf.Slowlog.Value, text(m.sys.now()), func(opened bool, err error) { m.box.post(traceWritten{c, opened, err}) }) {
		m.log.traceFailed(c.pid, "the slow log has not taken the traces before this one")
	}
}

// traceWritten is the end of writing a trace.
type traceWritten struct {
	c      *child
	opened bool
	err    error
}

func (e traceWritten) happen(m *Master) {
	e.c.pool.slowLog.Written(e.c.pool.conf.Slowlog.Value)
	switch {
	case !e.opened:
		m.log.slowlogNotOpened(e.c.pool.conf.Slowlog.Value, e.err)
	case e.err != nil:
		m.log.traceFailed(e.c.pid, e.err.Error())
	default:
		m.log.finishedTrace(e.c.pid)
	}
}
