package observe

import (
	"encoding/binary"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// What follows writes OTLP's ExportTraceServiceRequest (opentelemetry-proto 1.x, collector/trace/v1 and trace/v1) in protobuf's wire form.

// Numbers of fields.
const (
	requestResourceSpans = 1

	resourceSpansResource = 1
	resourceSpansScope    = 2
	resourceAttributes    = 1
	scopeSpansScope       = 1
	scopeSpansSpans       = 2
	scopeName             = 1
	scopeVersion          = 2

	spanTraceID    = 1
	spanSpanID     = 2
	spanTraceState = 3
	spanParent     = 4
	spanName       = 5
	spanKind       = 6
	spanStart      = 7
	spanEnd        = 8
	spanAttributes = 9
	spanStatus     = 15
	spanFlags      = 16

	statusCode = 3

	keyValueKey   = 1
	keyValueValue = 2
	anyString     = 1
	anyInt        = 3
	anyDouble     = 4

	responsePartial = 1
	partialRejected = 1
	partialMessage  = 2
)

// Values of enumerations.
const (
	kindServer  = 2
	statusError = 2
)

// Flags of a span beyond tracecontext's.
const (
	knowsIsRemote = 0x100 // it is known whether the parent is another process's
	isRemote      = 0x200
)

// Wire types.
const (
	varint  = 0
	fixed64 = 1
	bytesOf = 2
	fixed32 = 5
)

func appendTag(b []byte, field, kind int) []byte {
	return binary.AppendUvarint(b, uint64(field)<<3|uint64(kind))
}

func appendNumber(b []byte, field int, n uint64) []byte {
	return binary.AppendUvarint(appendTag(b, field, varint), n)
}

func appendFixed64(b []byte, field int, n uint64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(b, field, fixed64), n)
}

func appendFixed32(b []byte, field int, n uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendTag(b, field, fixed32), n)
}

func appendBytes[S string | []byte](b []byte, field int, value S) []byte {
	b = binary.AppendUvarint(appendTag(b, field, bytesOf), uint64(len(value)))
	return append(b, value...)
}

// appendText appends a string, which must be UTF-8: a collector would refuse the whole request.
func appendText(b []byte, field int, value string) []byte {
	return appendBytes(b, field, strings.ToValidUTF8(value, "\uFFFD"))
}

// appendMessage appends a message that inside writes.
func appendMessage(b []byte, field int, inside func([]byte) []byte) []byte {
	b = appendTag(b, field, bytesOf)
	at := len(b)
	b = inside(b)
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(b)-at))
	return slices.Insert(b, at, length[:n]...)
}

// attribute appends a KeyValue whose value is a string; an empty one is left out.
func attribute(b []byte, field int, key, value string) []byte {
	if value == "" {
		return b
	}
	return keyValue(b, field, key, func(b []byte) []byte { return appendText(b, anyString, value) })
}

func attributeInt(b []byte, field int, key string, value int64) []byte {
	return keyValue(b, field, key, func(b []byte) []byte { return appendNumber(b, anyInt, uint64(value)) })
}

// attributeSeconds appends an attribute of a span that is a time in seconds.
func attributeSeconds(b []byte, key string, d time.Duration) []byte {
	return keyValue(b, spanAttributes, key, func(b []byte) []byte { return appendFixed64(b, anyDouble, math.Float64bits(d.Seconds())) })
}

func keyValue(b []byte, field int, key string, value func([]byte) []byte) []byte {
	return appendMessage(b, field, func(b []byte) []byte {
		return appendMessage(appendText(b, keyValueKey, key), keyValueValue, value)
	})
}

// appendResource appends the Resource of a request: attributes, "name=value".
func appendResource(b []byte, attributes []string) []byte {
	return appendMessage(b, resourceSpansResource, func(b []byte) []byte {
		for _, one := range attributes {
			name, value, _ := strings.Cut(one, "=")
			b = attribute(b, resourceAttributes, name, value)
		}
		return b
	})
}

// appendRequest appends a request with spans that appendSpan wrote.
func appendRequest(b, resource []byte, version string, spans [][]byte) []byte {
	return appendMessage(b, requestResourceSpans, func(b []byte) []byte {
		b = append(b, resource...)
		return appendMessage(b, resourceSpansScope, func(b []byte) []byte {
			b = appendMessage(b, scopeSpansScope, func(b []byte) []byte {
				return appendText(appendText(b, scopeName, "phpsapi"), scopeVersion, version)
			})
			for _, span := range spans {
				b = appendBytes(b, scopeSpansSpans, span)
			}
			return b
		})
	})
}

