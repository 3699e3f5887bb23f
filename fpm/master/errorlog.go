// Counterpart: sapi/fpm/fpm/fpm_stdio.c (fpm_stdio_open_error_log, fpm_stdio_init_final, fpm_use_error_log)

package master

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

// errorLog is where messages go. Descriptor 2 is the program's stderr until the start is over, and then the error
// log, so that what others print there is not lost.
//
// The error log is not used in the foreground at a terminal, nor with -O: somebody looks at stderr.
type errorLog struct {
	log         *zlog.Log
	console     io.Writer // descriptor 2, whatever it is
	forceStderr bool

	json     bool     // of the configuration that is being read: log.format
	file     *os.File // the opened error_log; nil for syslog and before
	syslog   *syslogWriter
	use      bool
	original int      // a duplicate of the first stderr; -1 without one, as in a daemon
	stdout   *os.File // a duplicate of the first stdout; nil unless the front's access log goes there
}

func newErrorLog(forceStderr bool) *errorLog {
	stderr := newLogWriter(os.Stderr)
	return &errorLog{log: zlog.New(stderr), console: stderr, forceStderr: forceStderr, original: -1}
}

// saveStderr remembers what descriptor 2 is, for access logs that go there and for a reload.
func (e *errorLog) saveStderr() {
	if fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3); err == nil {
		e.original = fd
	}
}

// saveStdout keeps what descriptor 1 is, for a front's access log.
func (e *errorLog) saveStdout() {
	if fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3); err == nil {
		e.stdout = os.NewFile(uintptr(fd), settings.Stdout)
	}
}

// restoreStderr makes descriptor 2 what it was.
func (e *errorLog) restoreStderr() {
	if e.original >= 0 {
		unix.Dup3(e.original, 2, 0)
	}
}

// open opens the error log of a configuration that is being read, for the hook of conf.System: from now on it gets
// the lines. It is undone by restore. Since 8.3 php-fpm knows that an error log of a certain name is stderr.
func (e *errorLog) open(g *conf.Global, php sapi.PHPVersion) error {
	e.use = g.Daemonize || !isTerminal(2) && !e.forceStderr
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
	e.file, e.syslog = file, sys
	e.log.Configure(func(s *zlog.Settings) {
		s.Level, s.Limit, s.Buffering = g.LogLevel, g.LogLimit, g.LogBuffering
		if s.Level == 0 {
			s.Level = zlog.Notice
		}
		s.File, s.Syslog, s.JSON = nil, nil, e.json
		s.FileIsStderr = php.AtLeast(8, 3) && (g.ErrorLog.Value == "/dev/stderr" || g.ErrorLog.Value == "/proc/self/fd/2")
		switch {
		case !e.use:
		case sys != nil:
			s.Syslog = sys.write
		default:
			w := newLogWriter(file)
			w.json.Store(e.json)
			s.File = w
		}
	})
	e.tellConsole()
	return nil
}

// tellConsole tells what writes to descriptor 2 whether lines are in JSON.
func (e *errorLog) tellConsole() {
	if w, ok := e.console.(*logWriter); ok {
		w.json.Store(e.log.Settings().JSON)
	}
}

// complaints returns where what is not a message goes that is said of a configuration: descriptor 2, or in JSON the log.
func (e *errorLog) complaints() io.Writer {
	if !e.log.Settings().JSON {
		return e.console
	}
	return complaining{e.log}
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

// errorLogState is what open changes.
type errorLogState struct {
	e        errorLog
	settings zlog.Settings
}

func (e *errorLog) state() errorLogState { return errorLogState{*e, e.log.Settings()} }

// restore undoes an open, and closes what it opened.
func (e *errorLog) restore(s errorLogState) {
	opened := e.file
	*e = s.e
	e.log.Configure(func(now *zlog.Settings) { *now = s.settings })
	e.tellConsole()
	if opened != nil && opened != e.file {
		opened.Close()
	}
}

// launched ends the start, or a reload: descriptor 2 becomes the error log, and lines no longer go to both.
func (e *errorLog) launched() {
	e.redirectStderr()
	if e.use && e.file == nil {
		unix.Dup3(1, 2, 0) // with syslog: /dev/null
	}
	e.log.Configure(func(s *zlog.Settings) { s.Launched = true })
}

// stderr is what descriptor 2 is when the start, or a reload, is over: who is executed before must not keep the first
// stderr, for whose end somebody may wait who started a daemon. nil: /dev/null.
func (e *errorLog) stderr() *os.File {
	switch {
	case !e.use:
		return os.Stderr
	case e.file == nil: // syslog
		return nil
	}
	return e.file
}

// relaunch is the beginning of a reload, in which lines go to the first stderr too, as in a start.
func (e *errorLog) relaunch() {
	e.log.Configure(func(s *zlog.Settings) { s.Launched = false })
}

// close closes the file of a state that is not gone back to.
func (e *errorLog) close() {
	if e.file != nil {
		e.file.Close()
	}
}

func (e *errorLog) redirectStderr() {
	if e.use && e.file != nil {
		unix.Dup3(int(e.file.Fd()), 2, 0)
	}
}

// reopen opens the error log again, after somebody has moved the file.
func (e *errorLog) reopen(path string) error {
	if e.file == nil {
		return nil // syslog
	}
	file, err := logfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Dup3(int(file.Fd()), int(e.file.Fd()), unix.O_CLOEXEC)
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
