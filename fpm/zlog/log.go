// Counterpart: sapi/fpm/fpm/zlog.c (vzlog)

package zlog

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// maxLine is the longest a single message's line gets, whatever log_limit says.
const maxLine = 2048

// A Log writes messages. Set its fields before use or through Configure; it
// may be used by several goroutines.
type Log struct {
	mu sync.Mutex
	s  Settings
}

// Settings say what a Log does with a message.
type Settings struct {
	// Level is the least severe level written.
	Level Level
	// Limit is log_limit: where streams wrap, and how long a truncated
	// message may be.
	Limit int
	// Buffering is log_buffering: streams write whole lines, not pieces.
	Buffering bool

	// Stderr is the log while there is no other; until Launched, it gets a
	// copy of what goes to another, from Notice up.
	Stderr io.Writer
	// File is the opened error_log; nil before that.
	File io.Writer
	// FileIsStderr says that File leads to where Stderr does: messages are written once. Those of streams are not.
	FileIsStderr bool
	// Syslog, if set, takes the lines instead of File, without time and line
	// end. Like php-fpm it hands on the level of the log, not of the message.
	Syslog func(Level, string)
	// Launched says that startup is over.
	Launched bool
	// Child leaves time and pid to the master, who will add them.
	Child bool
	// JSON has lines be objects (see About), of any length.
	JSON bool
	// External, if set, also gets every message, of any level, undecorated. true: it needs no other place.
	External func(Level, string) bool

	Now func() time.Time // nil: time.Now
	Pid int              // 0: os.Getpid()
}

// New returns a Log as php-fpm's is before it has read its configuration.
func New(stderr io.Writer) *Log {
	l := &Log{}
	l.Init(stderr)
	return l
}

// Init is New with the memory of l.
func (l *Log) Init(stderr io.Writer) {
	l.s = Settings{Level: Notice, Limit: DefaultLimit, Buffering: true, Stderr: stderr}
}

// Configure changes settings.
func (l *Log) Configure(change func(*Settings)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.s)
}

// Settings returns the current settings.
func (l *Log) Settings() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s
}

// Log writes msg as one line.
func (l *Log) Log(level Level, msg string) { l.write(level, msg, nil, false, nil) }

// Logf is Log with a format.
func (l *Log) Logf(level Level, format string, args ...any) {
	l.write(level, fmt.Sprintf(format, args...), nil, false, nil)
}

// LogAbout is Log; in JSON the line says what it is about, too.
func (l *Log) LogAbout(level Level, about *About, msg string) { l.write(level, msg, nil, false, about) }

// LogErr writes msg with the words and the number of the system error in err
// after it, as php-fpm does for failed system calls.
func (l *Log) LogErr(level Level, msg string, err error) { l.write(level, msg, err, true, nil) }

func (l *Log) write(level Level, msg string, err error, withErr bool, about *About) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.s
	if s.External != nil {
		ext := msg
		if len(ext) >= maxLine && !s.JSON {
			ext = ext[:maxLine-3] + "..."
		}
		if s.External(level, ext) {
			return
		}
	}
	if level < s.Level {
		return
	}
	var function string
	var line int
	if s.Level == Debug {
		function, line = caller(3)
	}
	if s.JSON {
		if withErr {
			msg += ": " + Strerror(err)
		}
		s.put(level, s.object(level, msg, about, function, line))
		return
	}
	b := s.prefix(nil, level, function, line, s.Syslog != nil)
	b = append(b, msg...)
	truncated := len(b) >= maxLine
	if !truncated && withErr {
		b = append(b, ": "+Strerror(err)...)
		truncated = len(b) >= s.Limit || len(b) >= maxLine
	}
	if truncated {
		b = append(b[:min(s.Limit, maxLine)-4], "..."...)
	}
	s.put(level, append(b, '\n'))
}

// put writes a line, with its end.
func (s *Settings) put(level Level, b []byte) {
	if s.Syslog != nil {
		s.Syslog(s.Level, string(b[:len(b)-1]))
	}
	logged := s.Syslog != nil
	if !logged {
		write(s.out(), b)
	}
	if (logged || s.separate()) && !s.Launched && level >= Notice {
		write(s.Stderr, b)
	}
}

// out is where lines go if not to syslog.
func (s *Settings) out() io.Writer {
	if s.File != nil {
		return s.File
	}
	return s.Stderr
}

// separate reports whether the log is something else than stderr.
func (s *Settings) separate() bool { return s.File != nil && s.File != s.Stderr && !s.FileIsStderr }

func write(w io.Writer, b []byte) {
	if w != nil {
		_, _ = w.Write(b)
	}
}

// prefix appends what stands before the message.
func (s *Settings) prefix(b []byte, level Level, function string, line int, syslog bool) []byte {
	debug := s.Level == Debug
	if syslog {
		if debug {
			return fmt.Appendf(b, "[%s] %s(), line %d: ", level, function, line)
		}
		return fmt.Appendf(b, "[%s] ", level)
	}
	if !s.Child {
		now := time.Now
		if s.Now != nil {
			now = s.Now
		}
		b = AppendTime(b, now(), debug)
	}
	switch {
	case debug && s.Child:
		return fmt.Appendf(b, "%s: %s(), line %d: ", level, function, line)
	case debug:
		pid := s.Pid
		if pid == 0 {
			pid = os.Getpid()
		}
		return fmt.Appendf(b, "%s: pid %d, %s(), line %d: ", level, pid, function, line)
	}
	return fmt.Appendf(b, "%s: ", level)
}

// AppendTime appends a line's time, "[21-Nov-2026 20:47:35] ", in local time
// and with microseconds if asked for.
func AppendTime(b []byte, t time.Time, micro bool) []byte {
	b = t.Local().AppendFormat(b, "[02-Jan-2006 15:04:05")
	if micro {
		b = fmt.Appendf(b, ".%06d", t.Nanosecond()/1000)
	}
	return append(b, "] "...)
}

// caller names the function that logs, as a C identifier would be.
func caller(skip int) (function string, line int) {
	pc, _, line, ok := runtime.Caller(skip)
	if !ok {
		return "unknown", 0
	}
	function = "unknown"
	if f := runtime.FuncForPC(pc); f != nil {
		function = f.Name()
		for strings.HasSuffix(function, ".1") || strings.Contains(function, ".func") {
			function = function[:strings.LastIndexByte(function, '.')] // of a closure, its maker
		}
		function = function[strings.LastIndexByte(function, '.')+1:]
	}
	return function, line
}
