package fastcgi

import "io"

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
