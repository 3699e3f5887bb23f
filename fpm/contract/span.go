package contract

import (
	"encoding/binary"
	"time"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// Traces are what a worker does about traces; nil in Spec: nothing. With the file Spans it tells the observer of the spans that are sampled.
type Traces struct {
	ByParent bool   // tracecontext.Sampler
	Bound    uint64 //
}

// Spans is the sending end of a SOCK_SEQPACKET pair of the pool's, which does not wait: a packet is a Span. The receiving end is the observer's, and
// the master keeps both, so that what an observer has not read is there for its successor.
const Spans File = "spans"

// ObservedSpans is the receiving end, for an observer. Those come in the order of Observer.Pools, for pools that are Traced.
const ObservedSpans File = "spans to be exported"

// SpanParam is the param by which the front tells a worker the ids that a request has: tracecontext.Context.AppendOwn's text. Scripts do not see it.
const SpanParam = "PHPSAPI_SPAN"

// Span is a request that has ended, as a worker tells of it, or the master of one whose worker has died.
type Span struct {
	Context   tracecontext.Context
	Start     int64 // ns since 1970
	Duration  time.Duration
	QueueWait time.Duration // 0: not known
	CPU       time.Duration
	Memory    uint64 // bytes
	Status    int    // of the response; 0: not known
	Pid       int

	// Texts are empty if they are not known.
	Method, Scheme, Host, Port, Target, Protocol string
	Script, Name                                 string // the file, and the path that stands for it
	Client, UserAgent, RequestID, State          string
	// Error is the kind of the incident that has ended the request; empty: none has.
	Error string
}

// MostSpan is the longest packet, in bytes.
const MostSpan = 6 << 10

// Bounds of a span's texts, in bytes.
const (
	mostSpanText   = 256
	mostSpanTarget = 1 << 10
	mostSpanState  = 512
)

// spanHead is how long the numbers of a span are.
const spanHead = 16 + 8 + 8 + 1 + 5*8 + 2 + 4

// SpanTexts are a span's texts in the memory of the process that reports it.
type SpanTexts struct {
	Method, Scheme, Host, Port, Target, Protocol, Script, Name, Client, UserAgent, RequestID, State, Error []byte
}

// AppendSpan appends a packet to dst: the numbers of s and the texts. Texts that are too long are cut; a State is left out.
func AppendSpan(dst []byte, s *Span, t *SpanTexts) []byte {
	c := &s.Context
	dst = append(dst, c.Trace[:]...)
	dst = append(dst, c.Span[:]...)
	dst = append(dst, c.Parent[:]...)
	dst = append(dst, c.Flags)
	for _, n := range [...]uint64{uint64(s.Start), uint64(s.Duration), uint64(s.QueueWait), uint64(s.CPU), s.Memory} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(s.Status))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(s.Pid))
	state := t.State
	if len(state) > mostSpanState {
		state = nil
	}
	dst = appendSpanText(dst, t.Target, mostSpanTarget)
	dst = appendSpanText(dst, state, mostSpanState)
	for _, text := range [...][]byte{t.Method, t.Scheme, t.Host, t.Port, t.Protocol, t.Script, t.Name, t.Client, t.UserAgent, t.RequestID, t.Error} {
		dst = appendSpanText(dst, text, mostSpanText)
	}
	return dst
}

func appendSpanText(dst, text []byte, most int) []byte {
	text = text[:min(len(text), most)]
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(text))), text...)
}

// ParseSpan reads what AppendSpan wrote. It returns false if packet is not a span. A worker may have written anything: a span without ids is none, and
// the rest is as it says.
func ParseSpan(packet []byte) (*Span, bool) {
	if len(packet) < spanHead {
		return nil, false
	}
	s := &Span{}
	c := &s.Context
	copy(c.Trace[:], packet)
	copy(c.Span[:], packet[16:])
	copy(c.Parent[:], packet[24:])
	c.Flags = packet[32]
	number := func(i int) uint64 { return binary.LittleEndian.Uint64(packet[33+8*i:]) }
	s.Start, s.Duration, s.QueueWait, s.CPU = int64(number(0)), time.Duration(number(1)), time.Duration(number(2)), time.Duration(number(3))
	s.Memory = number(4)
	s.Status, s.Pid = int(binary.LittleEndian.Uint16(packet[73:])), int(binary.LittleEndian.Uint32(packet[75:]))
	rest := packet[spanHead:]
	for _, to := range []*string{&s.Target, &s.State, &s.Method, &s.Scheme, &s.Host, &s.Port, &s.Protocol, &s.Script, &s.Name, &s.Client, &s.UserAgent,
		&s.RequestID, &s.Error} {
		if len(rest) < 2 {
			return nil, false
		}
		n := int(binary.LittleEndian.Uint16(rest))
		if rest = rest[2:]; n > len(rest) {
			return nil, false
		}
		*to, rest = string(rest[:n]), rest[n:]
	}
	return s, len(rest) == 0 && c.Trace != (tracecontext.TraceID{}) && c.Span != (tracecontext.SpanID{}) && s.Start >= 0 && s.Duration >= 0
}
