// Counterpart: sapi/fpm/fpm/fpm_php_trace.c

package sidelog

import (
	"fmt"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/jsonline"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// maxWaitingTraces bounds the traces of a pool that wait for its slow log. All workers of a pool may be slow at once.
const maxWaitingTraces = 1 << 10

// maxWaitingText bounds their text, in bytes.
const maxWaitingText = 4 << 20

// Slow is a pool's slow log. The zero value is one to which nothing is being written. Traces are written one after the other.
type Slow struct {
	writing bool
	waiting []pending
	size    int // of the text that waits, in bytes
}

// pending is a trace as it stands in the slow log.
type pending struct {
	text    []byte
	written func(opened bool, err error)
}

// Add has the text of a trace appended to a file, which is opened each time. It calls written on another goroutine, and Written is to be called then.
// It returns false if too much waits for that already.
func (l *Slow) Add(path string, text []byte, written func(opened bool, err error)) bool {
	if len(l.waiting) == maxWaitingTraces || l.size+len(text) > maxWaitingText {
		return false
	}
	l.waiting = append(l.waiting, pending{text, written})
	l.size += len(text)
	l.next(path)
	return true
}

// Written begins to write the trace that has waited longest, as the one before it was written.
func (l *Slow) Written(path string) {
	l.writing = false
	l.next(path)
}

func (l *Slow) next(path string) {
	if l.writing || len(l.waiting) == 0 {
		return
	}
	first := l.waiting[0]
	l.writing, l.waiting, l.size = true, l.waiting[1:], l.size-len(first.text)
	go func() { first.written(logfile.Append(path, first.text)) }()
}

// Trace is the stack of PHP in a request that takes too long.
type Trace struct {
	Pool                       string
	Pid                        int
	RequestID, TraceID, SpanID string
	Method, Host, URI, Script  string
	Duration                   time.Duration
	Stack                      string // as the worker tells it, line by line
}

// Text returns a trace as php-fpm has it, with microseconds if the log level is debug.
func (t *Trace) Text(now time.Time, microseconds bool) []byte {
	b := zlog.AppendTime([]byte{'\n'}, now, microseconds)
	return fmt.Appendf(b, " [pool %s] pid %d\n%s", t.Pool, t.Pid, TraceLines(t.Stack))
}

// TraceLines returns those lines of a text that a trace has. A worker could send others, such as another pool's.
func TraceLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, begin := range []string{"script_filename = ", "[0x", "+++ dump failed"} {
			if strings.HasPrefix(line, begin) {
				b.WriteString(zlog.Harmless(line) + "\n")
				break
			}
		}
	}
	return b.String()
}

// JSON returns a trace as a line in JSON.
func (t *Trace) JSON(now time.Time) []byte {
	script, failed := t.Script, false
	stack := []byte{'['}
	for line := range strings.Lines(t.Stack) {
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
	b := jsonline.Begin(nil, now)
	b = jsonline.Text(b, "pool", t.Pool)
	b = jsonline.Int(b, "pid", int64(t.Pid))
	b = jsonline.TextIf(b, "request_id", t.RequestID)
	b = jsonline.TextIf(b, "trace_id", t.TraceID)
	b = jsonline.TextIf(b, "span_id", t.SpanID)
	b = jsonline.TextIf(b, "method", t.Method)
	b = jsonline.TextIf(b, "host", t.Host)
	b = jsonline.TextIf(b, "uri", t.URI)
	b = jsonline.TextIf(b, "script", script)
	b = jsonline.Seconds(b, "duration", t.Duration)
	b = append(append(jsonline.Key(b, "php_stack"), stack...), ']')
	if failed { // the stack could be read to here
		b = jsonline.True(b, "truncated")
	}
	return jsonline.End(b)
}
