package upstream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/wait"
)

// reply is a front whose worker answers always the same.
func reply(t *testing.T, response string, h2 ...bool) *front {
	return serve(t, Options{}, func(p *peer) bool {
		p.Response().Write([]byte(response))
		return p.end()
	}, h2...)
}

func TestInterimHeads(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var proto []bool
		if h2 {
			proto = []bool{true}
		}
		f := serve(t, Options{}, func(p *peer) bool {
			if !p.req.Interim {
				t.Error("the front does not say that it takes interim heads")
			}
			p.say("Status: 103\r\nLink: </a.css>\r\nLink: </b.css>\r\n\r\nStatus: 103 Early Hints\r\nLink: </c.css>\r\n\r\n")
			p.Response().Flush()
			p.say("Status: 201\r\nX-A: 1\r\n\r\nbody")
			return p.end()
		}, proto...)
		var hints []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, h["Link"]))
			return nil
		}}
		r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", f.URL, nil)
		resp, err := f.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := fmt.Sprint(hints); got != "[103 [</a.css> </b.css>] 103 [</c.css>]]" {
			t.Errorf("%s: interim heads %v", resp.Proto, got)
		}
		if resp.StatusCode != 201 || resp.Header.Get("X-A") != "1" || resp.Header["Link"] != nil || string(b) != "body" {
			t.Errorf("%v %q", resp, b)
		}
	}
	// HTTP/1.0 knows none.
	f := reply(t, "Status: 103\r\nLink: </a.css>\r\n\r\n\r\nbody")
	c := talk(t, f, "GET / HTTP/1.0\r\n\r\n")
	if b, _ := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.0 200 OK\r\n") {
		t.Errorf("%q", b)
	}
}

func TestResponses(t *testing.T) {
	for _, c := range []struct {
		name, response string
		status         int
		header         string // one that must be there, or "-Name" for one that must not
		body           string
	}{
		{"plain", "Content-Type: text/a\r\n\r\nx", 200, "Content-Type: text/a", "x"},
		{"length", "\r\nxyz", 200, "Content-Length: 3", "xyz"},
		{"no type is guessed", "\r\n<html>", 200, "-Content-Type", "<html>"},
		{"newlines alone", "Status: 404 No\nX-A: b\n\nx\n", 404, "X-A: b", "x\n"},
		{"status in any case", "STATUS:500\r\n\r\nx", 500, "-Status", "x"},
		{"whole status line", "HTTP/1.1 402 Pay\r\nX-A: b\r\n\r\nx", 402, "X-A: b", "x"},
		{"location", "Location: /b\r\n\r\n", 302, "Location: /b", ""},
		{"location with status", "Status: 201\r\nLocation: /b\r\n\r\n", 201, "Location: /b", ""},
		{"twice", "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n", 200, "Set-Cookie: a=1,b=2", ""},
		{"hop by hop", "Transfer-Encoding: chunked\r\n\r\nx", 200, "Content-Length: 1", "x"},
		{"connection", "Connection: close\r\n\r\nx", 200, "-Connection", "x"},
		{"nginx's own", "X-Accel-Expires: 10\r\n\r\nx", 200, "-X-Accel-Expires", "x"},
		{"its own length", "Content-Length: 1\r\n\r\nx", 200, "Content-Length: 1", "x"},
		{"too long", "Content-Length: 1\r\n\r\nxyz", 200, "Content-Length: 1", "x"},
		{"no content", "Status: 204\r\nContent-Length: 3\r\n\r\nxyz", 204, "-Content-Length", ""},
		{"not modified", "Status: 304\r\nETag: \"a\"\r\n\r\nxyz", 304, "Etag: \"a\"", ""},
		{"spaces", "X-A:   b c  \r\n\r\nx", 200, "X-A: b c", "x"},
		{"empty", "X-A:\r\n\r\nx", 200, "X-A: ", "x"},
	} {
		for _, h2 := range [][]bool{nil, {true}} {
			resp, body, err := get(t, reply(t, c.response, h2...), "/")
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			name, value, want := strings.Cut(c.header, ": ")
			got, have := resp.Header[strings.TrimPrefix(name, "-")]
			if resp.StatusCode != c.status || body != c.body || have != want || want && strings.Join(got, ",") != value {
				t.Errorf("%s, %s: %d %v %q", c.name, resp.Proto, resp.StatusCode, resp.Header, body)
			}
		}
	}
}

