package logs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

const (
	askedTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	askedParent = "00f067aa0ba902b7"
	sampled     = "00-" + askedTrace + "-" + askedParent + "-01"
	unsampled   = "00-" + askedTrace + "-" + askedParent + "-00"
)

// exports are settings for a collector, with JSON logs.
func exports(c *collector, more string) string {
	return fmt.Sprintf("%s\ntraces:\n  endpoint: %s\n%s", jsonLogs, c.url, more)
}

// server asks for server.php and returns $_SERVER.
func (s *service) server(t *testing.T, headers ...string) map[string]any {
	t.Helper()
	_, text := s.get("/server.php", headers...)
	return variables(t, text)
}

func variables(t *testing.T, text string) (all map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return all
}

// TestSpan follows a request of each way through script, logs and collector.
func TestSpan(t *testing.T) {
	t.Parallel()
	for name, direct := range map[string]string{"workers": "auto", "front": "off"} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			s := start(t, exports(c, ""), "access.log = DIR/access.log\n", "PHPSAPI_HTTP_DIRECT="+direct)
			before := time.Now()
			got := s.server(t, "Traceparent", sampled, "Tracestate", "foo=1,bar=2", "X-Request-Id", "id-1", "User-Agent", "tester")
			after := time.Now()
			one := c.await("the span", of("phpsapi.request_id", "id-1"))
			if got["TRACE_ID"] != askedTrace || got["SPAN_ID"] != one.id || got["HTTP_TRACEPARENT"] != "00-"+askedTrace+"-"+one.id+"-01" ||
				got["HTTP_TRACESTATE"] != "foo=1,bar=2" || got["PHPSAPI_SPAN"] != nil {
				t.Errorf("the script has %v", got)
			}
			if one.trace != askedTrace || one.parent != askedParent || one.id == askedParent || one.state != "foo=1,bar=2" || one.name != "GET /server.php" ||
				one.kind != 2 || one.status != 0 || one.flags != 0x301 {
				t.Errorf("the span: %+v", one)
			}
			if one.start.Before(before.Add(-time.Millisecond)) || one.end.After(after.Add(time.Millisecond)) || one.end.Before(one.start) {
				t.Errorf("the span is from %v to %v, the request was from %v to %v", one.start, one.end, before, after)
			}
			port, _ := strconv.ParseInt(s.Address[strings.LastIndexByte(s.Address, ':')+1:], 10, 64)
			for attribute, want := range map[string]any{"http.request.method": "GET", "url.scheme": "http", "url.path": "/server.php", "url.query": nil,
				"server.address": "127.0.0.1", "server.port": port, "client.address": "127.0.0.1", "user_agent.original": "tester",
				"network.protocol.version": "1.1", "http.response.status_code": int64(200), "error.type": nil, "code.file.path": s.Path("server.php"),
				"phpsapi.pool": "www", "phpsapi.generation": int64(1)} {
				if one.attributes[attribute] != want {
					t.Errorf("%s is %v, want %v", attribute, one.attributes[attribute], want)
				}
			}
			if one.service["service.name"] != "phpsapi" {
				t.Errorf("the resource: %v", one.service)
			}
			for _, log := range []string{"http.log", "access.log"} {
				o := s.await(log, log, func(o object) bool { return o["request_id"] == "id-1" })
				if o["trace_id"] != askedTrace || o["span_id"] != one.id {
					t.Errorf("%s: %v", log, o)
				}
			}
			s.get("/warn.php", "Traceparent", sampled, "X-Request-Id", "id-2")
			two := c.await("the second span", of("phpsapi.request_id", "id-2"))
			o := s.await("", "the warning", contains("Undefined variable"))
			if o["trace_id"] != askedTrace || o["span_id"] != two.id || two.id == one.id {
				t.Errorf("the warning: %v", o)
			}
			if direct == "off" && two.attributes["phpsapi.queue_wait"] == nil {
				t.Error("the span does not tell how long the request waited")
			}
		})
	}
}

