package upstream

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// What Serve returns where nothing was written to the client. The error's text says more, for a log.
var (
	// ErrBusy: no worker became free in time, or too many requests wait already: 503.
	ErrBusy = errors.New("no worker is free")
	// ErrGone: there is no worker, or it ended before it answered: 502.
	ErrGone = errors.New("no answer from a worker")
	// ErrAnswer: a worker's answer has a head that makes no sense, or none: 502.
	ErrAnswer = errors.New("the answer cannot be understood")
	// ErrTimeout: the worker said nothing for RequestTimeout: 504.
	ErrTimeout = errors.New("the worker was silent for too long")
	// ErrClient: the client went away, or its body could not be read. The cause is wrapped, too: a
	// *http.MaxBytesError, for instance, or os.ErrDeadlineExceeded.
	ErrClient = errors.New("the client is gone")
	// ErrHeaders: the request has more headers than a worker takes: 431.
	ErrHeaders = errors.New("more headers than a worker takes")
	// ErrFull: a body that is not streamed would take more space than there is for all: 503.
	ErrFull = errors.New("no room for the request's body")
	// ErrLack: the front has no descriptor or no memory left for a connection or a temporary file: 503.
	ErrLack = errors.New("the front lacks what it needs to ask a worker")
	// ErrSpool: a body that is not streamed could not be put into a temporary file: 500.
	ErrSpool = errors.New("no room for the request's body")
)

// because wraps both.
func because(err, cause error) error { return fmt.Errorf("%w: %w", err, cause) }

// unless returns err because of cause, or ErrLack if the cause is a lack that passes.
func unless(err, cause error) error {
	if IsLack(cause) {
		err = ErrLack
	}
	return because(err, cause)
}

// IsLack reports whether an error is a lack of descriptors or memory of this process or of the system.
func IsLack(err error) bool {
	for _, errno := range []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
