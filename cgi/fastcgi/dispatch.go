package fastcgi

import "io"

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

// stranger decides whether a record of another request than the one in
// progress is to be skipped. §3.3 says to ignore what belongs to no active
// request, because an END_REQUEST may cross what is under way; here a
// request's input is read to its end, so only the following can be meant.
func (c *Conn) stranger(h Header) error {
	switch {
	case h.RequestID == NullRequestID:
		return c.wrong(ErrMalformed, "request id 0 is not a request's")
	case h.Type == TypeAbortRequest: // it crossed the END_REQUEST
	case c.refused.has(h.RequestID): // it crossed the refusal
	case h.Type == TypeStdin && h.ContentLength == 0 && c.stage == StageIdle:
		// some clients end a STDIN that an authorizer does not have; stock PHP skips it
	case c.stage == StageIdle:
		return c.wrong(ErrOutOfOrder, "no request is in progress")
	default:
		return c.wrong(ErrOutOfOrder, "request %d is in progress", c.id)
	}
	return nil
}

// countStray bounds the records that belong to no request.
func (c *Conn) countStray(h Header) error {
	c.stray += HeaderLen + int(h.ContentLength) + int(h.PaddingLength)
	if c.stray > c.limits.MaxStray {
		return c.wrong(ErrTooLarge, "more than %d bytes of records outside a request", c.limits.MaxStray)
	}
	return nil
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

// abortParams answers the abort of a request (§5.4) that the caller never saw.
func (c *Conn) abortParams() error {
	if err := c.out.End(0, RequestComplete); err != nil {
		return c.fail(err)
	}
	if !c.keep {
		return c.fail(ErrAborted)
	}
	c.stage = StageIdle
	return nil
}
