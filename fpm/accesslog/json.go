package accesslog

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/jsonline"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// Bounds, in bytes, of the texts of a line in a log that other processes may write to between two writes of this one: together they leave room for the rest
// within jsonline.Atomic. A text has no bound in a file.
const (
	boundURI    = 1600
	boundText   = 256
	boundExtras = 700 // all together
	unbounded   = 1 << 30
)

// JSONLine returns the line for an entry as an object, whatever the format; what the format has of params and headers of the response is in it, too. It is
// valid until the next call, and nil if nothing is to be logged. bounded says that it must have jsonline.Atomic bytes at most.
func (l *Log) JSONLine(e *Entry, now time.Time, bounded bool) []byte {
	shown := e.Request.Shown()
	if l.suppressed(e, &shown) {
		return nil
	}
	uri, text, extras := unbounded, unbounded, unbounded
	if bounded {
		uri, text, extras = boundURI, boundText, boundExtras
	}
	if l.o.Location != nil {
		now = now.In(l.o.Location)
	}
	cut := false
	b := jsonline.Begin(l.line[:0], now)
	add := func(name string, value []byte, most int) {
		var some bool
		b, some = jsonline.TextWithin(b, name, value, most)
		cut = cut || some
	}
	b = jsonline.Text(b, "pool", l.o.Pool)
	b = jsonline.Int(b, "pid", int64(l.o.Pid))
	add("request_id", e.ID, text)
	add("trace_id", e.TraceID, text)
	add("span_id", e.SpanID, text)
	if len(e.Client) > 0 {
		add("remote_addr", e.Client, text)
	} else {
		add("remote_addr", e.RemoteAddr, text)
	}
	add("user", shown.User, text)
	add("method", e.Method, text)
	add("host", e.Host, text)
	if target := e.Target; len(target) > 0 {
		add("uri", target, uri)
	} else {
		add("uri", appendTarget(l.tmp[:0], &e.Request), uri)
	}
	add("script", e.Script, text)
	b = jsonline.Int(b, "status", int64(e.Status))
	b = jsonline.Seconds(b, "duration", e.Duration)
	if e.QueueWait > 0 {
		b = jsonline.Seconds(b, "queue_wait", e.QueueWait)
	}
	b = jsonline.Seconds(b, "cpu_user", e.CPUUser)
	b = jsonline.Seconds(b, "cpu_system", e.CPUSystem)
	b = jsonline.Int(b, "memory", int64(e.Memory))
	b = jsonline.Int(b, "content_length", int64(e.ContentLength))
	b, some := l.extras(b, e, 'e', "params", extras/2)
	b, more := l.extras(b, e, 'o', "response_headers", extras/2)
	if cut || some || more {
		b = jsonline.True(b, "truncated")
	}
	l.line = jsonline.End(b)
	return l.line
}

// appendTarget appends a request's path and query.
func appendTarget(b []byte, r *scoreboard.Request) []byte {
	b = append(b, r.URI...)
	if len(r.Query) > 0 {
		b = append(append(b, '?'), r.Query...)
	}
	return b
}

// extras adds an object of what the format has by a code with a name. Its texts have so many bytes together.
func (l *Log) extras(b []byte, e *Entry, code byte, name string, most int) (line []byte, cut bool) {
	begun := false
	for i := range l.ops {
		op := &l.ops[i]
		if op.code != code {
			continue
		}
		var value []byte
		if code == 'o' {
			if value = header(e.Headers, op.modifier); string(value) == "-" {
				value = nil
			}
		} else if e.Param != nil {
			value = text(e.Param(op.modifier))
		}
		if len(value) == 0 {
			continue
		}
		if most -= len(op.modifier) + len(`"":"",`); most <= 0 {
			cut = true
			break
		}
		if !begun {
			begun = true
			b = append(jsonline.Key(b, name), '{')
		} else {
			b = append(b, ',')
		}
		b = append(jsonline.String(b, op.modifier), ':', '"')
		before := len(b)
		var some bool
		if b, some = jsonline.Within(b, value, most); some {
			cut = true
		}
		most -= len(b) - before
		b = append(b, '"')
	}
	if begun {
		b = append(b, '}')
	}
	return b, cut
}
