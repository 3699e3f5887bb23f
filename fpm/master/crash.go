package master

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// crashPipe takes what Go's runtime prints in a process that panics, whose standard error is /dev/null, as a worker's is
// in php-fpm. Nobody reads it until a process ends as the runtime ends one, and writing there does not wait: what does not
// fit the pipe is lost. The workers of a pool share one.
type crashPipe struct {
	in  *os.File // for the processes
	out int
}

func newCrashPipe() (*crashPipe, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	unix.SetNonblock(ends[0], true)
	return &crashPipe{in: os.NewFile(uintptr(ends[1]), "crash output"), out: ends[0]}, nil
}

func (p *crashPipe) close() {
	if p != nil {
		p.in.Close()
		unix.Close(p.out)
	}
}

// What is logged of one process: a trace is shorter, and a script may have written there, too.
const (
	maxCrash     = 64 << 10
	maxCrashLine = 100
)

// lines returns what a process has left, if it ended as Go's runtime ends one that panics, or by a signal: then it may have told
// what PHP was doing.
func (p *crashPipe) lines(status syscall.WaitStatus) (lines []string) {
	const panicked = 2
	if p == nil || !isCrash(status) && (!status.Exited() || status.ExitStatus() != panicked) {
		return nil
	}
	text := make([]byte, maxCrash)
	n := 0
	for n < len(text) {
		got, err := unix.Read(p.out, text[n:])
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

// isCrash reports whether a process has ended by a signal that a fault sends.
func isCrash(status syscall.WaitStatus) bool {
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

func (l lines) workerPanicked(pool string, pid int, line string) {
	l.Logf(zlog.Error, "[pool %s] child %d: %s", pool, pid, line)
}

func (l lines) frontPanicked(generation, pid int, line string) {
	l.Logf(zlog.Error, "[front] process %d of generation %d: %s", pid, generation, line)
}
