package fastcgi

import (
	"errors"
	"fmt"
	"io"
)

// Conn is the server's side of one connection, one request at a time
// (FCGI_MPXS_CONNS is 0). It reads and frames; it does not own the file
// descriptor, nor any deadline. One Conn serves a worker for life: Reset begins
// the next connection in the same memory.
//
// Errors that the transport's Read returns come back unchanged and lose
// nothing, so a transport that would block or timed out may be tried again
// with the same call. Every other error marks the connection to be closed and
// is returned from then on. A peer that left between two requests is io.EOF.
type Conn struct {
	in     RecordReader
	out    ResponseWriter
	limits Limits
	values map[string]string

	stage Stage
	err   error // why StageClosed
	task  task  // what to do with the current record
	req   *Request

	id      uint16 // of the request in progress, or of the last one
	role    Role
	keep    bool
	aborted bool

	paramBase int // params bytes that are not the client's
	drained   int // bytes thrown away by Drain in this request
	stray     int // see Limits.MaxStray
	refused   refusals
	query     Params // of a GET_VALUES record
	reply     []byte
}

// Config is what a server's connections have in common.
type Config struct {
	// ReadBuffer takes what the peer sends, many records per read; 16 KiB
	// serves ordinary requests with one read. WriteBuffer collects the
	// response: what fits goes out in one write. Both are the caller's, of
	// MinBuffer bytes at least, and may be C memory.
	ReadBuffer, WriteBuffer []byte
	// WriteAfter is how many bytes of a response are written together, at most
	// what WriteBuffer takes; 0: as many as that. Those that follow within
	// milliseconds are collected, up to WriteBuffer.
	WriteAfter int
	// Limits on the peer; zero fields take their defaults.
	Limits Limits
	// Values answer GET_VALUES (§4.1); names that are not in it are left out
	// of the answer. php-fpm knows FCGI_MPXS_CONNS=0 alone; php-cgi
	// FCGI_MPXS_CONNS=0, and FCGI_MAX_CONNS and FCGI_MAX_REQS, which are its
	// PHP_FCGI_CHILDREN, or 1 without them.
	Values map[string]string
}

// NewConn makes a Conn with no connection: Reset gives it one.
func NewConn(cfg Config) *Conn {
	c := &Conn{}
	c.Init(cfg)
	return c
}

// Init is NewConn with the memory of c, which is zero.
func (c *Conn) Init(cfg Config) {
	c.limits, c.values, c.stage, c.err = cfg.Limits.withDefaults(), cfg.Values, StageClosed, ErrClosed
	c.in.init(cfg.ReadBuffer)
	c.out.init(cfg.WriteBuffer)
	if cfg.WriteAfter > 0 {
		c.out.f.writeAfter(cfg.WriteAfter)
	}
}

// Reset begins a connection that has just been accepted. If rw is also a
// VectorWriter, long output is written from where it lies.
func (c *Conn) Reset(rw io.ReadWriter) {
	c.in.Reset(rw)
	c.out.reset(rw)
	c.stage, c.err, c.task, c.req = StageIdle, nil, taskNext, nil
	c.id, c.role, c.keep, c.aborted = 0, 0, false, false
	c.drained, c.stray = 0, 0
	c.refused = refusals{}
}

// Stage returns where the connection is in the life of a request.
func (c *Conn) Stage() Stage { return c.stage }

// Buffered returns the number of bytes read from the transport and not yet
// consumed. While it is not 0 between two requests, the next one has begun: do
// not wait for the transport, nor hand the descriptor to another process.
func (c *Conn) Buffered() int { return c.in.Buffered() }

// Response is where the current request's response goes. It stays usable after
// a failed ReadRequest that had got as far as the BEGIN_REQUEST, to say why.
func (c *Conn) Response() *ResponseWriter { return &c.out }

// Aborted reports whether the client aborted the current request (§5.4), as
// far as its records have been read. Stock PHP does not know ABORT_REQUEST: it
// takes it for the end of the body and closes after the response, and among
// the params it runs the request with those that have come.
func (c *Conn) Aborted() bool { return c.aborted }

// CloseAfter makes the current request the connection's last, whatever the
// client asked: Finish will say so.
func (c *Conn) CloseAfter() { c.keep = false }

// Finish ends the current request: it completes the response if that has not
// been done, throws away what is unread of the body, and reports whether the
// connection may carry another request. Without keep, close it; err says why
// if that was not agreed on. There is no other way to the next request.
//
// (Before a TCP connection is closed with input unread, shut down its sending
// side and read it to its end, or the reset may overtake the response.)
func (c *Conn) Finish() (keep bool, err error) {
	switch c.stage {
	case StageIdle:
		return true, nil
	case StageClosed:
		return false, c.err
	case StageParams:
		return false, c.fail(ErrUnfinished)
	}
	if !c.out.Ended() {
		c.out.End(0, RequestComplete)
	}
	if err := c.out.f.err; err != nil {
		return false, c.fail(err)
	}
	if !c.keep {
		c.fail(ErrClosed)
		return false, nil
	}
	if err := c.Drain(); err != nil {
		return false, c.fail(err)
	}
	c.stage = StageIdle
	return true, nil
}

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
