package front

import (
	"os"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// accessLog writes a line for each request. Whole lines reach the file in one write, so that several processes may
// append to it.
type accessLog struct {
	failed func(error) // takes the first error of a file

	mu     sync.Mutex
	file   *os.File
	broken bool
	lines  []byte
	flush  *time.Timer // armed while there are lines
	text   site.AccessLines
}

// newAccessLog makes a log of an open file, which it owns.
func newAccessLog(file *os.File, format string, failed func(error)) *accessLog {
	l := &accessLog{text: site.AccessLines{JSON: format == "json"}, failed: failed, file: file}
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
