package front

import (
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Lines are written together: this many bytes, or after this time at the latest.
const (
	accessBuffer = 32 << 10
	accessDelay  = 200 * time.Millisecond
)

// accessLog writes a line for each request. Whole lines reach the file in one write, so that several processes may
// append to it.
type accessLog struct {
	json   bool
	failed func(error) // takes the first error of a file

	mu     sync.Mutex
	file   *os.File
	broken bool
	lines  []byte
	flush  *time.Timer // armed while there are lines
	stamp  stamp
}

// newAccessLog makes a log of an open file, which it owns.
func newAccessLog(file *os.File, format string, failed func(error)) *accessLog {
	l := &accessLog{json: format == "json", failed: failed, file: file}
	l.flush = time.AfterFunc(time.Hour, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.writeLines()
	})
	l.flush.Stop()
	return l
}

// reopen goes on in another file.
func (l *accessLog) reopen(file *os.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeLines()
	l.file.Close()
	l.file, l.broken = file, false
}

// close writes what is left.
func (l *accessLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeLines()
}

func (l *accessLog) writeLines() {
	l.flush.Stop()
	if len(l.lines) == 0 {
		return
	}
	if _, err := l.file.Write(l.lines); err != nil && !l.broken {
		l.broken = true
		l.failed(err)
	}
	l.lines = l.lines[:0]
}

// write adds the line of a request that has ended.
func (l *accessLog) write(x *exchange) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		l.flush.Reset(accessDelay)
	}
	if l.json {
		l.lines = l.appendJSON(l.lines, x, now)
	} else {
		l.lines = l.appendCombined(l.lines, x, now)
	}
	if len(l.lines) >= accessBuffer {
		l.writeLines()
	}
}

// appendCombined adds a line as nginx's and Apache's "combined" has it.
func (l *accessLog) appendCombined(b []byte, x *exchange, now time.Time) []byte {
	b = appendClient(b, x)
	b = append(b, " - "...)
	if user, _, ok := x.r.BasicAuth(); ok && user != "" {
		b = appendEscaped(b, user)
	} else {
		b = append(b, '-')
	}
	b = append(b, " ["...)
	b = append(b, l.stamp.at(now, "02/Jan/2006:15:04:05 -0700")...)
	b = append(b, `] "`...)
	b = appendEscaped(b, x.r.Method)
	b = append(b, ' ')
	b = appendEscaped(b, x.r.RequestURI)
	b = append(b, ' ')
	b = append(b, x.r.Proto...)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(x.status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, x.bytesSent(), 10)
	for _, name := range []string{"Referer", "User-Agent"} {
		b = append(b, ` "`...)
		if value := firstOf(x.r.Header[name]); value != "" {
			b = appendEscaped(b, value)
		} else {
			b = append(b, '-')
		}
		b = append(b, '"')
	}
	return append(b, '\n')
}

// appendJSON adds an object on a line of its own. Times are in seconds. pool and upstream_time are there for scripts.
func (l *accessLog) appendJSON(b []byte, x *exchange, now time.Time) []byte {
	text := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = appendJSONString(b, value)
	}
	number := func(name string, value int64) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, value, 10)
	}
	b = append(b, `{"time":"`...)
	b = append(b, l.stamp.at(now, time.RFC3339)...)
	b = append(b, `","remote_addr":"`...)
	b = appendClient(b, x)
	b = append(b, '"')
	text("method", x.r.Method)
	text("host", x.r.Host)
	text("uri", x.r.RequestURI)
	text("protocol", x.r.Proto)
	number("status", int64(x.status))
	number("bytes", x.bytesSent())
	b = append(b, `,"duration":`...)
	b = appendSeconds(b, now.Sub(x.begun))
	text("request_id", x.id)
	if !x.asked.IsZero() {
		text("pool", x.pool.FrontPool.Name)
		b = append(b, `,"upstream_time":`...)
		answered := x.answered
		if answered.IsZero() {
			answered = now
		}
		b = appendSeconds(b, answered.Sub(x.asked))
	}
	text("referer", firstOf(x.r.Header["Referer"]))
	text("user_agent", firstOf(x.r.Header["User-Agent"]))
	return append(b, "}\n"...)
}

func (x *exchange) bytesSent() int64 {
	if x.r.Method == http.MethodHead {
		return 0
	}
	return x.sent
}

// appendClient adds the client's address; "unix:", as nginx has it, where there is none.
func appendClient(b []byte, x *exchange) []byte {
	if !x.remote.IsValid() {
		return append(b, "unix:"...)
	}
	return x.remote.Addr().AppendTo(b)
}

func firstOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, d.Seconds(), 'f', 6, 64)
}

const hexDigits = "0123456789abcdef"

// appendEscaped adds a client's text so that it stays within its quotes and its line, as nginx does.
func appendEscaped(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b = append(b, '\\', 'x', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// appendJSONString adds a string of JSON. What is not UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, text string) []byte {
	b = append(b, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			b = utf8.AppendRune(b, r)
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
		i++
	}
	return append(b, '"')
}

// stamp is the time of day as text, worked out once a second.
type stamp struct {
	second int64
	text   []byte
}

func (s *stamp) at(now time.Time, layout string) []byte {
	if second := now.Unix(); second != s.second || len(s.text) == 0 {
		s.second, s.text = second, now.AppendFormat(s.text[:0], layout)
	}
	return s.text
}
