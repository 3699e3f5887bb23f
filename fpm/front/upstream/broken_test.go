package upstream

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// patientBut are limits that end a silent worker soon if the log is to tell of one, and late otherwise.
func patientBut(log string) contract.FrontLimits {
	if strings.Contains(log, "silent for too long") {
		return contract.FrontLimits{RequestTimeout: 300 * time.Millisecond}
	}
	return contract.FrontLimits{RequestTimeout: time.Minute}
}

// What a worker can do wrong before anything has gone to the client: it must get a response that says so.
func TestWorkerFailsBeforeTheResponse(t *testing.T) {
	for name, c := range map[string]struct {
		worker func(p *peer) bool
		want   error
		log    string
	}{
		"dies at once": {func(p *peer) bool { return false }, ErrGone, "unexpected EOF"},
		"dies in the head": {func(p *peer) bool {
			p.say("Content-Type: te")
			p.Response().Flush()
			return false
		}, ErrGone, "within the response's head"},
		"ends in the head": {func(p *peer) bool {
			p.say("Content-Type: te")
			return p.end()
		}, ErrAnswer, "the response ended before its head did"},
		"ends silently": {func(p *peer) bool { return p.end() }, ErrAnswer, "the response ended before its head did"},
		"says nothing": {func(p *peer) bool {
			p.left()
			return false
		}, ErrTimeout, "silent for too long: 300ms (see http.limits.request_timeout)"},
		"no FastCGI": {func(p *peer) bool {
			p.raw([]byte("HTTP/1.1 200 OK\r\n\r\n"))
			return false
		}, ErrGone, `not a FastCGI 1 record: it begins with "HTTP/1.1"`},
		"another request's record": {func(p *peer) bool {
			p.raw(fastcgi.Record{Type: fastcgi.TypeStdout, RequestID: 7, Content: []byte("x")}.AppendTo(nil))
			return false
		}, ErrGone, "STDOUT record, id 7"},
		"too busy": {func(p *peer) bool {
			p.Response().End(0, fastcgi.Overloaded)
			return false
		}, ErrGone, "it answered OVERLOADED"},
		"huge head": {func(p *peer) bool {
			p.say("A: %s\r\n\r\n", strings.Repeat("x", scripthead.Longest))
			return p.end()
		}, ErrAnswer, "the response's head is longer than 65536 bytes"},
		"endless head": {func(p *peer) bool {
			for range 100 {
				p.say("A: %s\r\n", strings.Repeat("x", 4<<10))
			}
			return p.end()
		}, ErrAnswer, "the response's head is longer than 65536 bytes"},
		"no header": {func(p *peer) bool {
			p.say("X-Kept: 1\r\nFatal error\r\n\r\n")
			return p.end()
		}, ErrAnswer, `a line that is not a header: "Fatal error"`},
		"status in words": {func(p *peer) bool {
			p.say("Status: fine\r\n\r\n")
			return p.end()
		}, ErrAnswer, `wrong status: "fine"`},
		"other protocol": {func(p *peer) bool {
			p.say("Status: 101 Switching Protocols\r\n\r\n")
			return p.end()
		}, ErrAnswer, `wrong status: "101`},
		"length in words": {func(p *peer) bool {
			p.say("Content-Length: many\r\n\r\n")
			return p.end()
		}, ErrAnswer, `wrong Content-Length: "many"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, Options{Limits: patientBut(c.log)}, c.worker)
			resp, _, err := get(t, f, "/")
			if err != nil {
				t.Fatal(err)
			}
			if got := f.err(t); !errors.Is(got, c.want) || resp.StatusCode != status(c.want) {
				t.Errorf("got %d, %v, want %v", resp.StatusCode, got, c.want)
			}
			if log := f.log.String(); !strings.Contains(log, c.log) || !strings.HasPrefix(log, "WARNING: [pool www] request id-1: ") {
				t.Errorf("log %q, want %q", log, c.log)
			}
			if resp.Header.Get("X-Kept") != "" {
				t.Error("a header of the broken response was kept")
			}
		})
	}
}

// What it can do wrong later: the client must see that the response is not whole.
func TestWorkerFailsWithinTheResponse(t *testing.T) {
	for name, c := range map[string]struct {
		worker func(p *peer) bool
		log    string
	}{
		"dies": {func(p *peer) bool {
			p.say("\r\nsome")
			p.Response().Flush()
			return false
		}, "it ended within the response"},
		"dies before its Content-Length": {func(p *peer) bool {
			p.say("Content-Length: 10\r\n\r\nsome")
			p.Response().Flush()
			return false
		}, "it ended within the response"},
		"ends before its Content-Length": {func(p *peer) bool {
			p.say("Content-Length: 10\r\n\r\nsome")
			return p.end()
		}, "the response ended before its Content-Length"},
		"falls silent": {func(p *peer) bool {
			p.say("\r\nsome")
			p.Response().Flush()
			p.left()
			return false
		}, "silent for too long: 300ms"},
		"malformed": {func(p *peer) bool {
			p.say("\r\nsome")
			p.raw([]byte("\x01\x06\x00\x09\x00\x01\x00\x00x"))
			return false
		}, "STDOUT record, id 9"},
	} {
		for _, h2 := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var proto []bool
				if h2 {
					proto = []bool{true}
				}
				f := serve(t, Options{Limits: patientBut(c.log)}, c.worker, proto...)
				resp, body, err := get(t, f, "/")
				if err == nil {
					t.Errorf("%v: the client got %q as if it were whole", resp.Proto, body)
				}
				if resp == nil || resp.StatusCode != 200 || body != "some" {
					t.Errorf("the client got %v, %q and %v, want what there was", resp, body, err)
				}
				if got := f.err(t); got == nil || !strings.Contains(got.Error(), http.ErrAbortHandler.Error()) {
					t.Errorf("got %v, want a panic", got)
				}
				if log := f.log.String(); !strings.Contains(log, c.log) {
					t.Errorf("log %q, want %q", log, c.log)
				}
			})
		}
	}
}

func TestNoWorkers(t *testing.T) {
	f := serve(t, Options{}, nil)
	f.stop()
	resp, _, err := get(t, f, "/")
	if got := f.err(t); err != nil || resp.StatusCode != 502 || !errors.Is(got, ErrGone) {
		t.Errorf("%v %v %v", err, resp, got)
	}
}
