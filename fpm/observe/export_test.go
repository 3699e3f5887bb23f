package observe

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
	"github.com/phpsapi/phpsapi/test/wait"
)

// collecting is an exporter and its collector, which answers by answer. Batches are gathered for a moment only.
type collecting struct {
	*exporter
	answer atomic.Pointer[http.HandlerFunc] // nil: 200
	mu     sync.Mutex
	spans  []string // as they were put
	said   []string // to the log
}

func collect(t *testing.T) *collecting {
	c := &collecting{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := c.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		eachField(body, func(_ int, _ uint64, resourceSpans []byte) {
			eachField(resourceSpans, func(field int, _ uint64, scopeSpans []byte) {
				eachField(scopeSpans, func(inner int, _ uint64, span []byte) {
					if field == resourceSpansScope && inner == scopeSpansSpans {
						c.spans = append(c.spans, string(span))
					}
				})
			})
		})
	}))
	t.Cleanup(server.Close)
	c.exporter = newExporter(&contract.Export{URL: server.URL, Resource: []string{"service.name=x"}, Version: "1"},
		func(format string, args ...any) { c.said = append(c.said, fmt.Sprintf(format, args...)) })
	c.patience.delay, c.patience.retry, c.patience.retries = 10*time.Millisecond, 10*time.Millisecond, time.Minute
	return c
}

func (c *collecting) status(code int, header ...string) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(header) > 0 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(code)
	})
	c.answer.Store(&answer)
}

func (c *collecting) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

func TestExport(t *testing.T) {
	c := collect(t)
	go c.run()
	var want []string
	for i := range 3*mostBatch + 1 {
		want = append(want, fmt.Sprint("span ", i))
		c.put([]byte(want[i]))
	}
	wait.Until(t, "all spans", func() bool { return c.sent.Load() == uint64(len(want)) })
	if !slices.Equal(c.got(), want) {
		t.Error("other spans have come, or in another order")
	}
	c.finish([][]byte{[]byte("rest")})
	if got := c.got(); got[len(got)-1] != "rest" || c.put(nil) {
		t.Error("what is there at the end is not sent, or more is taken after it")
	}
}

// TestExportIsTriedAgain has answers after which OTLP wants another attempt, and such after which it does not.
func TestExportIsTriedAgain(t *testing.T) {
	for code, again := range map[int]bool{429: true, 502: true, 503: true, 504: true, 400: false, 401: false, 404: false, 413: false, 500: false, 302: false} {
		c := collect(t)
		c.status(code)
		go c.run()
		c.put([]byte("x"))
		if !again {
			wait.Until(t, fmt.Sprint(code), func() bool { return c.failed.Load() == 1 })
			continue
		}
		time.Sleep(20 * time.Millisecond)
		c.answer.Store(nil)
		wait.Until(t, fmt.Sprint(code), func() bool { return c.sent.Load() == 1 })
		if c.failed.Load() != 0 || len(c.said) != 0 {
			t.Errorf("%d: %d failed: %q", code, c.failed.Load(), c.said)
		}
	}
}

func TestExportIsGivenUp(t *testing.T) {
	c := collect(t)
	c.status(503)
	c.patience.retries = 30 * time.Millisecond
	go c.run()
	c.put([]byte("x"))
	c.put([]byte("y"))
	wait.Until(t, "the end of the attempts", func() bool { return c.failed.Load() == 2 })
	c.answer.Store(nil)
	c.put([]byte("z"))
	wait.Until(t, "the next batch", func() bool { return c.sent.Load() == 1 })
	if len(c.said) != 1 || !strings.Contains(c.said[0], "has not taken 2 spans: it answers 503 Service Unavailable") {
		t.Errorf("the log has %q", c.said)
	}
}

// TestQueueIsBounded has a collector that does not answer: a put waits, and not for ever.
func TestQueueIsBounded(t *testing.T) {
	c := collect(t)
	release := make(chan struct{})
	answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	c.answer.Store(&answer)
	go c.run()
	var put atomic.Int64
	ended := make(chan bool)
	go func() {
		for c.put([]byte("x")) {
			put.Add(1)
		}
		close(ended)
	}()
	wait.Until(t, "a full queue", func() bool { return put.Load() >= mostQueued && c.length() == mostQueued })
	time.Sleep(20 * time.Millisecond)
	if n := put.Load(); n > mostQueued+mostBatch {
		t.Errorf("%d spans are kept", n)
	}
	close(release)
	c.finish(nil)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("a put that waits for room waits for ever")
	}
}

// TestEndIsNotLate has a collector that does not answer at the end.
func TestEndIsNotLate(t *testing.T) {
	c := collect(t)
	release := make(chan struct{})
	defer close(release)
	answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	c.answer.Store(&answer)
	go c.run()
	c.put([]byte("x"))
	begun := time.Now()
	c.finish(nil)
	if took := time.Since(begun); took > 3*flushTime {
		t.Errorf("it took %v", took)
	}
}

func TestRetryAfter(t *testing.T) {
	if got := retryAfter("7"); got != 7*time.Second {
		t.Errorf("7: %v", got)
	}
	if got := retryAfter(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)); got < 50*time.Second || got > time.Minute {
		t.Errorf("a minute: %v", got)
	}
	for _, text := range []string{"", "-1", "soon", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat)} {
		if got := retryAfter(text); got != 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
	c := collect(t)
	c.status(503, "Retry-After", "1")
	go c.run()
	c.put([]byte("x"))
	time.Sleep(30 * time.Millisecond)
	c.answer.Store(nil)
	begun := time.Now()
	wait.Until(t, "the second attempt", func() bool { return c.sent.Load() == 1 })
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("it came %v after an answer that asks for a second", took)
	}
}

// TestSpanOfAHostileWorker has texts that are not UTF-8, for which a collector would refuse the spans of others, too.
func TestSpanOfAHostileWorker(t *testing.T) {
	evil := "\xff\x00\x1b"
	s := &contract.Span{Context: tracecontext.Context{Trace: tracecontext.TraceID{1}, Span: tracecontext.SpanID{1}}, Status: 999, Duration: -1,
		Method: evil, Scheme: evil, Host: evil + ":" + evil, Port: evil, Target: evil, Protocol: evil, Script: evil, Name: evil, Client: evil,
		UserAgent: evil, RequestID: evil, State: evil, Error: evil}
	span := appendSpan(nil, &contract.ObservedPool{Name: "www"}, s)
	if strings.Contains(string(span), "\xff\x00") {
		t.Errorf("%q", span)
	}
	src := &source{}
	if src.span([]byte(evil)) != nil {
		t.Error("what is not a span is taken")
	}
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte{0x0a, 0x09, 0x08, 0x02, 0x12, 0x05, 'w', 'r', 'o', 'n', 'g'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, _ := rejected(b); n < 0 {
			t.Fatal(n)
		}
		answerText("application/x-protobuf", b)
	})
}
