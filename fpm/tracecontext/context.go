package tracecontext

import "encoding/hex"

// TraceID and SpanID are the ids of traces and spans. Zero is none.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Lengths of the texts, in bytes.
const (
	TraceDigits  = 32
	SpanDigits   = 16
	ParentLength = 55 // of a traceparent of version 00
)

// Sampled is the flag in traceparent by which a client says that it may record its span.
const Sampled = 1

// Context is the place of a request in its trace.
type Context struct {
	Trace  TraceID
	Parent SpanID // the client's; zero: the request begins the trace
	Span   SpanID // the request's own
	Flags  byte
}

// IsSampled reports whether the request's span is recorded.
func (c *Context) IsSampled() bool { return c.Flags&Sampled != 0 }

// Parse reads a traceparent into Trace, Parent and Flags. It returns false if it is malformed, and c is unchanged then. Of a version after 00 it reads what 00
// has.
func (c *Context) Parse(traceparent []byte) bool {
	p := Context{Span: c.Span}
	var version, flags [1]byte
	switch {
	case len(traceparent) < ParentLength, traceparent[2] != '-', traceparent[35] != '-', traceparent[52] != '-',
		!digits(version[:], traceparent[:2]), version[0] == 0xff,
		!digits(p.Trace[:], traceparent[3:35]), p.Trace == TraceID{},
		!digits(p.Parent[:], traceparent[36:52]), p.Parent == SpanID{},
		!digits(flags[:], traceparent[53:55]),
		len(traceparent) > ParentLength && (version[0] == 0 || traceparent[ParentLength] != '-'):
		return false
	}
	p.Flags = flags[0]
	*c = p
	return true
}

// AppendParent appends the traceparent for what the request asks in turn.
func (c *Context) AppendParent(dst []byte) []byte {
	dst = append(dst, "00-"...)
	dst = hex.AppendEncode(dst, c.Trace[:])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, c.Span[:])
	if c.IsSampled() {
		return append(dst, "-01"...)
	}
	return append(dst, "-00"...)
}

// ParseOwn reads the ids that AppendOwn wrote into Trace and Span. It returns false if they are none.
func (c *Context) ParseOwn(text []byte) bool {
	p := *c
	if len(text) != OwnLength || text[TraceDigits] != '-' || !digits(p.Trace[:], text[:TraceDigits]) || !digits(p.Span[:], text[TraceDigits+1:]) ||
		p.Trace == (TraceID{}) || p.Span == (SpanID{}) {
		return false
	}
	*c = p
	return true
}

// OwnLength is the length of the text that Context.AppendOwn appends.
const OwnLength = TraceDigits + 1 + SpanDigits

// AppendOwn appends the ids of the trace and of the request's span.
func (c *Context) AppendOwn(dst []byte) []byte {
	dst = append(hex.AppendEncode(dst, c.Trace[:]), '-')
	return hex.AppendEncode(dst, c.Span[:])
}

// digits reads hexadecimal digits, in lower case as the specification wants them. It returns false if there are others.
func digits(dst, text []byte) bool {
	for i := range dst {
		high, low := digit(text[2*i]), digit(text[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return len(text) == 2*len(dst)
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}
