package direct

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/jsonline"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// accessLog is the access log of HTTP, which all workers and the front append to.
type accessLog struct {
	fd     int // -1: there is none
	text   site.AccessLines
	lines  []byte
	since  time.Time // when the first of lines was added
	broken bool      // it was said that it cannot be written
	shared bool      // what other processes write may come between two writes
	pipe   logfile.Pipe
}

// logRequest adds the line of the present request to the access log.
func (c *Conn) logRequest() {
	l := &c.access
	if l.fd < 0 {
		return
	}
	now, r, h := time.Now(), &c.response, &c.head
	e := site.AccessEntry{Remote: c.who.Remote, Method: view(h.method), URI: view(h.target), Proto: "HTTP/1.1", Host: c.who.Host,
		Status: r.status, Sent: r.written, ID: view(c.id), TraceID: view(c.traceID), SpanID: view(c.spanID), Begun: c.begun, Referer: view(h.first("Referer")), UserAgent: view(h.first("User-Agent")), Authorization: view(h.first("Authorization"))}
	if !r.plain {
		e.Pool, e.Asked = c.Orders.FrontPool.Name, c.begun
	}
	if r.gone && !r.sent {
		e.Status = site.StatusGone
	}
	if !r.gone && !r.failed {
		e.Answered = now
	}
	if len(l.lines) == 0 {
		l.since = now
	}
	l.lines = l.text.Append(l.lines, &e, now)
	if len(l.lines) >= site.AccessBuffer || now.Sub(l.since) >= site.AccessDelay {
		c.WriteLines()
	}
}

// view returns a string that shares b's memory, for as long as that does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// HasLines reports whether lines of the access log are to be written.
func (c *Conn) HasLines() bool { return len(c.access.lines) > 0 }

// WriteLines writes the lines of the access log that HasLines has told of.
func (c *Conn) WriteLines() {
	l := &c.access
	if len(l.lines) == 0 {
		return
	}
	for rest := l.lines; len(rest) > 0; {
		n := len(rest)
		if l.shared {
			n = jsonline.Chunk(rest)
		}
		var err error
		if l.shared {
			var lost int
			if lost, err = l.pipe.Write(l.fd, rest[:n]); lost > 0 {
				c.Log(zlog.Error, "the HTTP access log did not take lines for a while, and they are lost")
			}
		} else {
			_, err = unix.Write(l.fd, rest[:n])
		}
		if err != nil && !l.broken {
			l.broken = true
			c.Log(zlog.Error, "the HTTP access log cannot be written, lines are lost: "+err.Error())
		}
		rest = rest[n:]
	}
	l.lines = l.lines[:0]
}

// SetAccessLog makes fd the access log, which was opened again.
func (c *Conn) SetAccessLog(fd int) {
	c.WriteLines()
	if c.access.fd < 0 { // there is to be none
		unix.Close(fd)
		return
	}
	unix.Close(c.access.fd)
	c.access.take(fd)
}

// take makes a descriptor that of the log.
func (l *accessLog) take(fd int) {
	var s unix.Stat_t
	l.fd, l.broken = fd, false
	l.shared = fd >= 0 && (unix.Fstat(fd, &s) != nil || s.Mode&unix.S_IFMT != unix.S_IFREG)
	l.text.Bounded = l.shared
}
