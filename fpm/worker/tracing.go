package worker

import (
	"encoding/hex"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// tracing is what the worker does about traces.
type tracing struct {
	on      bool
	sampler tracecontext.Sampler
	spans   int // where those that are sampled are told; -1: nowhere

	// Of the present request.
	trace  [tracecontext.TraceDigits]byte
	span   [tracecontext.SpanDigits]byte
	state  []byte // tracestate
	parent []byte // traceparent for what it asks in turn

	packet []byte
}

// takeTraces makes the worker do what its orders say about traces.
func (k *worker) takeTraces(files []int) {
	t := &k.tracing
	t.spans = -1
	if k.spec.Traces == nil {
		return
	}
	t.on = true
	t.sampler = tracecontext.Sampler{ByParent: k.spec.Traces.ByParent, Bound: k.spec.Traces.Bound}
	if i := k.spec.File(contract.Spans); i >= 0 {
		t.spans = files[i]
	}
}

// The params of traces. Scripts find in them what they are to pass on.
const (
	traceparent = "HTTP_TRACEPARENT"
	tracestate  = "HTTP_TRACESTATE"
	traceID     = "TRACE_ID"
	spanID      = "SPAN_ID"
)

// decide finds out which trace the present request belongs to, by its traceparent, its tracestate and the front's ids. c gets the ids.
func (t *tracing) decide(c *tracecontext.Context, parent, state, own []byte) {
	*c = tracecontext.Context{}
	t.state = state
	if !c.Parse(parent) || !tracecontext.IsState(state) {
		t.state = nil
	}
	if own != nil { // the front has given it its ids
		var as tracecontext.Context
		if as.ParseOwn(own) && (c.Trace == tracecontext.TraceID{} || c.Trace == as.Trace) {
			c.Trace, c.Span = as.Trace, as.Span
		}
	}
	if c.Trace == (tracecontext.TraceID{}) {
		c.NewTrace()
	}
	if c.Span == (tracecontext.SpanID{}) {
		c.NewSpan()
	}
	t.sampler.Decide(c)
	hex.Encode(t.trace[:], c.Trace[:])
	hex.Encode(t.span[:], c.Span[:])
	t.parent = c.AppendParent(t.parent[:0])
}

// follow finds out which trace the present request belongs to, and tells the script.
func (k *worker) follow() {
	t, p := &k.tracing, &k.responder.Request.Params
	given, own := p.Get(tracestate), p.Get(contract.SpanParam)
	t.decide(&k.info.Trace, p.Get(traceparent), given, own)
	if own != nil {
		p.Delete(contract.SpanParam)
	}
	if given != nil && t.state == nil {
		p.Delete(tracestate)
	}
	p.Set(traceparent, t.parent)
	p.Set(traceID, t.trace[:])
	p.Set(spanID, t.span[:])
	k.responder.ShowParams()
	if k.talk.http {
		k.web.Follow(t.trace[:], t.span[:])
	}
}

// followApache is follow for a request of httpd's, which has the ids for its own log, too.
func (k *worker) followApache() {
	t, php := &k.tracing, k.responder.PHP
	given := php.ApacheVariable(tracestate + "\x00")
	t.decide(&k.info.Trace, php.ApacheVariable(traceparent+"\x00"), given, nil)
	if given != nil && t.state == nil {
		php.TellApacheVariable(tracestate+"\x00", nil)
	}
	php.TellApacheVariable(traceparent+"\x00", t.parent)
	php.TellApacheVariable(traceID+"\x00", t.trace[:])
	php.TellApacheVariable(spanID+"\x00", t.span[:])
}

// tellSpan tells the observer of the request that has ended, if its span is sampled. Nobody waits: if the observer is slow, the span is lost and counted.
//
// param returns a param of the request; nil: there is none.
func (k *worker) tellSpan(end *lifecycle.WebEnd, cpu time.Duration, param func(name string) []byte) {
	t, i := &k.tracing, &k.info
	if t.spans < 0 || !i.Trace.IsSampled() {
		return
	}
	took := k.slot.Elapsed()
	s := contract.Span{Context: i.Trace, Start: time.Now().UnixNano() - int64(took), Duration: k.slot.Duration(), QueueWait: k.slot.QueueWait(),
		CPU: cpu, Memory: end.Memory, Status: end.Status, Pid: k.pid}
	texts := contract.SpanTexts{Method: i.Method, Scheme: param("REQUEST_SCHEME"), Host: i.Host, Port: param("SERVER_PORT"), Target: i.Target,
		Protocol: param("SERVER_PROTOCOL"), Script: i.Script, Client: i.Client, UserAgent: param("HTTP_USER_AGENT"), RequestID: i.ID, State: t.state}
	if len(texts.Target) == 0 {
		texts.Target = i.URI
	}
	if len(texts.Scheme) == 0 {
		if texts.Scheme = plainScheme; string(param("HTTPS")) == "on" {
			texts.Scheme = secureScheme
		}
	}
	if i.Script != nil && end.Status != 404 {
		texts.Name = param("SCRIPT_NAME")
	}
	t.packet = contract.AppendSpan(t.packet[:0], &s, &texts)
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(t.spans), uintptr(unsafe.Pointer(unsafe.SliceData(t.packet))), uintptr(len(t.packet)),
		unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	k.slot.CountSpan(errno == 0)
}

// The values of url.scheme.
var plainScheme, secureScheme = []byte("http"), []byte("https")
