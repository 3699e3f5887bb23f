//go:build e2e

package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A request of httpd's that a pool answers has a span in the trace that its client names: the script, httpd's log and the collector know it.
func TestApachePoolTraces(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	var lock sync.Mutex
	var exported []byte
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		lock.Lock()
		exported = append(exported, body...)
		lock.Unlock()
	}))
	defer collector.Close()
	has := func(parts ...string) bool {
		lock.Lock()
		defer lock.Unlock()
		for _, part := range parts {
			if raw, err := hex.DecodeString(part); err == nil {
				part = string(raw)
			}
			if !bytes.Contains(exported, []byte(part)) {
				return false
			}
		}
		return true
	}
	p := at(t)
	p.write("www/trace.php", `<?php
		if (isset($_GET['set'])) apache_setenv('OWN', '1');
		echo json_encode([$_SERVER['TRACE_ID'] ?? '', $_SERVER['SPAN_ID'] ?? '', $_SERVER['HTTP_TRACEPARENT'] ?? '', $_SERVER['HTTP_TRACESTATE'] ?? '', getenv('TRACE_ID'), apache_getenv('SPAN_ID')]);`)
	p.env = append(p.env, "PHPSAPI_TRACES_ENDPOINT="+collector.URL)
	s, _ := apacheInPool(p, "LogFormat \"%r %{TRACE_ID}e %{SPAN_ID}e\" traces\nCustomLog DIR/traces.log traces\n")
	ask := func(path string, headers ...string) (said [6]string) {
		t.Helper()
		request, _ := http.NewRequest("GET", s.at(path), nil)
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		if text := s.page("GET", path, "[")(s.browser.Do(request)); json.Unmarshal([]byte(text), &said) != nil {
			t.Fatalf("GET %s: %s", path, text)
		}
		return said
	}

	for _, path := range []string{"/trace.php", "/trace.php?set"} {
		got := ask(path, "traceparent", "00-"+trace+"-"+parent+"-01", "tracestate", "foo=1")
		span := got[1]
		if want := [6]string{trace, span, "00-" + trace + "-" + span + "-01", "foo=1", trace, span}; got != want || len(span) != 16 || span == parent {
			t.Errorf("GET %s: %q, want %q", path, got, want)
		}
		p.eventually("the span is exported", func() bool { return has(trace, span, parent, "GET /trace.php", "foo=1") })
		p.eventually("httpd logs it", func() bool {
			return strings.Contains(p.log("traces.log"), "GET "+path+" HTTP/1.1 "+trace+" "+span+"\n")
		})
	}

	// Without a traceparent, and with one that is malformed, a request begins a trace.
	for _, headers := range [][]string{nil, {"traceparent", "00-nonsense", "tracestate", "foo=1"}} {
		got := ask("/trace.php", headers...)
		if got[0] == trace || len(got[0]) != 32 || got[2] != "00-"+got[0]+"-"+got[1]+"-01" || got[3] != "" || got[4] != got[0] {
			t.Errorf("%v: %q", headers, got)
		}
		p.eventually("the span is exported", func() bool { return has(got[0], got[1]) })
	}
}
