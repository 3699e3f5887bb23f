// Package tracecontext is the W3C's Trace Context (https://www.w3.org/TR/trace-context/): which trace a request belongs to, as the headers traceparent
// and tracestate tell it, and whether it is sampled.
//
//	traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//	              version, trace, span that asks, flags (1: it is sampled)
//
// What is malformed counts as not there, as the specification has it: then the request begins a trace. Nothing here allocates.
package tracecontext
