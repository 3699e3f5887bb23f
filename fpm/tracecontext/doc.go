// Package tracecontext is the W3C's Trace Context (https://www.w3.org/TR/trace-context/): which trace a request belongs to, as the headers traceparent
// and tracestate tell it, and whether it is sampled. A trace is a request of a user's with all requests that it causes in other programs; each of
// these is a span, and is reported if it is sampled.
//
//	traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//	              version, id of the trace, id of the client's span, flags (1: it is sampled)
//
// A malformed header counts as absent, as the specification demands: the request then begins a trace. Nothing here allocates.
package tracecontext
