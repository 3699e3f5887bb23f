package contract

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

func someSpan() (*Span, *SpanTexts) {
	s := &Span{Context: tracecontext.Context{Trace: tracecontext.TraceID{1}, Parent: tracecontext.SpanID{2}, Span: tracecontext.SpanID{3}, Flags: 1},
		Start: 1795800000123456789, Duration: time.Second, QueueWait: 2, CPU: 3, Memory: 4, Status: 503, Pid: 4711,
		Method: "GET", Scheme: "https", Host: "example.org", Port: "443", Target: "/a?b", Protocol: "HTTP/1.1", Script: "/srv/a.php", Name: "/a.php",
		Client: "192.0.2.1", UserAgent: "curl", RequestID: "60fd", State: "foo=1", Error: "crash"}
	t := &SpanTexts{}
	from, to := reflect.ValueOf(s).Elem(), reflect.ValueOf(t).Elem()
	for i := range to.NumField() {
		to.Field(i).SetBytes([]byte(from.FieldByName(to.Type().Field(i).Name).String()))
	}
	return s, t
}

func TestSpan(t *testing.T) {
	s, texts := someSpan()
	packet := AppendSpan(nil, s, texts)
	got, ok := ParseSpan(packet)
	if !ok || *got != *s {
		t.Fatalf("%v\n got %+v\nwant %+v", ok, got, s)
	}
	for n := range packet {
		if _, ok := ParseSpan(packet[:n]); ok {
			t.Errorf("%d of %d bytes are taken", n, len(packet))
		}
	}
	if _, ok := ParseSpan(append(packet, 0)); ok {
		t.Error("more bytes are taken")
	}
	if n := testing.AllocsPerRun(100, func() { packet = AppendSpan(packet[:0], s, texts) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLongSpanIsCut(t *testing.T) {
	s, texts := someSpan()
	v := reflect.ValueOf(texts).Elem()
	for i := range v.NumField() {
		v.Field(i).SetBytes(bytes.Repeat([]byte("x"), 70000))
	}
	packet := AppendSpan(nil, s, texts)
	got, ok := ParseSpan(packet)
	if !ok || len(packet) > MostSpan || got.State != "" || got.Target != strings.Repeat("x", mostSpanTarget) || got.Host != strings.Repeat("x", mostSpanText) {
		t.Errorf("%v, %d bytes: %+v", ok, len(packet), got)
	}
}

func FuzzSpan(f *testing.F) {
	s, texts := someSpan()
	f.Add(AppendSpan(nil, s, texts))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if s, ok := ParseSpan(packet); ok && (s.Duration < 0 || s.Context.Span == tracecontext.SpanID{}) {
			t.Fatalf("%+v", s)
		}
	})
}
