package site

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/jsonline"
)

// Lines of the access log are written together: this many bytes, or after this time at the latest.
const (
	AccessBuffer = 32 << 10
	AccessDelay  = 200 * time.Millisecond
)

// StatusGone is the status that the access log has, as nginx's does, for a client that left before there was an answer. No client is sent it.
const StatusGone = 499

// AccessEntry is a request that has ended, for the access log.
type AccessEntry struct {
	Remote netip.AddrPort // not valid: unknown, on a unix socket
	Method string
	URI    string // the target as the client wrote it
	Proto  string
	Host   string
	Status int
	Sent   int64 // bytes of the body, those that a response to HEAD would have had included
	ID     string
	// TraceID and SpanID are in hexadecimal digits; empty: there are none.
	TraceID, SpanID string
	Begun           time.Time
	Pool            string
	Asked           time.Time // when the pool was; zero: it was not
	Answered        time.Time // when it had; zero: the response was cut off
	Referer         string    // the first of the headers Referer, User-Agent, Authorization; "": none
	UserAgent       string
	// Authorization is nowhere in the log but for the user's name.
	Authorization string
}

func (e *AccessEntry) bytes() int64 {
	if e.Method == http.MethodHead {
		return 0
	}
	return e.Sent
}

// AccessLines makes the lines of the access log, one after the other.
type AccessLines struct {
	JSON bool // else they are "combined"
	// Bounded says that a line in JSON must have jsonline.Atomic bytes at most, as what other processes write may come between two writes.
	Bounded bool
	stamp   stamp
}

// Append appends the line of a request that ended now.
func (l *AccessLines) Append(dst []byte, e *AccessEntry, now time.Time) []byte {
	if l.JSON {
		return l.appendJSON(dst, e, now)
	}
	return l.appendCombined(dst, e, now)
}

// appendCombined adds a line as nginx's and Apache's "combined" has it.
func (l *AccessLines) appendCombined(b []byte, e *AccessEntry, now time.Time) []byte {
	b = appendClient(b, e.Remote)
	b = append(b, " - "...)
	b = appendUser(b, e.Authorization)
	b = append(b, " ["...)
	b = append(b, l.stamp.at(now, "02/Jan/2006:15:04:05 -0700")...)
	b = append(b, `] "`...)
	b = appendEscaped(b, e.Method)
	b = append(b, ' ')
	b = appendEscaped(b, e.URI)
	b = append(b, ' ')
	b = append(b, e.Proto...)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, e.bytes(), 10)
	for _, value := range [...]string{e.Referer, e.UserAgent} {
		b = append(b, ` "`...)
		if value != "" {
			b = appendEscaped(b, value)
		} else {
			b = append(b, '-')
		}
		b = append(b, '"')
	}
	return append(b, '\n')
}

// Bounds, in bytes, of a client's texts in JSON if a line is Bounded.
const (
	boundURI  = 1600
	boundText = 256
	boundMore = 500 // Referer and User-Agent, each
)

// appendJSON adds an object on a line of its own. Times are in seconds. pool and upstream_time are there for scripts.
func (l *AccessLines) appendJSON(b []byte, e *AccessEntry, now time.Time) []byte {
	cut := false
	text := func(name, value string, most int) {
		if !l.Bounded {
			most = 1 << 30
		}
		some := false
		if value == "" {
			b = jsonline.Text(b, name, value)
		} else if b, some = jsonline.TextWithin(b, name, value, most); some {
			cut = true
		}
	}
	b = jsonline.Begin(b, now)
	b = append(jsonline.Key(b, "remote_addr"), '"')
	b = append(appendClient(b, e.Remote), '"')
	text("method", e.Method, boundText)
	text("host", e.Host, boundText)
	text("uri", e.URI, boundURI)
	text("protocol", e.Proto, boundText)
	b = jsonline.Int(b, "status", int64(e.Status))
	b = jsonline.Int(b, "bytes", e.bytes())
	b = jsonline.Seconds(b, "duration", now.Sub(e.Begun))
	text("request_id", e.ID, boundText)
	b = jsonline.TextIf(b, "trace_id", e.TraceID)
	b = jsonline.TextIf(b, "span_id", e.SpanID)
	if !e.Asked.IsZero() {
		text("pool", e.Pool, boundText)
		answered := e.Answered
		if answered.IsZero() {
			answered = now
		}
		b = jsonline.Seconds(b, "upstream_time", answered.Sub(e.Asked))
	}
	text("referer", e.Referer, boundMore)
	text("user_agent", e.UserAgent, boundMore)
	if cut {
		b = jsonline.True(b, "truncated")
	}
	return jsonline.End(b)
}

// appendClient appends the client's address. If there is none it appends "unix:", as nginx does.
func appendClient(b []byte, remote netip.AddrPort) []byte {
	if !remote.IsValid() {
		return append(b, "unix:"...)
	}
	return remote.Addr().AppendTo(b)
}

// basic is what credentials begin with that have a user's name (RFC 7617).
const basic = "Basic "

// appendUser adds the name of the user whose credentials a request has.
func appendUser(b []byte, authorization string) []byte {
	if len(authorization) > len(basic) && strings.EqualFold(authorization[:len(basic)], basic) {
		decoded, err := base64.StdEncoding.DecodeString(authorization[len(basic):])
		if user, _, ok := strings.Cut(string(decoded), ":"); err == nil && ok && user != "" {
			return appendEscaped(b, user)
		}
	}
	return append(b, '-')
}

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
