package front

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Where others may see another end of a request than the front does, what follows is not taken for a request.
func TestNothingFollowsAMistakableRequest(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"index.php": "", "a.txt": "a"}, echo))
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		c := f.dial(t)
		if got := c.ask(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"); !got.Close {
			t.Errorf("%q: the response does not say that the connection is closed", request)
		}
		c.ends()
	}
	// What cannot be mistaken is kept.
	for _, request := range []string{
		"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
	} {
		c := f.dial(t)
		c.ask(request)
		if got := c.ask("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"); got.body != "a" {
			t.Errorf("after %q: got %d %q", request, got.StatusCode, got.body)
		}
	}
}

// A script once ran with an empty body for a request of HTTP/1.0 with a body in chunks, as net/http drops the header.
func TestTransferEncodingOfHTTP10IsRefused(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"index.php": "", "a.txt": "a"}, echo))
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	for _, head := range []string{
		"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n",
		"POST / HTTP/1.0\r\ntransfer-encoding:chunked\r\nConnection: keep-alive\r\n",
		"POST / HTTP/1.0\nTransfer-Encoding: chunked\n",
		"POST / HTTP/1.0\r\nContent-Length: 15\r\nTransfer-Encoding: chunked\r\n",
		"POST / HTTP/1.0\r\nTransfer-Encoding: identity\r\nContent-Length: 15\r\n",
		"DELETE / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
		"GET /a.txt HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
	} {
		for _, before := range []string{"", "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"} {
			c := f.dial(t)
			if before != "" {
				c.ask(before)
			}
			if got := c.ask(head + "\r\n" + chunks); got.StatusCode != 400 || !got.Close {
				t.Errorf("%q: got %d, closed %v; want 400, closed", head, got.StatusCode, got.Close)
			}
			c.ends()
		}
	}
	// The header's name in a body, in another header's value, and as part of a name is none.
	for _, request := range []string{
		"POST / HTTP/1.0\r\nContent-Length: 28\r\n\r\n\r\nTransfer-Encoding: chunked",
		"POST / HTTP/1.0\r\nA: Transfer-Encoding: chunked\r\nX-Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx",
		"POST / HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
	} {
		if got := f.dial(t).ask(request); got.StatusCode != 200 {
			t.Errorf("%q: got %d", request, got.StatusCode)
		}
	}
}

// A head may come in pieces.
func TestHeadsInPiecesAreSeen(t *testing.T) {
	t.Parallel()
	const head = "POST / HTTP/1.0\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
	for size := 1; size <= len(head); size++ {
		var h headWatch
		for rest := []byte(head); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			h.see(rest[:min(size, len(rest))])
		}
		if !h.over || !h.coded.Load() {
			t.Errorf("pieces of %d bytes: ended %v, seen %v", size, h.over, h.coded.Load())
		}
	}
}

func TestMalformedChunksAreRefused(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	f := start(t, o)
	for _, body := range []string{"zz\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc\r\n", "3\r\nabcd\r\n0\r\n\r\n"} {
		c := f.dial(t)
		if got := c.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body); got.StatusCode != 400 {
			t.Errorf("%q: got %d, want 400", body, got.StatusCode)
		}
		c.ends()
	}
}

func TestTargetsWithoutPath(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	f := start(t, o)
	ask := func(line string) reply { return f.dial(t).ask(line + " HTTP/1.1\r\nHost: a\r\n\r\n") }
	if got := ask("GET http://other.example"); got.StatusCode != 200 || !strings.Contains(got.body, "REQUEST_URI=/\n") ||
		!strings.Contains(got.body, "HTTP_HOST=other.example\n") {
		t.Errorf("a host alone: %d %s", got.StatusCode, got.body)
	}
	if got := ask("OPTIONS *"); got.StatusCode != 200 || got.Header.Get("Allow") != allMethods || got.Header.Get("X-Request-Id") == "" {
		t.Errorf("OPTIONS *: %d %v", got.StatusCode, got.Header)
	}
	if got := ask("GET *"); got.StatusCode != 400 {
		t.Errorf("GET *: %d", got.StatusCode)
	}
	wait.Until(t, "a line for each", func() bool { return strings.Count(files.Read(t, f.accessed), "\n") == 3 })
}

// A body that is too large ends its stream of HTTP/2, not the connection, which has others.
func TestLargeBodiesEndTheirStreamAlone(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": "", "a.txt": "a"}, echo)
	o.Pools[0].BodyBytes = 10
	f := bothListeners(t, o)
	for name, client := range versions(f) {
		version, address, _ := strings.Cut(name, " ")
		if version != "HTTP/2.0" {
			continue
		}
		var reused bool
		watch := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
		for range 2 {
			body := strings.NewReader(strings.Repeat("x", 100<<10))
			r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), watch), "POST", address+"/", body)
			got, err := client.Do(r)
			if err != nil {
				t.Fatal(name, err)
			}
			io.Copy(io.Discard, got.Body)
			got.Body.Close()
			if got.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
		}
		if !reused {
			t.Errorf("%s: the connection was not kept", name)
		}
	}
}
