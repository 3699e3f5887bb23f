package zlog

import (
	"os"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/jsonline"
)

// About is what a line in JSON says besides its message. A field that is empty is left out. Lines in php-fpm's form do not have it, unless it is in
// the message's text.
type About struct {
	Pool string
	Pid  int // 0: as the message says, else this process's
	// Whole says that the message is somebody else's words, whatever it begins with.
	Whole bool
	// Stream is what a script has written to: stdout or stderr; empty: the message was logged.
	Stream string

	RequestID, TraceID, SpanID string
	Method, Host, URI, Script  string
	Duration                   time.Duration // of the request so far
	// Incident is an object that says what has happened.
	Incident []byte
}

// mostMessage is how long a line of a stream gets in JSON until another continues with it, in bytes.
const mostMessage = 1 << 20

// object returns the line of a message, with its end. function and line are those of the caller, if the level of the log is Debug.
func (s *Settings) object(level Level, msg string, about *About, function string, line int) []byte {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	var a About
	if about != nil {
		a = *about
	}
	component, pid := "", a.Pid
	if !a.Whole {
		var of int
		if component, of, msg = a.subject(msg); pid == 0 {
			pid = of
		}
	}
	if pid == 0 && !a.Whole {
		if pid = s.Pid; pid == 0 {
			pid = os.Getpid()
		}
	}
	b := jsonline.Begin(make([]byte, 0, len(msg)+256), now())
	b = jsonline.Text(b, "level", strings.ToLower(level.String()))
	b = jsonline.Text(b, "message", strings.TrimRight(msg, "\n"))
	b = jsonline.TextIf(b, "component", component)
	b = jsonline.TextIf(b, "pool", a.Pool)
	if pid != 0 {
		b = jsonline.Int(b, "pid", int64(pid))
	}
	b = jsonline.TextIf(b, "stream", a.Stream)
	b = jsonline.TextIf(b, "request_id", a.RequestID)
	b = jsonline.TextIf(b, "trace_id", a.TraceID)
	b = jsonline.TextIf(b, "span_id", a.SpanID)
	b = jsonline.TextIf(b, "method", a.Method)
	b = jsonline.TextIf(b, "host", a.Host)
	b = jsonline.TextIf(b, "uri", a.URI)
	b = jsonline.TextIf(b, "script", a.Script)
	if a.Duration > 0 {
		b = jsonline.Seconds(b, "duration", a.Duration)
	}
	if len(a.Incident) > 0 {
		b = append(jsonline.Key(b, "incident"), a.Incident...)
	}
	if function != "" {
		b = jsonline.Text(b, "function", function)
		b = jsonline.Int(b, "line", int64(line))
	}
	return jsonline.End(b)
}

// subject takes from a message's begin what it is about: "[pool www] child 417 exited" is about process 417 of the pool www, "[front] process 7
// is ready" about the component front and its process 7, and "[pool www] request 60fd: x" about that request. What scripts and clients say comes
// after that. text is the message without what is in brackets.
func (a *About) subject(msg string) (component string, pid int, text string) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(msg, "["), "] ")
	if !strings.HasPrefix(msg, "[") || !ok {
		a.request(msg)
		return "", number(msg, "child "), msg
	}
	a.request(rest)
	if pool, ok := strings.CutPrefix(name, "pool "); ok {
		if a.Pool == "" {
			a.Pool = pool
		}
		return "", number(rest, "child "), rest
	}
	switch name {
	case "front", "observer", "log":
		return name, number(rest, "process "), rest
	}
	return "", 0, msg
}

// request takes the request's id from a text that begins with it.
func (a *About) request(text string) {
	rest, ok := strings.CutPrefix(text, "request ")
	if id, _, whole := strings.Cut(rest, ": "); ok && whole && !strings.Contains(id, " ") && a.RequestID == "" {
		a.RequestID = id
	}
}

// number returns the number behind a word at a text's begin; 0: there is none.
func number(text, word string) (n int) {
	rest, ok := strings.CutPrefix(text, word)
	if !ok {
		return 0
	}
	for i := 0; i < len(rest) && i < 10 && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = n*10 + int(rest[i]-'0')
	}
	return n
}

// phpMessage is what php-fpm puts before what PHP has to say.
const phpMessage = "PHP message: "

// msgJSON is Msg in JSON.
func (l *Log) msgJSON(prefix, msg string) {
	s := l.Settings()
	if s.External != nil && s.External(SeverityOf(msg), prefix+msg) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	level := SeverityOf(msg)
	if prefix != phpMessage {
		msg = prefix + msg
	}
	l.s.put(level, l.s.object(level, msg, nil, "", 0))
}

// SetAbout sets what a stream's lines are about, in JSON.
func (t *Stream) SetAbout(a About) { t.about = a }

// writeJSON is Write in JSON.
func (t *Stream) writeJSON(s string) {
	if t.finished {
		t.finished, t.len, t.buf = false, 0, t.buf[:0]
	}
	for len(s) > 0 {
		n := min(len(s), mostMessage-t.len)
		t.add(s[:n])
		if s = s[n:]; t.len == mostMessage {
			t.finishJSON(true)
		}
	}
}

// finishJSON writes the line. goes says that the text continues in the next one.
func (t *Stream) finishJSON(goes bool) {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	b := t.s.object(t.level, string(t.buf), &t.about, "", 0)
	if goes {
		b = jsonline.End(jsonline.True(b[:len(b)-len("}\n")], "continued"))
	}
	t.buf, t.len = t.buf[:0], 0
	if t.s.Syslog != nil {
		t.s.Syslog(t.level, string(b[:len(b)-1]))
	}
	for _, w := range t.outs {
		write(w, b)
	}
}
