package zygote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/sapi"
)

// ErrGone is the error of an order to a zygote that has ended or was given up.
var ErrGone = errors.New("the zygote is gone")

// FailedError says why PHP could not be started. Its text is a sentence about PHP.
type FailedError struct {
	Reason string
	Err    error // the context's, if that ended the start
}

func (e *FailedError) Error() string { return e.Reason }

// Unwrap returns the context's error.
func (e *FailedError) Unwrap() error { return e.Err }

// failure words the error of a start. The process has ended.
func (z *Zygote) failure(ctx context.Context, err error, began time.Time) error {
	var engine *sapi.EngineError
	var failed *FailedError
	switch {
	case errors.As(err, &engine):
		return engine
	case errors.As(err, &failed):
		return failed
	case errors.Is(err, errBoot) && ctx.Err() == nil:
		if status, known := z.process.status(); known {
			return &BootError{fmt.Sprintf("its process ended %s while it was booting", how(status))}
		}
		return &BootError{"its process ended while it was booting"}
	case errors.As(err, new(*BootError)), errors.As(err, new(*SnapshotError)):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		took := time.Since(began).Round(time.Second)
		return &FailedError{fmt.Sprintf("PHP had not started after %v, and was ended", took), ctx.Err()}
	case ctx.Err() != nil:
		return &FailedError{"PHP's start was interrupted", ctx.Err()}
	}
	if errors.Is(err, errMalformed) {
		return fmt.Errorf("PHP's start: %w", err)
	}
	if status, known := z.process.status(); known {
		return &FailedError{Reason: fmt.Sprintf("PHP ended %s while it was starting; if it printed messages, they say why", how(status))}
	}
	return fmt.Errorf("PHP ended while it was starting: %w", err)
}

// notStarted is why module startup failed, by a msgFailed. PHP prints nothing if the script of opcache.preload calls exit or
// is killed. opcache makes the status of the process that preloads, whatever the script's is.
func notStarted(text string) error {
	number, preload, _ := strings.Cut(text, " ")
	status, err := strconv.Atoi(number)
	reason := "PHP could not be started"
	switch {
	case err != nil:
		return errMalformed
	case preload != "" && status > 0 && syscall.WaitStatus(status).Signaled():
		reason += fmt.Sprintf(": a process of opcache.preload (%s) ended %s", preload, how(syscall.WaitStatus(status)))
	case preload != "":
		reason += fmt.Sprintf(": opcache.preload (%s) failed or called exit", preload)
	}
	return &FailedError{Reason: reason + "; if it printed messages, they say why"}
}

// how words a wait status.
func how(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("with signal %d (%s)", int(status.Signal()), unix.SignalName(status.Signal()))
	}
	return fmt.Sprintf("with status %d", status.ExitStatus())
}