// TestSpanOfFastCGI asks as a web server does.
func TestSpanOfFastCGI(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := start(t, exports(c, ""), "")
	body, _ := s.fastcgi("server.php", "HTTP_TRACEPARENT", sampled, "HTTP_X_REQUEST_ID", "id-1", "HTTP_USER_AGENT", "\xff")
	one := c.await("the span", of("phpsapi.request_id", "id-1"))
	got := variables(t, body)
	if one.trace != askedTrace || one.parent != askedParent || got["SPAN_ID"] != one.id {
		t.Errorf("%+v of %v", one, got)
	}
	if a := one.attributes; a["server.address"] != "example.org" || a["server.port"] != int64(443) || a["url.scheme"] != "https" || a["url.query"] != "fastcgi" ||
		a["client.address"] != "192.0.2.1" || a["user_agent.original"] != "\uFFFD" {
		t.Errorf("attributes: %v", a)
	}
	body, _ = s.fastcgi("server.php")
	if got := variables(t, body); len(fmt.Sprint(got["TRACE_ID"])) != 32 || got["TRACE_ID"] == askedTrace || len(fmt.Sprint(got["HTTP_X_REQUEST_ID"])) != 32 {
		t.Errorf("a request without a trace: %v", got)
	}
}

// TestMalformedContext has what counts as not there.
func TestMalformedContext(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := start(t, exports(c, ""), "")
	for name, headers := range map[string][]string{
		"garbage":          {"Traceparent", "garbage", "Tracestate", "foo=1"},
		"upper case":       {"Traceparent", strings.ToUpper(sampled), "Tracestate", "foo=1"},
		"two traceparents": {"Traceparent", sampled, "Traceparent", sampled, "Tracestate", "foo=1"},
		"no traceparent":   {"Tracestate", "foo=1"},
	} {
		got := s.server(t, headers...)
		id := fmt.Sprint(got["TRACE_ID"])
		if id == askedTrace || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || got["HTTP_TRACESTATE"] != nil ||
			got["HTTP_TRACEPARENT"] != fmt.Sprintf("00-%s-%s-01", id, got["SPAN_ID"]) {
			t.Errorf("%s: %v %v %v", name, id, got["HTTP_TRACEPARENT"], got["HTTP_TRACESTATE"])
		}
		if one := c.await(name, func(s span) bool { return s.trace == id }); one.parent != "" || one.state != "" || one.flags != 0x101 {
			t.Errorf("%s: %+v", name, one)
		}
	}
	if got := s.server(t, "Traceparent", sampled, "Tracestate", "FOO"); got["TRACE_ID"] != askedTrace || got["HTTP_TRACESTATE"] != nil {
		t.Errorf("a malformed tracestate: %v", got)
	}
	if got := s.server(t, "Traceparent", sampled, "Tracestate", "foo=1", "Tracestate", "bar=2"); got["HTTP_TRACESTATE"] != "foo=1, bar=2" {
		t.Errorf("two of tracestate: %v", got["HTTP_TRACESTATE"])
	}
	if got := s.server(t, "Trace-Id", "x", "Phpsapi-Span", askedTrace+"-"+askedParent); got["TRACE_ID"] == "x" || got["TRACE_ID"] == askedTrace {
		t.Errorf("a client gives itself ids: %v", got["TRACE_ID"])
	}
}

// TestFailures has statuses and incidents.
func TestFailures(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := start(t, exports(c, ""), "")
	for code, want := range map[int64]uint64{200: 0, 404: 0, 500: 2, 503: 2} {
		s.get(fmt.Sprintf("/code.php?code=%d", code))
		one := c.await(fmt.Sprint(code), of("http.response.status_code", code))
		failure := any(nil)
		if want != 0 {
			failure = fmt.Sprint(code)
		}
		if one.status != want || one.attributes["error.type"] != failure {
			t.Errorf("%d: status %d, %v", code, one.status, one.attributes)
		}
	}
	s.get("/crash.php", "Traceparent", sampled)
	one := c.await("the crash", of("error.type", "crash"))
	o := s.await("", "the incident", func(o object) bool { return o["incident"] != nil })
	i, _ := o["incident"].(map[string]any)
	if one.status != 2 || one.trace != askedTrace || one.parent != askedParent || one.attributes["url.path"] != "/crash.php" ||
		one.attributes["http.response.status_code"] != int64(502) || o["span_id"] != one.id || i["trace_id"] != askedTrace || i["span_id"] != one.id {
		t.Errorf("the crash: %+v, %v", one, o)
	}
}

// TestSpanOfAFile has a script that names a file, which the front sends if it is long: the access log has the ids of the span, or none.
func TestSpanOfAFile(t *testing.T) {
	t.Parallel()
	for name, direct := range map[string]string{"workers": "auto", "front": "off"} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			s := start(t, exports(c, ""), "", "PHPSAPI_HTTP_DIRECT="+direct)
			s.Write("file.bin", strings.Repeat("x", 3<<20))
			if status, text := s.get("/send.php", "X-Request-Id", "file-1"); status != 200 || len(text) != 3<<20 {
				t.Fatalf("status %d, %d bytes", status, len(text))
			}
			one := c.await("the span", of("phpsapi.request_id", "file-1"))
			o := s.await("http.log", "the line", func(o object) bool { return o["request_id"] == "file-1" })
			if id := o["span_id"]; id != nil && (id != one.id || o["trace_id"] != one.trace) || id == nil && direct == "off" {
				t.Errorf("the line has %v, the span is %+v", o, one)
			}
		})
	}
}

