package fastcgi

import "io"

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

// ReadRequest reads up to the end of the PARAMS stream. The body is left for
// ReadBody. It may be called again after Finish has returned keep; before
// that it returns ErrUnfinished and marks the connection to be closed. After an
// error of the transport call it again with the same req.
//
// On the way it answers management records, refuses requests of unknown roles
// (UNKNOWN_ROLE) and further requests (CANT_MPX_CONN), and skips what
// belongs to those, up to Limits.MaxStray. A request that waited behind the
// body of the last one is simply the next. Pairs may be split over records
// anywhere; stock PHP takes whole pairs in each record only.
func (c *Conn) ReadRequest(req *Request) error {
	switch c.stage {
	case StageIdle:
		c.req = req
	case StageParams:
		if c.req != req {
			panic("BUG: fastcgi: ReadRequest continued with another Request")
		}
	case StageClosed:
		return c.err
	default:
		return c.fail(ErrUnfinished)
	}
	for {
		if err := c.record(); err != nil {
			return err
		}
		h := c.in.Header()
		switch {
		case h.Type == TypeParams && h.ContentLength > 0:
			if err := c.collectParams(); err != nil {
				return err
			}
		case h.Type == TypeParams:
			c.task = taskNext
			return c.endParams()
		case h.Type == TypeAbortRequest:
			if err := c.abortParams(); err != nil {
				return err
			}
		default:
			return c.wrong(ErrOutOfOrder, "PARAMS have not ended")
		}
		c.task = taskNext
	}
}

// collectParams takes a PARAMS record (§5.2).
func (c *Conn) collectParams() error {
	p := &c.req.Params
	if len(p.buf)-c.paramBase+c.in.left > c.limits.MaxParamBytes {
		return c.wrong(ErrTooLarge, "limit is %d bytes of params", c.limits.MaxParamBytes)
	}
	for {
		b, err := c.in.Chunk(MaxContent)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return c.source(err)
		}
		p.collect(b)
	}
}

func (c *Conn) endParams() error {
	if err := c.req.Params.parse(c.limits.MaxParams); err != nil {
		return c.fail(pairsError(err, Header{}, StageParams))
	}
	c.stage = StageStdin
	if c.role == RoleAuthorizer { // has no body (§6.3)
		c.stage = StageDone
	}
	return nil
}

// task is what a Conn is doing with the current record. It outlives an
// interrupted read, so that the record is taken up where it was left.
type task uint8

const (
	taskNext    task = iota // nothing more: go to the next record
	taskMine                // it belongs to the request in progress
	taskBegin               // it begins a request
	taskRefuse              // it would begin a second one
	taskValues              // GET_VALUES, to be answered
	taskUnknown             // a management record of unknown type, to be answered
)

// record goes to the next record of the request in progress, which may begin
// on the way, and deals with all that are not its own.
func (c *Conn) record() error {
	for {
		if c.task == taskNext {
			if _, err := c.in.Next(); err != nil {
				return c.source(err)
			}
			if err := c.classify(); err != nil {
				return err
			}
		}
		var err error
		switch c.task {
		case taskMine:
			return nil
		case taskBegin:
			err = c.begin()
		case taskRefuse:
			h := c.in.Header()
			c.refused.add(h.RequestID)
			err = c.refuse(h.RequestID, CantMpxConn)
		case taskValues:
			err = c.getValues()
		case taskUnknown:
			err = c.unknownType()
		}
		if err != nil {
			return err
		}
		c.task = taskNext
	}
}

// classify says what is to be done with the record just begun.
func (c *Conn) classify() error {
	h := c.in.Header()
	own := c.stage != StageIdle && h.RequestID == c.id
	switch h.Type {
	case TypeGetValues: // stock PHP answers it whatever its id
		c.task = taskValues
	case TypeBeginRequest:
		switch {
		case h.RequestID == NullRequestID:
			return c.wrong(ErrMalformed, "request id 0 is not a request's")
		case h.ContentLength != bodyLen:
			return c.wrong(ErrMalformed, "its body is %d bytes long", bodyLen)
		case own:
			return c.wrong(ErrOutOfOrder, "that request is in progress")
		case c.stage == StageIdle:
			c.task = taskBegin
			return nil
		}
		c.task = taskRefuse
	case TypeAbortRequest, TypeParams, TypeStdin, TypeData:
		if own {
			c.task = taskMine
			return nil
		}
		if err := c.stranger(h); err != nil {
			return err
		}
	default:
		switch {
		case h.Type.Known():
			return c.wrong(ErrOutOfOrder, "only applications send it")
		case h.RequestID != NullRequestID:
			return c.wrong(ErrMalformed, "no request has records of this type")
		}
		c.task = taskUnknown
	}
	return c.countStray(h)
}

