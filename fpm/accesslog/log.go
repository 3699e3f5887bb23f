// Counterpart: fpm_log_write, fpm_access_log_suppress

package accesslog

import (
	"bytes"
	"cmp"
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// limit is the length of a line without its end, in bytes, before 8.5.
const limit = 1024

// TruncatedNotice is what php-fpm logs, as a notice, for a line that was cut.
const TruncatedNotice = "the log buffer is full (1024). The access log request has been truncated."

// Options are what is the same for all lines of a worker.
type Options struct {
	Pool      string         // %n
	Pid       int            // %p
	MasterPid int            // %P
	Suppress  []string       // access.suppress_path[]
	Location  *time.Location // where times are told; nil: time.Local
	// LogLimit is log_limit, where lines are cut since 8.5. 0: they are as with older versions.
	LogLimit int
}

// Log makes a worker's lines. It is for one goroutine at a time.
type Log struct {
	ops  []op
	o    Options
	line []byte
	tmp  []byte // a value
	told []told // by op
}

// told is the last time that a code told: a busy worker has many requests in a second.
type told struct {
	epoch int64
	text  []byte
}

// New makes a Log.
func New(f *Format, o Options) *Log {
	if o.Pool == "" {
		o.Pool = "-"
	}
	o.Pool = o.Pool[:min(len(o.Pool), maxPool)]
	return &Log{ops: f.ops, o: o, line: make([]byte, 0, limit+1), tmp: make([]byte, 0, 4*limit), told: make([]told, len(f.ops))}
}

// maxPool is how much of a pool's name is shown, in bytes.
const maxPool = 31

// Line returns the line for an entry, with its end. It is valid until the next call, and nil if nothing is to be logged. If it was truncated,
// TruncatedNotice belongs into the error log.
func (l *Log) Line(e *Entry) (line []byte, truncated bool) {
	shown := e.Request.Shown()
	if l.suppressed(e, &shown) {
		return nil, false
	}
	if l.o.LogLimit > 0 {
		return l.ownLine(e, &shown), false
	}
	b := l.line[:0]
	for i := range l.ops {
		op := &l.ops[i]
		if len(b) == limit {
			truncated = true
			break
		}
		if op.code == 0 {
			room := limit - len(b)
			b = append(b, op.text[:min(room, len(op.text))]...)
			if truncated = len(op.text) > room; truncated {
				break
			}
			continue
		}
		value := l.value(i, e, &shown)
		if room := limit - len(b); len(value) >= room {
			if op.code != '%' && (op.code != 'o' || string(value) != "-") { // these php-fpm puts there itself,
				room-- // behind the others there must be room for C's NUL
			}
			b, truncated = append(b, value[:room]...), true
			break
		}
		b = append(b, value...)
	}
	if len(b) == 0 {
		return nil, truncated
	}
	l.line = append(b, '\n')
	return l.line, truncated
}

// ownLine is a line as it is since 8.5: it is cut like one of the error log, and nothing is said of it there.
func (l *Log) ownLine(e *Entry, shown *scoreboard.Request) []byte {
	b := l.line[:0]
	for i := range l.ops {
		if op := &l.ops[i]; op.code == 0 {
			b = append(b, op.text...)
		} else {
			b = append(b, l.value(i, e, shown)...)
		}
		if len(b) >= l.o.LogLimit {
			b = append(b[:l.o.LogLimit-4], "..."...)
			break
		}
	}
	if len(b) == 0 {
		return nil
	}
	l.line = append(b, '\n')
	return l.line
}

// value is that of the code of an op.
func (l *Log) value(i int, e *Entry, shown *scoreboard.Request) []byte {
	b, op := l.tmp[:0], &l.ops[i]
	switch op.code {
	case '%':
		b = append(b, '%')
	case 'C':
		b = appendCPU(b, op.modifier, e)
	case 'd':
		b = appendDuration(b, op.modifier, e.Duration)
	case 'e':
		b = l.param(b, op.modifier, e)
	case 'f':
		b = appendOrDash(b, shown.Script)
	case 'l':
		b = strconv.AppendUint(b, e.ContentLength, 10)
	case 'm':
		b = appendOrDash(b, shown.Method)
	case 'M':
		b = strconv.AppendUint(b, e.Memory>>shiftOf(op.modifier), 10)
	case 'n':
		b = append(b, l.o.Pool...)
	case 'o':
		b = appendSaid(b, header(e.Headers, op.modifier))
	case 'p':
		b = strconv.AppendInt(b, int64(l.o.Pid), 10)
	case 'P':
		b = strconv.AppendInt(b, int64(l.o.MasterPid), 10)
	case 'q':
		b = appendSaid(b, shown.Query)
	case 'Q':
		if len(shown.Query) > 0 {
			b = append(b, '?')
		}
	case 'r':
		b = appendSaid(b, shown.URI)
	case 'R':
		b = appendOrDash(b, e.RemoteAddr)
	case 's':
		b = strconv.AppendInt(b, int64(e.Status), 10)
	case 't':
		return l.time(i, e.Accepted)
	case 'T':
		return l.time(i, e.Logged)
	case 'u':
		b = appendSaid(b, shown.User)
	case end:
	default:
		panic("BUG: a code without a value")
	}
	l.tmp = b
	return b
}

// param is a FastCGI param; one that is empty is empty.
func (l *Log) param(b []byte, name string, e *Entry) []byte {
	var value []byte
	if e.Param != nil {
		value = e.Param(name)
	}
	if value == nil {
		return append(b, '-')
	}
	return appendSaid(b, text(value))
}

var dash = []byte("-")

// header finds a header as php-fpm does: the first line that has a ": " where
// the name would end, and the name anywhere.
func header(lines [][]byte, name string) []byte {
	for _, line := range lines {
		n := len(name)
		if len(line) > n+2 && line[n] == ':' && line[n+1] == ' ' && contains(text(line), name) {
			if value := text(line[n+2:]); len(value) > 0 {
				return value
			}
			return dash
		}
	}
	return dash
}

func contains(line []byte, name string) bool {
	for i := 0; i+len(name) <= len(line); i++ {
		if string(line[i:i+len(name)]) == name {
			return true
		}
	}
	return false
}

// text is what C sees of it.
func text(b []byte) []byte {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		return b[:end]
	}
	return b
}

// time is a second as the op tells it.
func (l *Log) time(i int, epoch int64) []byte {
	last := &l.told[i]
	if last.text != nil && last.epoch == epoch {
		return last.text
	}
	format := l.ops[i].modifier
	if format == "" {
		format = "%d/%b/%Y:%H:%M:%S %z"
	}
	if last.text == nil {
		last.text = make([]byte, 0, 2*maxTime)
	}
	text := appendStrftime(last.text[:0], format, time.Unix(epoch, 0).In(cmp.Or(l.o.Location, time.Local)))
	last.epoch, last.text = epoch, text[:min(len(text), maxTime)]
	return last.text
}
