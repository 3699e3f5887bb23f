// Counterpart: sapi/fpm/fpm/fpm_stdio.c (fpm_stdio_open_error_log, fpm_stdio_init_final, fpm_use_error_log)

package errorlog

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/sapi"
)

// A Log is where the master's messages go. Descriptor 2 is the program's standard error until the start is over, and after that it is the error
// log, so that what others print there is not lost.
//
// The error log is not used in the foreground at a terminal, nor with -O: somebody looks at standard error.
type Log struct {
	Messages    *zlog.Log
	Console     io.Writer // descriptor 2, whatever it is
	ForceStderr bool      // -O
	JSON        bool      // log.format of the configuration that is being read

	Original int      // a duplicate of the first standard error; -1 without one, as in a daemon
	Stdout   *os.File // a duplicate of the first standard output; nil unless a front's access log goes there

	file   *os.File // the opened error_log; nil for syslog and before
	syslog *syslogWriter
	use    bool
}

// New returns a Log that writes to standard error until a configuration is opened. forceStderr is -O.
func New(forceStderr bool) *Log {
	stderr := newLogWriter(os.Stderr)
	return &Log{Messages: zlog.New(stderr), Console: stderr, ForceStderr: forceStderr, Original: -1}
}

// InUse reports whether messages go to the error log once the start is over.
func (l *Log) InUse() bool { return l.use }

// SaveStderr keeps a duplicate of descriptor 2, for access logs that go there and for a reload.
func (l *Log) SaveStderr() {
	if fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3); err == nil {
		l.Original = fd
	}
}

// SaveStdout keeps a duplicate of descriptor 1, for a front's access log.
func (l *Log) SaveStdout() {
	if fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3); err == nil {
		l.Stdout = os.NewFile(uintptr(fd), settings.Stdout)
	}
}

// RestoreStderr makes descriptor 2 what it was at first.
func (l *Log) RestoreStderr() {
	if l.Original >= 0 {
		unix.Dup3(l.Original, 2, 0)
	}
}

// Open opens the error log of a configuration that is being read, for the hook of conf.System: from now on it gets
// the lines. Restore undoes it. Since PHP 8.3 php-fpm knows that an error log called /dev/stderr is standard error.
// It returns an error if the file cannot be opened.
func (l *Log) Open(g *conf.Global, php sapi.PHPVersion) error {
	l.use = g.Daemonize || !isTerminal(2) && !l.ForceStderr
	var file *os.File
	var sys *syslogWriter
	if g.Syslog() {
		sys = newSyslog(g.SyslogIdent.Value, g.SyslogFacility)
	} else {
		var err error
		if file, err = logfile.Open(g.ErrorLog.Value); err != nil {
			return err
		}
	}
	l.file, l.syslog = file, sys
	l.Messages.Configure(func(s *zlog.Settings) {
		s.Level, s.Limit, s.Buffering = g.LogLevel, g.LogLimit, g.LogBuffering
		if s.Level == 0 {
			s.Level = zlog.Notice
		}
		s.File, s.Syslog, s.JSON = nil, nil, l.JSON
		s.FileIsStderr = php.AtLeast(8, 3) && (g.ErrorLog.Value == "/dev/stderr" || g.ErrorLog.Value == "/proc/self/fd/2")
		switch {
		case !l.use:
		case sys != nil:
			s.Syslog = sys.write
		default:
			w := newLogWriter(file)
			w.json.Store(l.JSON)
			s.File = w
		}
	})
	l.tellConsole()
	return nil
}

// tellConsole tells what writes to descriptor 2 whether lines are in JSON.
func (l *Log) tellConsole() {
	if w, ok := l.Console.(*logWriter); ok {
		w.json.Store(l.Messages.Settings().JSON)
	}
}

// Complaints returns where PHP's complaints about the syntax of a configuration go, which php-fpm does not log: descriptor 2, or in JSON the log.
func (l *Log) Complaints() io.Writer {
	if !l.Messages.Settings().JSON {
		return l.Console
	}
	return complaining{l.Messages}
}

// complaining makes messages of lines.
type complaining struct{ log *zlog.Log }

func (c complaining) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			c.log.Log(zlog.Error, line)
		}
	}
	return len(text), nil
}

// A State is what Open changes.
type State struct {
	e        Log
	settings zlog.Settings
}

// State returns what Open would change, for Restore.
func (l *Log) State() State { return State{*l, l.Messages.Settings()} }

// Restore undoes an Open, and closes what it opened.
func (l *Log) Restore(s State) {
	opened := l.file
	*l = s.e
	l.Messages.Configure(func(now *zlog.Settings) { *now = s.settings })
	l.tellConsole()
	if opened != nil && opened != l.file {
		opened.Close()
	}
}

// Launched ends the start, or a reload: descriptor 2 becomes the error log, and lines no longer go to both.
func (l *Log) Launched() {
	l.RedirectStderr()
	if l.use && l.file == nil {
		unix.Dup3(1, 2, 0) // with syslog: /dev/null
	}
	l.Messages.Configure(func(s *zlog.Settings) { s.Launched = true })
}

// Stderr returns what descriptor 2 is after the start, or the reload; nil: /dev/null. A program that is executed earlier gets it, too, and not the
// first standard error: the command that started a daemon may wait until that is closed.
func (l *Log) Stderr() *os.File {
	switch {
	case !l.use:
		return os.Stderr
	case l.file == nil: // syslog
		return nil
	}
	return l.file
}

// Relaunch begins a reload, in which lines go to the first stderr too, as in a start.
func (l *Log) Relaunch() {
	l.Messages.Configure(func(s *zlog.Settings) { s.Launched = false })
}

// Close closes the file of a State that is not gone back to.
func (s State) Close() {
	if s.e.file != nil {
		s.e.file.Close()
	}
}

// RedirectStderr makes descriptor 2 the error log, if the log is a file and in use.
func (l *Log) RedirectStderr() {
	if l.use && l.file != nil {
		unix.Dup3(int(l.file.Fd()), 2, 0)
	}
}

// Reopen opens the error log again, after somebody has moved the file. It returns an error if it cannot be opened.
func (l *Log) Reopen(path string) error {
	if l.file == nil {
		return nil // syslog
	}
	file, err := logfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Dup3(int(file.Fd()), int(l.file.Fd()), unix.O_CLOEXEC)
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
