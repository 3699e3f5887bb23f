package fastcgi

import (
	"errors"
	"fmt"
	"io"
)

// What can be wrong with what a peer sends. A *RecordError wraps one of these,
// so that errors.Is finds the kind and Error names the record and the rule.
// After any of them the connection is of no more use: close it.
var (
	// ErrVersion: the peer does not speak FastCGI 1 (§3.3).
	ErrVersion = errors.New("not a FastCGI 1 record")
	// ErrMalformed: a record's content or request id is not what its type demands.
	ErrMalformed = errors.New("malformed")
	// ErrOutOfOrder: a record that may not come now (§5, §6).
	ErrOutOfOrder = errors.New("out of order")
	// ErrTooLarge: more than the Limits allow.
	ErrTooLarge = errors.New("too large")
)

// What a caller can be told that is not the peer's fault, or not a fault.
var (
	// ErrAborted: the client sent ABORT_REQUEST (§5.4). No more input comes;
	// the response is still to be ended.
	ErrAborted = errors.New("fastcgi: request aborted by the client")
	// ErrUnknownRole: a request without KeepConn asked for a role that does
	// not exist. It has been answered; nothing is left but to close.
	ErrUnknownRole = errors.New("fastcgi: request for an unknown role, answered UNKNOWN_ROLE")
	// ErrUnfinished: ReadRequest was called before Finish. The connection is
	// marked to be closed, because what follows may be the body of the request
	// before.
	ErrUnfinished = errors.New("fastcgi: next request asked for before the last one was finished")
	// ErrClosed: the connection is marked to be closed.
	ErrClosed = errors.New("fastcgi: connection is to be closed")
	// ErrEnded: the response or stream has been ended already.
	ErrEnded = errors.New("fastcgi: already ended")
)

// RecordError says what was wrong with which record, in a form for a log line.
type RecordError struct {
	Header Header // the record; zero when it never arrived whole
	Stage  Stage  // what was being read
	Err    error  // one of the errors above, or io.ErrUnexpectedEOF
	Detail string // which rule, with its numbers; may be empty
}

// Error is for instance "fastcgi: STDIN record, id 7, 12 bytes, while reading
// params: out of order: request 1 is in progress".
func (e *RecordError) Error() string {
	s := "fastcgi: "
	if e.Header != (Header{}) {
		s += e.Header.String() + ", "
	}
	s += fmt.Sprintf("while %v: %v", e.Stage, e.Err)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns Err.
func (e *RecordError) Unwrap() error { return e.Err }

// fail marks the connection to be closed.
func (c *Conn) fail(err error) error {
	c.stage, c.err = StageClosed, err
	return err
}

// wrong fails because of the current record.
func (c *Conn) wrong(err error, format string, args ...any) error {
	return c.fail(&RecordError{c.in.Header(), c.stage, err, fmt.Sprintf(format, args...)})
}

// source sorts the errors of the RecordReader.
func (c *Conn) source(err error) error {
	switch {
	case err == io.EOF && c.stage == StageIdle:
		return c.fail(io.EOF)
	case errors.Is(err, io.EOF), err == io.ErrUnexpectedEOF:
		e := &RecordError{Stage: c.stage, Err: io.ErrUnexpectedEOF}
		if c.in.left+c.in.pad > 0 {
			e.Header, e.Detail = c.in.Header(), fmt.Sprintf("%d bytes of it are missing", c.in.left+c.in.pad)
		}
		return c.fail(e)
	case err == ErrVersion:
		return c.fail(&RecordError{Stage: c.stage, Err: ErrVersion,
			Detail: fmt.Sprintf("it begins with %q", c.in.peek(HeaderLen))})
	}
	return err
}