func TestHead(t *testing.T) {
	for _, h2 := range [][]bool{nil, {true}} {
		f := reply(t, "Content-Length: 1000\r\nX-A: b\r\n\r\n", h2...)
		for range 2 {
			resp, err := f.Client().Head(f.URL)
			if err != nil || resp.ContentLength != 1000 || resp.Header.Get("X-A") != "b" || f.err(t) != nil {
				t.Errorf("%v %v", err, resp)
			}
		}
	}
}

func TestSendfile(t *testing.T) {
	for response, want := range map[string]string{
		"Status: 206\r\nX-Sendfile: /a/b\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody": "206 X-Sendfile /a/b",
		"X-Accel-Redirect: /files/c%20d\r\n\r\n":                                     "200 X-Accel-Redirect /files/c%20d",
	} {
		f := reply(t, response)
		resp, body, err := get(t, f, "/?sendfile")
		if err != nil || body != want || resp.Header["X-Sendfile"] != nil || resp.Header["X-Accel-Redirect"] != nil {
			t.Errorf("%v %v %q", err, resp, body)
		}
		if resp.ContentLength != int64(len(want)) {
			t.Errorf("the body's length is %d", resp.ContentLength)
		}
		f.pool.mu.Lock()
		if f.pool.taken != 0 || len(f.pool.idle) != 1 {
			t.Errorf("%d places taken, %d connections kept", f.pool.taken, len(f.pool.idle))
		}
		f.pool.mu.Unlock()
	}
	resp, body, err := get(t, reply(t, "X-Sendfile: /a\r\n\r\nbody"), "/")
	if err != nil || body != "body" || resp.Header["X-Sendfile"] != nil {
		t.Errorf("without a sendfile: %v %v %q", err, resp, body)
	}
}

// What a worker has flushed goes to the client at once.
func TestStreams(t *testing.T) {
	for _, length := range []string{"", "Content-Length: 6\r\n"} {
		for _, h2 := range [][]bool{nil, {true}} {
			next := make(chan bool)
			f := serve(t, Options{}, func(p *peer) bool {
				p.say("Content-Type: text/event-stream\r\n%s\r\n", length)
				for i := range 3 {
					p.say("%d\n", i)
					p.Response().Flush()
					<-next
				}
				return p.end()
			}, h2...)
			resp, err := f.Client().Get(f.URL)
			if err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(resp.Body)
			for i := range 3 {
				line, err := in.ReadString('\n')
				if err != nil || line != fmt.Sprintln(i) {
					t.Errorf("%v %q", err, line)
				}
				next <- true
			}
			resp.Body.Close()
		}
	}
}

// A client that goes away while the worker is silent ends the connection to it.
func TestClientLeavesAStream(t *testing.T) {
	gone := make(chan error, 1)
	f := serve(t, Options{}, func(p *peer) bool {
		p.say("\r\nx")
		p.Response().Flush()
		_, err := p.socket.Read(make([]byte, 1))
		gone <- err
		return false
	})
	resp, err := f.Client().Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	select {
	case err := <-gone:
		if err != io.EOF {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the worker was not told")
	}
	if err := f.err(t); err == nil || f.log.String() != "" {
		t.Errorf("%v, log %q", err, f.log)
	}
}

func TestStderrIsLogged(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		p.Response().WriteStderr([]byte("PHP message: one"))
		p.Response().WriteStderr([]byte("; PHP message: two\nand its second line\n"))
		p.say("\r\nbody")
		p.Response().Flush()
		p.Response().WriteStderr([]byte("; late"))
		p.Response().WriteStderr([]byte(strings.Repeat("x", 100_000)))
		return p.end()
	})
	if _, body, err := get(t, f, "/"); err != nil || body != "body" {
		t.Errorf("%v %q", err, body)
	}
	f.err(t)
	const begin = "NOTICE: [pool www] request id-1: "
	log := f.log.String()
	if !strings.HasPrefix(log, begin+"PHP message: one\n"+begin+"PHP message: two\n"+begin+"and its second line\n"+begin+"late") {
		t.Errorf("log %.300q", log)
	}
	if n := strings.Count(log, "x"); n < 100_000 {
		t.Errorf("%d of 100000 bytes were logged", n)
	}
}

