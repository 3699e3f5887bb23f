package logs

import (
	wire "encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// span is a span as the collector has it.
type span struct {
	trace, id, parent, state, name string
	kind, status                   uint64
	flags                          uint32
	start, end                     time.Time
	attributes                     map[string]any
	service                        map[string]any // attributes of the resource
}

// collector takes spans by OTLP over HTTP.
type collector struct {
	t        *testing.T
	url      string
	server   *http.Server
	answer   atomic.Pointer[http.HandlerFunc] // in place of 200, if it is set
	requests atomic.Int64
	headers  sync.Map // of the last request: name, value

	mu    sync.Mutex
	spans []span
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t}
	c.listen(serve.Address(t))
	t.Cleanup(func() { c.server.Close() })
	return c
}

// listen begins to serve at an address.
func (c *collector) listen(address string) {
	c.t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.url = "http://" + address
	c.server = &http.Server{Handler: c}
	go c.server.Serve(l)
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.requests.Add(1)
	for name, values := range r.Header {
		c.headers.Store(name, values[0])
	}
	if answer := c.answer.Load(); answer != nil {
		(*answer)(w, r)
		return
	}
	if r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "not OTLP", http.StatusNotFound)
		return
	}
	spans, err := decode(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		c.t.Errorf("%v: %x", err, body)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = append(c.spans, spans...)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// says has the collector answer otherwise; nil: as usual.
func (c *collector) says(answer http.HandlerFunc) {
	if answer == nil {
		c.answer.Store(nil)
		return
	}
	c.answer.Store(&answer)
}

// all are the spans so far.
func (c *collector) all() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]span{}, c.spans...)
}

// await waits for a span.
func (c *collector) await(what string, is func(span) bool) (found span) {
	c.t.Helper()
	wait.Until(c.t, what, func() bool {
		for _, s := range c.all() {
			if is(s) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// of tells spans by an attribute.
func of(name string, value any) func(span) bool {
	return func(s span) bool { return s.attributes[name] == value }
}

// field is a field of a message of protobuf.
type field struct {
	number int
	value  uint64
	bytes  []byte
}

func (f field) text() string { return string(f.bytes) }

// fields takes a message apart.
func fields(b []byte) (all []field, err error) {
	for len(b) > 0 {
		tag, n := wire.Uvarint(b)
		if n <= 0 {
			return nil, fmt.Errorf("no tag at %x", b)
		}
		b = b[n:]
		f := field{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			if f.value, n = wire.Uvarint(b); n <= 0 {
				return nil, fmt.Errorf("no number at %x", b)
			}
			b = b[n:]
		case 1:
			f.value, b = wire.LittleEndian.Uint64(b), b[8:]
		case 2:
			length, n := wire.Uvarint(b)
			if n <= 0 || length > uint64(len(b)-n) {
				return nil, fmt.Errorf("no length at %x", b)
			}
			f.bytes, b = b[n:n+int(length)], b[n+int(length):]
		case 5:
			f.value, b = uint64(wire.LittleEndian.Uint32(b)), b[4:]
		default:
			return nil, fmt.Errorf("wire type %d", tag&7)
		}
		all = append(all, f)
	}
	return all, nil
}

// each takes a message apart, and hands the fields of a number to take.
func each(b []byte, number int, take func(field) error) error {
	all, err := fields(b)
	for _, f := range all {
		if err == nil && f.number == number {
			err = take(f)
		}
	}
	return err
}

// decode reads an ExportTraceServiceRequest (opentelemetry-proto, collector/trace/v1/trace_service.proto and trace/v1/trace.proto).
func decode(b []byte) (spans []span, err error) {
	err = each(b, 1, func(resourceSpans field) error {
		service := map[string]any{}
		err := each(resourceSpans.bytes, 1, func(resource field) error {
			return each(resource.bytes, 1, func(f field) error { return attribute(service, f.bytes) })
		})
		if err != nil {
			return err
		}
		return each(resourceSpans.bytes, 2, func(scopeSpans field) error {
			return each(scopeSpans.bytes, 2, func(f field) error {
				s, err := decodeSpan(f.bytes)
				s.service = service
				spans = append(spans, s)
				return err
			})
		})
	})
	return spans, err
}

func decodeSpan(b []byte) (s span, err error) {
	s.attributes = map[string]any{}
	all, err := fields(b)
	for _, f := range all {
		switch f.number {
		case 1:
			s.trace = hex.EncodeToString(f.bytes)
		case 2:
			s.id = hex.EncodeToString(f.bytes)
		case 3:
			s.state = f.text()
		case 4:
			s.parent = hex.EncodeToString(f.bytes)
		case 5:
			s.name = f.text()
		case 6:
			s.kind = f.value
		case 7:
			s.start = time.Unix(0, int64(f.value))
		case 8:
			s.end = time.Unix(0, int64(f.value))
		case 9:
			err = attribute(s.attributes, f.bytes)
		case 15:
			err = each(f.bytes, 3, func(code field) error { s.status = code.value; return nil })
		case 16:
			s.flags = uint32(f.value)
		default:
			err = fmt.Errorf("field %d of a span", f.number)
		}
		if err != nil {
			return s, err
		}
	}
	if len(s.trace) != 32 || len(s.id) != 16 || s.parent != "" && len(s.parent) != 16 || strings.Trim(s.trace, "0") == "" || strings.Trim(s.id, "0") == "" {
		err = fmt.Errorf("a span with the ids %s, %s and %s", s.trace, s.id, s.parent)
	}
	return s, err
}

// attribute reads a KeyValue.
func attribute(to map[string]any, b []byte) error {
	all, err := fields(b)
	if err != nil || len(all) != 2 || all[0].number != 1 || all[1].number != 2 {
		return fmt.Errorf("no attribute: %v %x", err, b)
	}
	value, err := fields(all[1].bytes)
	if err != nil || len(value) != 1 {
		return fmt.Errorf("no value: %v %x", err, b)
	}
	key := all[0].text()
	if _, twice := to[key]; twice {
		return fmt.Errorf("%s comes twice", key)
	}
	switch value[0].number {
	case 1:
		to[key] = value[0].text()
	case 3:
		to[key] = int64(value[0].value)
	case 4:
		to[key] = math.Float64frombits(value[0].value)
	default:
		return fmt.Errorf("%s is a value of kind %d", key, value[0].number)
	}
	return nil
}