// begin takes a BEGIN_REQUEST record (§5.1). Stock PHP closes without an
// answer when the role is unknown.
func (c *Conn) begin() error {
	body, err := c.in.body8()
	if err != nil {
		return c.source(err)
	}
	h, b := c.in.Header(), ParseBeginRequest(body)
	keep := b.Flags&KeepConn != 0
	if !b.Role.Known() {
		if err := c.countStray(h); err != nil {
			return err
		}
		c.refused.add(h.RequestID)
		if err := c.refuse(h.RequestID, UnknownRole); err != nil {
			return err
		}
		if !keep {
			return c.fail(ErrUnknownRole)
		}
		return nil
	}
	c.id, c.role, c.keep, c.aborted = h.RequestID, b.Role, keep, false
	c.stray, c.drained = 0, 0
	c.refused.remove(c.id)
	c.req.ID, c.req.Role, c.req.KeepConn = c.id, c.role, c.keep
	c.req.Interim, c.req.TellRead = b.Flags&Interim != 0, b.Flags&TellRead != 0
	c.req.Since, c.req.Site = b.Since, b.Site
	c.req.Params.Reset()
	c.req.Params.buf = append(c.req.Params.buf, rolePair(c.role)...)
	c.paramBase = len(c.req.Params.buf)
	c.out.begin(c.id)
	c.stage = StageParams
	return nil
}

// ReadBody reads the STDIN stream (§5.3): into p what has arrived, at least
// one byte, then io.EOF at its empty record. ErrAborted says that the client
// gave up (§5.4). An authorizer has no body. For PHP's read_post, which takes
// a short read for the end, call it until the block is full.
func (c *Conn) ReadBody(p []byte) (int, error) {
	if c.stage == StageStdin {
		return c.read(TypeStdin, p)
	}
	return 0, c.ended()
}

// ReadData reads the DATA stream of a filter (§6.4) in the same way; what is
// unread of STDIN is thrown away first, as by Drain. Other roles have none.
// Stock PHP does not read DATA.
func (c *Conn) ReadData(p []byte) (int, error) {
	if c.stage == StageStdin && c.role == RoleFilter {
		if err := c.discard(TypeStdin); err != nil {
			return 0, err
		}
	}
	if c.stage == StageData {
		return c.read(TypeData, p)
	}
	return 0, c.ended()
}

// Drain reads the request's input away up to its end. More of it than
// Limits.MaxDrain is an ErrTooLarge. Without this the rest of a body on a kept
// connection would be read as the next request, as it was in stock PHP
// (CVE-2026-129289). PHP 8.2.36 reads up to CONTENT_LENGTH, and closes if the
// body continues after it; this goes by the records alone. An abort is an end,
// too.
func (c *Conn) Drain() error {
	if c.stage == StageStdin {
		if err := c.discard(TypeStdin); err != nil {
			return err
		}
	}
	if c.stage == StageData {
		if err := c.discard(TypeData); err != nil {
			return err
		}
	}
	if c.stage == StageClosed {
		return c.err
	}
	return nil
}

// ended is the error for reading a stream that is not open.
func (c *Conn) ended() error {
	switch {
	case c.stage == StageClosed:
		return c.err
	case c.stage == StageParams:
		panic("BUG: fastcgi: body read before the params")
	case c.aborted:
		return ErrAborted
	}
	return io.EOF
}

// read copies what has arrived of the open stream t.
func (c *Conn) read(t Type, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := c.chunk(t, len(p))
	return copy(p, b), err
}

// discard throws away the open stream t.
func (c *Conn) discard(t Type) error {
	for {
		b, err := c.chunk(t, c.limits.MaxDrain+1)
		if err == io.EOF || err == ErrAborted {
			return nil
		}
		if err != nil {
			return err
		}
		if c.drained += len(b); c.drained > c.limits.MaxDrain {
			return c.wrong(ErrTooLarge, "more than %d bytes of the body were left unread", c.limits.MaxDrain)
		}
	}
}

// chunk returns up to max bytes of the open stream t in place, or its end.
func (c *Conn) chunk(t Type, max int) ([]byte, error) {
	for {
		if err := c.record(); err != nil {
			return nil, err
		}
		h := c.in.Header()
		switch {
		case h.Type == TypeAbortRequest:
			c.task, c.aborted, c.stage = taskNext, true, StageDone
			return nil, ErrAborted
		case h.Type != t:
			return nil, c.wrong(ErrOutOfOrder, "%v has not ended", t)
		case h.ContentLength == 0:
			c.task = taskNext
			c.stage = StageDone
			if t == TypeStdin && c.role == RoleFilter {
				c.stage = StageData
			}
			return nil, io.EOF
		}
		b, err := c.in.Chunk(max)
		if err == nil {
			return b, nil
		}
		if err != io.EOF {
			return nil, c.source(err)
		}
		c.task = taskNext
	}
}

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
