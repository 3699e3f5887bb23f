package accesslog

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// Entry is a request to log. Its texts are only read during Line.
type Entry struct {
	scoreboard.Request // as Slot.Info got it

	Status    int           // of the response
	Accepted  int64         // when the request came, in seconds since the epoch (Slot.AcceptedEpoch)
	Logged    int64         // now
	Duration  time.Duration // Slot.Duration
	CPUUser   time.Duration // as Slot.End got it
	CPUSystem time.Duration // as Slot.End got it
	Memory    uint64        // as Slot.End got it, in bytes
	QueueWait time.Duration // how long the request waited for a worker; 0: not known

	// TraceID and SpanID are in hexadecimal digits; empty: there are none.
	TraceID, SpanID []byte

	RemoteAddr []byte // the peer's IP address; nil on a unix socket
	// Param returns a FastCGI param; nil if there is none. Set it once, not for
	// each request: a method value allocates.
	Param func(name string) []byte
	// Headers are the response's header lines, "Name: value", those the script
	// and PHP made before the response began.
	Headers [][]byte
}

// suppressed reports whether an entry is one that access.suppress_path[] leaves out.
func (l *Log) suppressed(e *Entry, shown *scoreboard.Request) bool {
	if len(l.o.Suppress) == 0 || len(shown.Query) > 0 || e.ContentLength > 0 || e.Status < 200 || e.Status > 299 {
		return false
	}
	if m := string(shown.Method); m != "GET" && m != "HEAD" {
		return false
	}
	for _, path := range l.o.Suppress {
		if path == string(shown.URI) {
			return true
		}
	}
	return false
}