// appendSpan appends the Span of a request of a pool, with the attributes of OpenTelemetry's conventions for HTTP servers (semconv 1.x). s is a worker's word.
func appendSpan(b []byte, pool *contract.ObservedPool, s *contract.Span) []byte {
	c := &s.Context
	b = appendBytes(b, spanTraceID, c.Trace[:])
	b = appendBytes(b, spanSpanID, c.Span[:])
	if s.State != "" {
		b = appendText(b, spanTraceState, s.State)
	}
	flags := uint32(c.Flags) | knowsIsRemote
	if c.Parent != (tracecontext.SpanID{}) {
		b = appendBytes(b, spanParent, c.Parent[:])
		flags |= isRemote
	}
	method, other := knownMethod(s.Method)
	name := method
	if method == otherMethod {
		name = "HTTP"
	}
	if s.Name != "" {
		name += " " + s.Name
	}
	b = appendText(b, spanName, name)
	b = appendNumber(b, spanKind, kindServer)
	b = appendFixed64(b, spanStart, uint64(s.Start))
	b = appendFixed64(b, spanEnd, uint64(s.Start)+uint64(s.Duration))
	b = attribute(b, spanAttributes, "http.request.method", method)
	b = attribute(b, spanAttributes, "http.request.method_original", other)
	b = attribute(b, spanAttributes, "url.scheme", s.Scheme)
	path, query, _ := strings.Cut(s.Target, "?")
	b = attribute(b, spanAttributes, "url.path", path)
	b = attribute(b, spanAttributes, "url.query", query)
	b = appendServer(b, s)
	b = attribute(b, spanAttributes, "client.address", s.Client)
	b = attribute(b, spanAttributes, "user_agent.original", s.UserAgent)
	if version, ok := strings.CutPrefix(s.Protocol, "HTTP/"); ok {
		b = attribute(b, spanAttributes, "network.protocol.version", strings.TrimSuffix(version, ".0"))
	}
	if s.Status != 0 {
		b = attributeInt(b, spanAttributes, "http.response.status_code", int64(s.Status))
	}
	failure := s.Error
	if failure == "" && s.Status >= 500 {
		failure = strconv.Itoa(s.Status)
	}
	b = attribute(b, spanAttributes, "error.type", failure)
	b = attribute(b, spanAttributes, "code.file.path", s.Script)
	b = attribute(b, spanAttributes, "phpsapi.pool", pool.Name)
	b = attributeInt(b, spanAttributes, "phpsapi.generation", int64(pool.Generation))
	b = attributeInt(b, spanAttributes, "phpsapi.pid", int64(s.Pid))
	b = attribute(b, spanAttributes, "phpsapi.request_id", s.RequestID)
	if s.QueueWait > 0 {
		b = attributeSeconds(b, "phpsapi.queue_wait", s.QueueWait)
	}
	if s.CPU > 0 {
		b = attributeSeconds(b, "phpsapi.cpu_time", s.CPU)
	}
	if s.Memory > 0 {
		b = attributeInt(b, spanAttributes, "phpsapi.memory_peak", int64(s.Memory))
	}
	if failure != "" {
		b = appendMessage(b, spanStatus, func(b []byte) []byte { return appendNumber(b, statusCode, statusError) })
	}
	return appendFixed32(b, spanFlags, flags)
}

// appendServer appends what the client has called the server.
func appendServer(b []byte, s *contract.Span) []byte {
	host, port, err := net.SplitHostPort(s.Host)
	if err != nil {
		host, port = strings.Trim(s.Host, "[]"), s.Port
	}
	b = attribute(b, spanAttributes, "server.address", host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && host != "" {
		b = attributeInt(b, spanAttributes, "server.port", int64(n))
	}
	return b
}

// otherMethod is what http.request.method is for a method that is none of the usual ones.
const otherMethod = "_OTHER"

// knownMethod returns a method, and what it was if it is none of the usual ones.
func knownMethod(method string) (known, other string) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		return method, ""
	}
	return otherMethod, method
}

// rejected reads an ExportTraceServiceResponse: how many spans the collector has not taken, and why.
func rejected(response []byte) (n int64, why string) {
	eachField(response, func(field int, _ uint64, value []byte) {
		if field != responsePartial {
			return
		}
		eachField(value, func(field int, number uint64, value []byte) {
			switch field {
			case partialRejected:
				n = int64(number)
			case partialMessage:
				why = string(value)
			}
		})
	})
	return max(n, 0), why
}

// eachField goes through the fields of a message, as far as it is one.
func eachField(b []byte, take func(field int, number uint64, value []byte)) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return
		}
		b = b[n:]
		var number uint64
		var value []byte
		switch tag & 7 {
		case varint:
			if number, n = binary.Uvarint(b); n <= 0 {
				return
			}
			b = b[n:]
		case fixed64:
			if len(b) < 8 {
				return
			}
			number, b = binary.LittleEndian.Uint64(b), b[8:]
		case fixed32:
			if len(b) < 4 {
				return
			}
			number, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		case bytesOf:
			length, n := binary.Uvarint(b)
			if n <= 0 || length > uint64(len(b)-n) {
				return
			}
			value, b = b[n:n+int(length)], b[n+int(length):]
		default:
			return
		}
		take(int(tag>>3), number, value)
	}
}