// TestSamplers has who decides.
func TestSamplers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settings, environment     string
		sampled, unsampled, fresh bool
	}{
		{"", "", true, false, true},
		{"  sampler: always_off\n", "", false, false, false},
		{"  sampler: parentbased_traceidratio\n  ratio: 0\n", "", true, false, false},
		{"", "OTEL_TRACES_SAMPLER=always_on", true, true, true},
		{"  sampler: parentbased_always_on\n", "OTEL_TRACES_SAMPLER=always_off", true, false, true},
	} {
		c := newCollector(t)
		s := start(t, exports(c, tt.settings), "", tt.environment, "OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=a=b%20c",
			"OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20x")
		flags := map[bool]string{true: "-01", false: "-00"}
		for id, want := range map[string]bool{"sampled": tt.sampled, "unsampled": tt.unsampled, "fresh": tt.fresh} {
			headers := []string{"X-Request-Id", id}
			switch id {
			case "sampled":
				headers = append(headers, "Traceparent", sampled)
			case "unsampled":
				headers = append(headers, "Traceparent", unsampled)
			}
			if got := fmt.Sprint(s.server(t, headers...)["HTTP_TRACEPARENT"]); !strings.HasSuffix(got, flags[want]) {
				t.Errorf("%+v: %s: the script is told %s", tt, id, got)
			}
		}
		s.Signal(syscall.SIGQUIT) // what is there is exported
		s.WaitFor(20*time.Second, func() bool { return s.Ended() != "" })
		got := map[any]bool{}
		for _, one := range c.all() {
			got[one.attributes["phpsapi.request_id"]] = true
			if one.service["service.name"] != "shop" || one.service["a"] != "b c" {
				t.Errorf("the resource: %v", one.service)
			}
			if header, _ := c.headers.Load("Authorization"); header != "Basic x" {
				t.Errorf("the header is %v", header)
			}
		}
		if got["sampled"] != tt.sampled || got["unsampled"] != tt.unsampled || got["fresh"] != tt.fresh {
			t.Errorf("%+v: exported are %v", tt, got)
		}
	}
}

// TestContextWithoutCollector has ids, and no observer for spans.
func TestContextWithoutCollector(t *testing.T) {
	t.Parallel()
	s := start(t, "traces:\n  context: on\n", "access.log = DIR/access.log\naccess.format = \"%{TRACE_ID}e %{SPAN_ID}e\"\n")
	got := s.server(t, "Traceparent", sampled)
	if got["TRACE_ID"] != askedTrace {
		t.Errorf("the script has %v", got)
	}
	wait.Until(t, "php-fpm's form", func() bool {
		text := s.Read("access.log")
		return text == fmt.Sprintf("%s %s\n", askedTrace, got["SPAN_ID"])
	})
	if observers := s.Titled("php-fpm: observer"); len(observers) > 0 {
		t.Errorf("there are observers: %v", observers)
	}
}

