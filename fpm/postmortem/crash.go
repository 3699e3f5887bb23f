package postmortem

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Crashes takes what Go's runtime prints in a process that panics, whose standard error is /dev/null, as a worker's is
// in php-fpm. Nobody reads it until a process ends as the runtime ends one, and writing there does not wait: what does not
// fit the pipe is lost. The workers of a pool share one.
type Crashes struct {
	in  *os.File
	out int
}

// NewCrashes returns crashes that nobody has written to.
func NewCrashes() (*Crashes, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	unix.SetNonblock(ends[0], true)
	return &Crashes{in: os.NewFile(uintptr(ends[1]), "crash output"), out: ends[0]}, nil
}

// In returns the file for the processes, which stays the crashes'.
func (c *Crashes) In() *os.File { return c.in }

// Close closes both ends, if they are not closed. c may be nil.
func (c *Crashes) Close() {
	if c != nil && c.in.Close() == nil {
		unix.Close(c.out)
	}
}

// What is logged of one process: a trace is shorter, and a script may have written there, too.
const (
	maxCrash     = 64 << 10
	maxCrashLine = 100
)

// Lines returns what a process has left, if it ended as Go's runtime ends one that panics, or by a signal: then it may have told
// what PHP was doing. c may be nil, and has none then.
func (c *Crashes) Lines(status syscall.WaitStatus) (lines []string) {
	const panicked = 2
	if c == nil || !IsCrash(status) && (!status.Exited() || status.ExitStatus() != panicked) {
		return nil
	}
	text := make([]byte, maxCrash)
	n := 0
	for n < len(text) {
		got, err := unix.Read(c.out, text[n:])
		if err == unix.EINTR {
			continue
		}
		if got <= 0 {
			break
		}
		n += got
	}
	for line := range strings.Lines(string(text[:n])) {
		if line = printable(line); line != "" && len(lines) < maxCrashLine {
			lines = append(lines, line)
		}
	}
	return lines
}

// IsCrash reports whether a process has ended by a signal that a fault sends.
func IsCrash(status syscall.WaitStatus) bool {
	if !status.Signaled() {
		return false
	}
	switch status.Signal() {
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGABRT:
		return true
	}
	return false
}

// printable is a line of the error log: tabs are spaces there, and what could be taken for another line is '?'.
func printable(line string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == '\n' || r == '\r':
			return -1
		case r < ' ' || r == 0x7f:
			return '?'
		}
		return r
	}, line), " ")
}
