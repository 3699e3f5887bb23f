package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Level is the importance of a line of the log, 1 the highest; each -q hides the least important level that is left.
type Level int

const (
	LevelProcess Level = 1 + iota
	LevelError
	LevelMessage
)

// Log is the server's log. Each line is written at once, so that parent and workers may share a file. Its methods
// may be called from several goroutines.
type Log struct {
	Out       io.Writer
	Verbosity Level // the highest level that is written
	// WithPid has each line begin with the pid of the process that wrote it.
	WithPid bool
	// Color says that cli_server.color is set and standard output is a terminal.
	Color bool
}

// Line writes one line.
func (l *Log) Line(level Level, text string) {
	if level > l.Verbosity {
		return
	}
	line := "[" + time.Now().Format(time.ANSIC) + "] " + text + "\n"
	if l.WithPid {
		line = fmt.Sprintf("[%d] %s", os.Getpid(), line)
	}
	io.WriteString(l.Out, line)
}

// Response writes the line of a request that was answered. status is what the client was told. effective decides the color: it is
// 500 if a fatal error came too late for the client to be told. detail is the end of the line, and may be empty.
func (l *Log) Response(client string, status, effective int, method, uri, detail string) {
	text := fmt.Sprintf("%s [%d]: %s %s", client, status, method, uri)
	if detail != "" {
		text += " - " + detail
	}
	if color := color(effective); l.Color && color != 0 {
		text = fmt.Sprintf("\x1b[3%dm%s\x1b[0m", color, text)
	}
	l.Line(LevelMessage, text)
}

// color is the last digit of the terminal's color for a status: red, yellow, green.
func color(status int) int {
	switch {
	case status >= 500:
		return 1
	case status >= 400:
		return 3
	case status >= 200:
		return 2
	}
	return 0
}

// php's own lines.

func (l *Log) started(version, url string) {
	l.Line(LevelProcess, fmt.Sprintf("PHP %s Development Server (%s) started", version, url))
}

func (l *Log) notListening(address, reason string) {
	l.Line(LevelError, fmt.Sprintf("Failed to listen on %s (reason: %s)", address, reason))
}

func (l *Log) notAccepted(reason string) {
	l.Line(LevelError, fmt.Sprintf("Failed to accept a client (reason: %s)", reason))
}

func (l *Log) accepted(client string) { l.Line(LevelMessage, client+" Accepted") }
func (l *Log) closing(client string)  { l.Line(LevelMessage, client+" Closing") }

// noRequest says why a connection brought no request.
func (l *Log) noRequest(client string, err error) {
	var why string
	switch {
	case errors.Is(err, errNothing):
		l.Line(LevelMessage, client+" Closed without sending a request; it was probably just an unused speculative preconnection")
		return
	case errors.Is(err, errMalformed):
		why = "Malformed HTTP request"
	case errors.Is(err, errTLS):
		why = "Unsupported SSL request"
	case errors.Is(err, errUnfinished):
		why = "Unexpected EOF"
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = "Connection timed out"
	default:
		why = cause(err)
	}
	l.Line(LevelError, fmt.Sprintf("%s Invalid request (%s)", client, why))
}

// The lines below are phpsapi's.

func (l *Log) draining(requests int, sig os.Signal) {
	l.Line(LevelProcess, fmt.Sprintf("Waiting for %d request(s) to end, after %s; a second signal ends them", requests, sig))
}

func (l *Log) workersBusy(limit int) {
	l.Line(LevelError, fmt.Sprintf("All %d workers have a request: further ones wait (PHP_CLI_SERVER_WORKERS=n allows more)", limit))
}

func (l *Log) noWorker(err error) {
	l.Line(LevelError, "Failed to start a worker (reason: "+err.Error()+")")
}

func (l *Log) zygoteGone(pid int) {
	l.Line(LevelProcess, fmt.Sprintf("The process that starts workers (pid %d) died and its workers with it; starting another", pid))
}

func (l *Log) zygoteLost(err error) {
	l.Line(LevelProcess, "The process that starts workers cannot be started again (reason: "+err.Error()+")")
}

func (l *Log) fileChanged(path string) {
	l.Line(LevelMessage, path+" has changed: PHP is started again")
}

func (l *Log) notRenewed(err error) {
	l.Line(LevelError, "PHP cannot be started again (reason: "+err.Error()+")")
}

func (l *Log) notFollowed(link string, most int) {
	l.Line(LevelError, fmt.Sprintf("Changes of files in %s are not seen (reason: it is a symbolic link, and links lead to more than %d directories)", link, most))
}

func (l *Log) notWatched(err error) {
	l.Line(LevelError, "Changes of files are not seen (reason: "+err.Error()+")")
}

// death says how a worker ended that had a request.
func death(pid int, status syscall.WaitStatus, known bool) string {
	switch {
	case !known:
		return fmt.Sprintf("worker %d is gone", pid)
	case status.Signaled():
		return fmt.Sprintf("worker %d was killed by signal %d (%s)", pid, status.Signal(), status.Signal())
	}
	return fmt.Sprintf("worker %d ended with status %d", pid, status.ExitStatus())
}
