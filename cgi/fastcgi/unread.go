package fastcgi

import "slices"

// AppendUnread appends, in wire form, the current request up to the end of its params and what was read ahead of its input, so
// that a Conn of another process that reads this first, and then the same transport, is where this one is. It is for a request
// whose params are complete and whose body nobody has read. pairs locate the params in Params.Bytes as they came, if they have
// been changed since. The Conn is closed by it; the transport is left alone.
func (c *Conn) AppendUnread(dst []byte, pairs []Pair) []byte {
	if c.stage != StageStdin && c.stage != StageDone || c.in.left+c.in.pad > 0 && c.task != taskNext {
		panic("BUG: fastcgi: AppendUnread after the body was begun")
	}
	flags := Flags(0)
	if c.keep {
		flags |= KeepConn
	}
	if c.req.Interim {
		flags |= Interim
	}
	begin := BeginRequest{Role: c.role, Flags: flags, Since: c.req.Since, Site: c.req.Site}.Body()
	dst = Record{Type: TypeBeginRequest, RequestID: c.id, Content: begin[:]}.AppendTo(dst)
	var wire []byte
	p := &c.req.Params
	for i, pair := range pairs {
		name, value := p.at(pair.Name, pair.NameLen), p.at(pair.Value, pair.ValueLen)
		if i == 0 && string(AppendPair(nil, name, value)) == rolePair(c.role) { // the reader adds it
			continue
		}
		wire = AppendPair(wire, name, value)
	}
	for part := range slices.Chunk(wire, MaxContent) {
		dst = Record{Type: TypeParams, RequestID: c.id, Content: part}.AppendTo(dst)
	}
	ahead := c.in.buf[c.in.r:c.in.w]
	skipped := min(c.in.pad, len(ahead)) // padding of the last record that was read
	end := Header{Version: Version1, Type: TypeParams, RequestID: c.id, PaddingLength: uint8(c.in.pad - skipped)}
	var header [HeaderLen]byte
	end.Put(header[:])
	dst = append(append(dst, header[:]...), ahead[skipped:]...)
	c.fail(ErrClosed)
	return dst
}