// TestOffIsOff has a client's headers pass as they are.
func TestOffIsOff(t *testing.T) {
	t.Parallel()
	s := start(t, "", "", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_SERVICE_NAME=x")
	got := s.server(t, "Traceparent", sampled, "Tracestate", "FOO")
	if got["HTTP_TRACEPARENT"] != sampled || got["HTTP_TRACESTATE"] != "FOO" || got["TRACE_ID"] != nil {
		t.Errorf("the script has %v", got)
	}
}

// metric returns a sample of the observer's; -1: there is none.
func (s *service) metric(address, sample string) float64 {
	_, page := serve.Ask(s.HTTP, "http://"+address+"/metrics")
	return serve.Sample(page, sample)
}

// TestCollectorThatFails is dead, then slow, then busy, and then back: requests are answered as ever, what is lost is counted, and nothing else is lost.
func TestCollectorThatFails(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	address := serve.Address(t)
	s := start(t, exports(c, "metrics:\n  listen: ["+address+"]\n"), "")
	c.server.Close()
	ask := func(n int, id string) {
		t.Helper()
		for i := range n {
			begun := time.Now()
			if status, _ := s.get("/index.php", "X-Request-Id", fmt.Sprint(id, i)); status != 200 {
				t.Fatalf("%s: status %d", id, status)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("%s: a request took %v", id, took)
			}
		}
	}
	ask(20, "dead")
	c.says(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	c.listen(strings.TrimPrefix(c.url, "http://"))
	wait.Until(t, "an attempt", func() bool { return c.requests.Load() > 0 })
	ask(20, "busy")
	slow := make(chan struct{})
	c.says(func(w http.ResponseWriter, r *http.Request) {
		<-slow
		w.WriteHeader(http.StatusTooManyRequests)
	})
	attempts := c.requests.Load()
	wait.Until(t, "an attempt while it is slow", func() bool { return c.requests.Load() > attempts })
	ask(20, "slow")
	c.says(nil)
	close(slow)
	wait.Until(t, "all spans", func() bool { return len(c.all()) == 60 })
	wait.Until(t, "all are counted as exported", func() bool { return s.metric(address, `phpsapi_traces_spans_total{outcome="exported"}`) == 60 })
	c.says(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no\nmore", http.StatusBadRequest) })
	ask(3, "refused")
	wait.Until(t, "the refusal is counted", func() bool { return s.metric(address, `phpsapi_traces_spans_total{outcome="failed"}`) == 3 })
	o := s.await("", "the refusal is logged", contains("has not taken"))
	if o["component"] != "observer" || !strings.Contains(o.text("message"), "400 Bad Request: no.more") {
		t.Errorf("the line: %v", o)
	}
	c.says(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.Write([]byte{0x0a, 0x09, 0x08, 0x02, 0x12, 0x05, 'w', 'r', 'o', 'n', 'g'}) // partial_success: 2 rejected
	})
	ask(2, "partly")
	wait.Until(t, "the rejection is counted", func() bool { return s.metric(address, `phpsapi_traces_spans_total{outcome="rejected"}`) == 2 })
}

// TestSpansSurviveAnObserver has the observer die, and reloads.
func TestSpansSurviveAnObserver(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := start(t, exports(c, ""), "")
	observer := func() int {
		if all := s.Titled("php-fpm: observer"); len(all) == 1 {
			return all[0]
		}
		return 0
	}
	wait.Until(t, "an observer", func() bool { return observer() > 0 })
	before := observer()
	syscall.Kill(before, syscall.SIGKILL)
	for i := range 5 {
		s.get("/index.php", "X-Request-Id", fmt.Sprint("killed-", i))
	}
	for i := range 5 {
		c.await("a span after the observer's death", of("phpsapi.request_id", fmt.Sprint("killed-", i)))
	}
	said := len(s.Log())
	s.get("/index.php", "X-Request-Id", "reload-1")
	s.Signal(syscall.SIGUSR2)
	wait.Until(t, "the reload", func() bool { return strings.Contains(s.Log()[said:], "ready to handle") })
	s.get("/index.php", "X-Request-Id", "reload-2")
	c.await("the span before the reload", of("phpsapi.request_id", "reload-1"))
	one := c.await("the span after the reload", of("phpsapi.request_id", "reload-2"))
	if one.attributes["phpsapi.generation"] != int64(2) {
		t.Errorf("the span: %+v", one)
	}
}

// TestLostSpansAreCounted stops the observer: the pool's socket fills, requests do not wait, and what it does not take is counted.
func TestLostSpansAreCounted(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	address := serve.Address(t)
	s := start(t, exports(c, "metrics:\n  listen: ["+address+"]\n"), "")
	wait.Until(t, "metrics", func() bool {
		return s.metric(address, `phpsapi_pool_spans_total{pool="www",generation="1",outcome="lost"}`) == 0
	})
	observer := s.Titled("php-fpm: observer")[0]
	syscall.Kill(observer, syscall.SIGSTOP)
	const asked = 4000
	for range asked {
		s.Get("/index.php")
	}
	syscall.Kill(observer, syscall.SIGCONT)
	var told, lost float64
	wait.Until(t, "the counts", func() bool {
		told = s.metric(address, `phpsapi_pool_spans_total{pool="www",generation="1",outcome="told"}`)
		lost = s.metric(address, `phpsapi_pool_spans_total{pool="www",generation="1",outcome="lost"}`)
		return told+lost == asked
	})
	if lost == 0 || told == 0 {
		t.Errorf("%v spans were told and %v lost", told, lost)
	}
	wait.Until(t, "those that were told", func() bool { return len(c.all()) == int(told) })
}
