package operate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Outcome is what a command with --json prints if it has nothing else to show: start, reload, upgrade, stop, test and profile, and each command
// that fails. It is one line. Names may be added.
type Outcome struct {
	Command    string   `json:"command"`
	Done       bool     `json:"done"`    // what was asked for is so
	Seconds    float64  `json:"seconds"` // until the outcome
	Master     int      `json:"master,omitempty"`
	Generation int      `json:"generation,omitempty"` // of start, reload and upgrade: which serves
	Version    string   `json:"version,omitempty"`    // of phpsapi, if another program serves now
	From       string   `json:"from,omitempty"`       // the other's
	Finishing  int      `json:"finishing,omitempty"`  // requests that the old configuration finishes
	Aborted    int      `json:"aborted,omitempty"`    // of stop: requests
	Profile    *Profile `json:"profile,omitempty"`
	Lines      []string `json:"lines,omitempty"` // of the error log that belong to it, without time
	Error      *Error   `json:"error,omitempty"`
}

// Profile is a profile that was written.
type Profile struct {
	File    string `json:"file"`
	Format  string `json:"format"`
	Samples int    `json:"samples"`
	Workers int    `json:"workers,omitempty"`
	Dropped int    `json:"dropped,omitempty"` // samples
	Lost    int    `json:"lost,omitempty"`    // bytes
}

// Error is why a command failed.
type Error struct {
	Message string         `json:"message"`
	Status  int            `json:"status"`           // the exit status
	Reason  control.Reason `json:"reason,omitempty"` // of the master's answer
}

// note adds a line of the log.
func (o *Outcome) note(line string) {
	if line = strings.TrimRight(line, "\n"); line != "" {
		o.Lines = append(o.Lines, logTime.ReplaceAllString(line, ""))
	}
}

// say prints what a command has done, for people.
func (o *Operator) say(format string, args ...any) {
	if !o.JSON {
		fmt.Fprintf(o.Out, format, args...)
	}
}

// end prints how a command ended and returns its exit status.
func (o *Operator) end(command string, err error) int {
	status := exitOK
	if err != nil {
		fmt.Fprintf(o.Err, "phpsapi fpm %s: %v\n", command, err)
		var f *failure
		if status = exitSoftware; errors.As(err, &f) {
			status = f.status
			o.outcome.Error = &Error{Reason: f.reason}
		} else {
			o.outcome.Error = &Error{}
		}
		o.outcome.Error.Message, o.outcome.Error.Status = err.Error(), status
	}
	if o.JSON && !o.printed {
		o.printOutcome(command)
	}
	return status
}

func (o *Operator) printOutcome(command string) {
	o.outcome.Command, o.outcome.Done = command, o.outcome.Error == nil
	if !o.Began.IsZero() {
		o.outcome.Seconds = time.Since(o.Began).Round(time.Microsecond).Seconds()
	}
	line, err := json.Marshal(&o.outcome)
	if err != nil {
		panic("BUG: an outcome is not JSON: " + err.Error())
	}
	fmt.Fprintf(o.Out, "%s\n", plainJSON(line))
}

// Watched runs a command of php-fpm's, such as its start, whose messages go to standard error, and prints the outcome as JSON. started returns the
// pid of the master that the command has started, or 0. Watched returns the exit status of run.
func (o *Operator) Watched(command string, run func() int, started func() int) int {
	status, said, err := stderrOf(run)
	if err != nil {
		return o.end(command, err)
	}
	io.WriteString(o.Err, said)
	for line := range strings.Lines(said) {
		o.outcome.note(line)
	}
	if o.outcome.Master = started(); o.outcome.Master != 0 && status == exitOK {
		o.outcome.Generation = 1
	}
	if status != exitOK {
		o.outcome.Error = &Error{Message: firstError(o.outcome.Lines), Status: status}
	}
	o.printOutcome(command)
	return status
}

// logTime is what a line of php-fpm's log begins with.
var logTime = regexp.MustCompile(`^\[\d{2}-\w{3}-\d{4} [\d:.]+\] `)

// firstError returns the first message that is an error, or the last line.
func firstError(lines []string) string {
	for _, line := range lines {
		for _, level := range []string{"ERROR: ", "ALERT: "} {
			if message, ok := strings.CutPrefix(line, level); ok {
				return message
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// stderrOf runs a function and returns what this process and its children write to standard error meanwhile. It is a file without a name, not a
// pipe: a service that run starts may have it for longer.
func stderrOf(run func() int) (status int, said string, err error) {
	const stderr = 2
	fd, err := unix.MemfdCreate("stderr", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, "", os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "stderr")
	defer file.Close()
	if _, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		return 0, "", os.NewSyscallError("fcntl", err)
	}
	own, err := unix.FcntlInt(stderr, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, "", os.NewSyscallError("fcntl", err)
	}
	defer unix.Close(own)
	if err := unix.Dup3(fd, stderr, 0); err != nil {
		return 0, "", os.NewSyscallError("dup3", err)
	}
	status = run()
	if err := unix.Dup3(own, stderr, 0); err != nil {
		return status, "", os.NewSyscallError("dup3", err)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, 0, mostSaid))
	return status, string(text), err
}

// mostSaid is how much of standard error is read, in bytes.
const mostSaid = 1 << 20