// A fatal error is logged as an error, with its trace, so that log_level = warning does not hide why a page is 500.
func TestPHPsMessagesHaveTheirLevels(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		p.Response().WriteStderr([]byte("PHP message: PHP Warning:  one in /a.php on line 1; PHP message: said by the script; " +
			"PHP message: PHP Fatal error:  Uncaught Error: two in /a.php:2\nStack trace:\n#0 {main}; PHP message: PHP Deprecated:  three"))
		return p.ok("")
	})
	get(t, f, "/")
	f.err(t)
	const want = "WARNING: [pool www] request id-1: PHP message: PHP Warning:  one in /a.php on line 1\n" +
		"NOTICE: [pool www] request id-1: PHP message: said by the script\n" +
		"ERROR: [pool www] request id-1: PHP message: PHP Fatal error:  Uncaught Error: two in /a.php:2\n" +
		"ERROR: [pool www] request id-1: Stack trace:\n" +
		"ERROR: [pool www] request id-1: #0 {main}\n" +
		"NOTICE: [pool www] request id-1: PHP message: PHP Deprecated:  three\n"
	if got := f.log.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Messages are lines of their own, whole, however records and reads cut them: a worker's records do not end where its
// messages do.
func TestMessagesStayWhole(t *testing.T) {
	const n = 2000
	var all strings.Builder
	for i := range n {
		if i > 0 {
			all.WriteString("; ")
		}
		fmt.Fprintf(&all, "PHP message: message %d %s.", i, strings.Repeat("x", i%301))
	}
	seen := make(chan bool)
	f := serve(t, Options{}, func(p *peer) bool {
		for text := all.String(); text != ""; {
			cut := min(len(text), 1000+len(text)%977)
			p.Response().WriteStderr([]byte(text[:cut]))
			p.Response().Flush()
			text = text[cut:]
		}
		<-seen // the last one is not kept until the response's end
		return p.ok("")
	})
	go get(t, f, "/")
	wait.Until(t, "the last message", func() bool { return strings.Contains(f.log.String(), fmt.Sprintf("message %d ", n-1)) })
	close(seen)
	f.err(t)
	lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
	for i, line := range lines {
		if want := fmt.Sprintf("NOTICE: [pool www] request id-1: PHP message: message %d %s.", i, strings.Repeat("x", i%301)); line != want {
			t.Fatalf("line %d: got %q, want %q", i, line, want)
		}
	}
	if len(lines) != n {
		t.Errorf("%d lines, want %d", len(lines), n)
	}
}

// counted counts the writes of the connections it accepts.
type counted struct {
	net.Listener
	n *atomic.Int32
}

type countedConn struct {
	net.Conn
	n *atomic.Int32
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countedConn{c, l.n}, err
}

func (c countedConn) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

// A small response is one write to the client; and a request is one read of the worker's.
func TestSmallResponseIsOneWrite(t *testing.T) {
	var writes atomic.Int32
	var reads []int
	f := serve(t, Options{}, func(p *peer) bool {
		reads = append(reads, p.Buffered())
		return p.ok(strings.Repeat("x", 1500))
	})
	server := http.Server{Handler: http.HandlerFunc(f.handle)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(counted{l, &writes})
	defer server.Close()
	for range 5 {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err := f.err(t); err != nil {
			t.Error(err)
		}
	}
	if n := writes.Load(); n != 5 {
		t.Errorf("%d writes for 5 responses", n)
	}
	if slices.ContainsFunc(reads, func(n int) bool { return n != fastcgi.HeaderLen }) {
		t.Errorf("bytes read with the params: %v, want the end of STDIN", reads)
	}
}
