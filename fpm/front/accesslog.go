package front

import (
	"encoding/hex"
	"os"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/jsonline"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// accessLog writes a line for each request. Whole lines reach the file in one write, so that several processes may
// append to it.
type accessLog struct {
	failed func(error) // takes the first error of a file

	mu     sync.Mutex
	file   *os.File
	broken bool
	shared bool // what other processes write may come between two writes
	pipe   logfile.Pipe
	lines  []byte
	flush  *time.Timer // armed while there are lines
	text   site.AccessLines
}

// newAccessLog makes a log of an open file, which it owns.
func newAccessLog(file *os.File, format string, failed func(error)) *accessLog {
	l := &accessLog{text: site.AccessLines{JSON: format == "json"}, failed: failed}
	l.flush = time.AfterFunc(time.Hour, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.writeLines()
	})
	l.flush.Stop()
	l.take(file)
	return l
}

// take makes a file that of the log.
func (l *accessLog) take(file *os.File) {
	info, err := file.Stat()
	l.file, l.broken = file, false
	l.shared = err != nil || !info.Mode().IsRegular()
	l.text.Bounded = l.shared
}

// reopen continues in another file.
func (l *accessLog) reopen(file *os.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeLines()
	l.file.Close()
	l.take(file)
}

// close writes what is left.
func (l *accessLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeLines()
}

func (l *accessLog) writeLines() {
	l.flush.Stop()
	for rest := l.lines; len(rest) > 0; {
		n := len(rest)
		if l.shared {
			n = jsonline.Chunk(rest)
		}
		var err error
		if fd := channel.RawFD(l.file); l.shared && fd >= 0 {
			_, err = l.pipe.Write(fd, rest[:n])
		} else {
			_, err = l.file.Write(rest[:n])
		}
		if err != nil && !l.broken {
			l.broken = true
			l.failed(err)
		}
		rest = rest[n:]
	}
	l.lines = l.lines[:0]
}

// write adds the line of a request that has ended.
func (l *accessLog) write(x *exchange) {
	now, e := time.Now(), x.entry()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		l.flush.Reset(site.AccessDelay)
	}
	l.lines = l.text.Append(l.lines, &e, now)
	if len(l.lines) >= site.AccessBuffer {
		l.writeLines()
	}
}

// entry is what the log says of the exchange.
func (x *exchange) entry() site.AccessEntry {
	e := site.AccessEntry{Remote: x.remote, Method: x.r.Method, URI: x.r.RequestURI, Proto: x.r.Proto, Host: x.r.Host, Status: x.status,
		Sent: x.sent, ID: x.id, Begun: x.begun, Asked: x.asked, Answered: x.answered, Referer: firstOf(x.r.Header["Referer"]),
		UserAgent: firstOf(x.r.Header["User-Agent"]), Authorization: firstOf(x.r.Header["Authorization"])}
	if x.trace.Trace != (tracecontext.TraceID{}) {
		e.TraceID, e.SpanID = hex.EncodeToString(x.trace.Trace[:]), hex.EncodeToString(x.trace.Span[:])
	}
	if x.pool != nil {
		e.Pool = x.pool.FrontPool.Name
	}
	return e
}

func firstOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
