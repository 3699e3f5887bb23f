package fastcgi

import (
	"io"
	"slices"
)

// getValues answers GET_VALUES (§4.1) in the order of the query. Stock PHP
// answers in the reverse order, and closes if the content is not pairs.
func (c *Conn) getValues() error {
	h := c.in.Header()
	if int(h.ContentLength) > maxValuesBytes {
		return c.wrong(ErrTooLarge, "limit is %d bytes", maxValuesBytes)
	}
	if c.in.left == int(h.ContentLength) {
		c.query.Reset()
	}
	for {
		b, err := c.in.Chunk(maxValuesBytes)
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.source(err)
		}
		c.query.collect(b)
	}
	if err := c.query.parse(maxValuesBytes); err != nil {
		return c.fail(pairsError(err, h, c.stage))
	}
	c.reply = append(c.reply[:0], zeros[:HeaderLen]...)
	for i := range c.query.Len() {
		name, _ := c.query.At(i)
		if value, ok := c.values[string(name)]; ok {
			c.reply = appendPairLen(c.reply, len(name))
			c.reply = appendPairLen(c.reply, len(value))
			c.reply = append(append(c.reply, name...), value...)
		}
	}
	n := len(c.reply) - HeaderLen
	if n > MaxContent {
		panic("BUG: fastcgi: Config.Values are longer than a record")
	}
	pad := padTo8(n)
	c.reply = append(c.reply, zeros[:pad]...)
	Header{Version: Version1, Type: TypeGetValuesResult, ContentLength: uint16(n), PaddingLength: uint8(pad)}.Put(c.reply)
	return c.send()
}

// unknownType answers a management record of unknown type (§4.2). Stock PHP
// closes without an answer.
func (c *Conn) unknownType() error {
	return c.sendBody(TypeUnknownType, NullRequestID, [bodyLen]byte{byte(c.in.Header().Type)})
}

// refuse ends a request that is not taken up (§5.5).
func (c *Conn) refuse(id uint16, s ProtocolStatus) error {
	return c.sendBody(TypeEndRequest, id, EndRequest{ProtocolStatus: s}.Body())
}

func (c *Conn) sendBody(t Type, id uint16, body [bodyLen]byte) error {
	c.reply = appendFixed(c.reply[:0], t, id, body)
	return c.send()
}

// send writes the reply at once, past the response that may be waiting in its
// buffer: that is whole records, and records of different ids have no order.
func (c *Conn) send() error {
	if err := c.out.f.writeNow(c.reply); err != nil {
		return c.fail(err)
	}
	return nil
}

// pairsError tells a RecordError from what Params.parse found.
func pairsError(err error, h Header, s Stage) error {
	e := err.(*pairError)
	return &RecordError{h, s, e.err, e.Error()}
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

// refusals remembers the requests refused last, whose records may still be
// under way.
type refusals struct {
	ids  [8]uint16 // 0 is not a request's id
	next int
}

func (r *refusals) has(id uint16) bool { return slices.Contains(r.ids[:], id) }

func (r *refusals) add(id uint16) {
	if !r.has(id) {
		r.ids[r.next%len(r.ids)] = id
		r.next++
	}
}

func (r *refusals) remove(id uint16) {
	if i := slices.Index(r.ids[:], id); i >= 0 {
		r.ids[i] = 0
	}
}
