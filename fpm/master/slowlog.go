// Counterpart: sapi/fpm/fpm/fpm_php_trace.c

package master

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/jsonline"
	"github.com/phpsapi/phpsapi/fpm/logfile"
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
		m.log.traceFailed(c.pid, harmless(why))
		return heeded
	}
	m.writeTrace(c, of, lines)
	return heeded
}

// maxWaitingTraces bounds the traces of a pool that wait for its slow log. All workers of a pool may be slow at once.
const maxWaitingTraces = 1 << 10

// maxWaitingText bounds their text, in bytes.
const maxWaitingText = 4 << 20

// slowLog is a pool's slow log. Traces are written beside the loop, one after the other: the log may be a pipe, or on a
// file system that does not answer.
type slowLog struct {
	writing bool
	waiting []pendingTrace
	size    int // of the text that waits, in bytes
}

// pendingTrace is a worker's trace as it stands in the slow log.
type pendingTrace struct {
	c    *child
	text string
}

// writeTrace has a trace written to the slow log, which is opened each time.
func (m *Master) writeTrace(c *child, r request, lines string) {
	var b strings.Builder
	if c.pool.gen.plan.LogsJSON() {
		b.Write(m.traceObject(c, r, lines))
	} else {
		b.WriteByte('\n')
		b.Write(zlog.AppendTime(nil, m.sys.now(), m.log.Settings().Level == zlog.Debug))
		fmt.Fprintf(&b, " [pool %s] pid %d\n%s", c.pool.conf.Name, c.pid, traceLines(lines))
	}
	l := &c.pool.slowLog
	if len(l.waiting) == maxWaitingTraces || l.size+b.Len() > maxWaitingText {
		m.log.traceFailed(c.pid, "the slow log has not taken the traces before this one")
		return
	}
	l.waiting = append(l.waiting, pendingTrace{c, b.String()})
	l.size += b.Len()
	m.writeNextTrace(c.pool)
}

// writeNextTrace begins to write the trace that has waited longest, if none is being written.
func (m *Master) writeNextTrace(p *pool) {
	l := &p.slowLog
	if l.writing || len(l.waiting) == 0 {
		return
	}
	next := l.waiting[0]
	l.writing, l.waiting, l.size = true, l.waiting[1:], l.size-len(next.text)
	path := p.conf.Slowlog.Value
	go func() {
		opened, err := logfile.Append(path, []byte(next.text))
		m.box.post(traceWritten{next.c, opened, err})
	}()
}

// traceLines are those lines that a trace has. A worker could send others, such as another pool's.
func traceLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, begin := range []string{"script_filename = ", "[0x", "+++ dump failed"} {
			if strings.HasPrefix(line, begin) {
				b.WriteString(harmless(line) + "\n")
				break
			}
		}
	}
	return b.String()
}

// traceObject returns a trace as a line in JSON.
func (m *Master) traceObject(c *child, r request, text string) []byte {
	script, failed := r.Script, false
	stack := []byte{'['}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "script_filename = "); ok {
			script = name
		}
		failed = failed || strings.HasPrefix(line, "+++ dump failed")
		if _, frame, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(line, "[0x") {
			if len(stack) > 1 {
				stack = append(stack, ',')
			}
			stack = jsonline.String(stack, frame)
		}
	}
	b := jsonline.Begin(nil, m.sys.now())
	b = jsonline.Text(b, "pool", c.pool.conf.Name)
	b = jsonline.Int(b, "pid", int64(c.pid))
	trace, span := r.ids()
	b = jsonline.TextIf(b, "request_id", r.ID)
	b = jsonline.TextIf(b, "trace_id", trace)
	b = jsonline.TextIf(b, "span_id", span)
	b = jsonline.TextIf(b, "method", r.Method)
	b = jsonline.TextIf(b, "host", r.Host)
	b = jsonline.TextIf(b, "uri", r.target())
	b = jsonline.TextIf(b, "script", script)
	b = jsonline.Seconds(b, "duration", r.duration)
	b = append(append(jsonline.Key(b, "php_stack"), stack...), ']')
	if failed { // the stack could be read to here
		b = jsonline.True(b, "truncated")
	}
	return jsonline.End(b)
}

// traceWritten is the end of writing a trace.
type traceWritten struct {
	c      *child
	opened bool
	err    error
}

func (e traceWritten) happen(m *Master) {
	e.c.pool.slowLog.writing = false
	m.writeNextTrace(e.c.pool)
	switch {
	case !e.opened:
		m.log.slowlogNotOpened(e.c.pool.conf.Slowlog.Value, e.err)
	case e.err != nil:
		m.log.traceFailed(e.c.pid, e.err.Error())
	default:
		m.log.finishedTrace(e.c.pid)
	}
}
