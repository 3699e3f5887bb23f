package front

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// short is a time-out that a test waits for.
const short = 150 * time.Millisecond

func TestSlowHeadsEndTheConnection(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Limits.HeaderTimeout = short
	f := start(t, o)
	silent, slow := f.dial(t), f.dial(t)
	slow.Write([]byte("GET /a.txt HTTP/1.1\r\nHost: a\r\nX-A: "))
	silent.ends()
	slow.ends()
}

func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Limits.IdleTimeout = short
	f := start(t, o)
	c := f.dial(t)
	if got := c.ask("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
	c.ends()
}

func TestLongHeadsAreRefused(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Limits.HeaderBytes = 8 << 10
	f := start(t, o)
	// net/http does not count the 14 bytes of a connection in which it looks for HTTP/2
	for size, want := range map[int]int{8000: 200, 8 << 10: 200, 8<<10 + 16: 431, 9000: 431, 12000: 431, 20000: 431} {
		head := "GET /a.txt HTTP/1.1\r\nHost: a\r\nX-A: "
		head += strings.Repeat("x", size-len(head)-4) + "\r\n\r\n"
		if got := f.dial(t).ask(head); got.StatusCode != want {
			t.Errorf("a head of %d bytes: got %d, want %d", size, got.StatusCode, want)
		}
	}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: patience}
	defer client.CloseIdleConnections()
	request, _ := http.NewRequest("GET", "http://"+f.addresses[0]+"/a.txt", nil)
	request.Header.Set("X-A", strings.Repeat("x", 8000))
	got, err := client.Do(request)
	if err != nil {
		t.Fatalf("a head of 8,000 bytes over HTTP/2: %v", err)
	}
	got.Body.Close()
	if got.StatusCode != 200 {
		t.Errorf("a head of 8,000 bytes over HTTP/2: got %d, want 200", got.StatusCode)
	}
}

// A worker takes 4,096 meta-variables, and closes the connection of a request with more: the client got 502, and the
// operator a warning, for each.
func TestMoreHeadersThanAWorkerTakesAreRefused(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	o.Limits.HeaderBytes = 4 << 20
	f := start(t, o)
	many := func(n int) (all []string) {
		for i := range n {
			all = append(all, "X"+strconv.Itoa(i)+":")
		}
		return all
	}
	for _, c := range []struct {
		headers []string
		status  int
	}{{many(4000), 200}, {many(4090), 431}, {[]string{"X: " + strings.Repeat("x", 800_000)}, 200}, {[]string{"X: " + strings.Repeat("x", 1_100_000)}, 431}} {
		if got := f.get(t, "/index.php", c.headers...); got.StatusCode != c.status {
			t.Errorf("%d headers, the first of %d bytes: %d, want %d", len(c.headers), len(c.headers[0]), got.StatusCode, c.status)
		}
	}
	if said := f.said.String(); said != "" {
		t.Errorf("logged %s", said)
	}
}

func TestLargeBodiesAreRefused(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	o.Pools[0].BodyBytes = 10
	f := start(t, o)
	for body, status := range map[string]int{
		"Content-Length: 10\r\n\r\n0123456789":                                     200,
		"Content-Length: 11\r\n\r\n0123456789a":                                    413,
		"Content-Length: 99999999999999\r\n\r\n":                                   413,
		"Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n":  200,
		"Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n": 413,
	} {
		c := f.dial(t)
		got := c.ask("POST / HTTP/1.1\r\nHost: a\r\n" + body)
		if got.StatusCode != status || status == 200 && !strings.Contains(got.body, "BODY=10\n") {
			t.Errorf("%q: got %d %s, want %d", body, got.StatusCode, got.body, status)
		}
		if status == 413 {
			c.ends()
		}
	}
}

// A client that stops sending is told so; one that keeps sending may take longer than the time-out in all.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	o.Limits.BodyTimeout = 2 * time.Second
	f := start(t, o)
	c := f.dial(t)
	begun := time.Now()
	got := c.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
	if got.StatusCode != 408 || time.Since(begun) < o.Limits.BodyTimeout {
		t.Errorf("half a body: %d after %v", got.StatusCode, time.Since(begun))
	}
	steady := f.dial(t)
	steady.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"))
	for _, b := range "0123456789" {
		time.Sleep(o.Limits.BodyTimeout / 8)
		steady.Write([]byte(string(b)))
	}
	if got := steady.read("POST"); got.StatusCode != 200 || !strings.Contains(got.body, "BODY=10\n") {
		t.Errorf("a slow body: %d %s", got.StatusCode, got.body)
	}
}

// The time-out of a body's reads must not end a script that takes its time when it has the body.
func TestScriptsMayTakeLongerThanTheirBodies(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		time.Sleep(3 * short)
		return echo(w)
	})
	o.Limits.BodyTimeout = short
	f := start(t, o)
	c := f.dial(t)
	for range 2 {
		if got := c.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n01"); got.StatusCode != 200 || !strings.Contains(got.body, "BODY=2\n") {
			t.Errorf("got %d %s", got.StatusCode, got.body)
		}
	}
}

// hugeFile makes a file that no socket's buffers hold.
func hugeFile(t *testing.T, name string, size int64) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

func TestClientsThatDoNotReadAreLeft(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		w.Response().Write([]byte("Content-Type: text/plain\r\n\r\n"))
		for range 32 << 10 {
			if _, err := w.Response().Write(make([]byte, 1<<10)); err != nil {
				return false
			}
		}
		return w.say("")
	})
	hugeFile(t, o.Sites[0].Root+"/huge.txt", 32<<20)
	o.Limits.BodyTimeout = short
	f := start(t, o)
	for _, path := range []string{"/huge.txt", "/"} {
		c := f.dial(t)
		c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"))
		wait.Until(t, "the line for "+path, func() bool { return strings.Contains(files.Read(t, f.accessed), "GET "+path+" ") })
		if logged := files.Read(t, f.accessed); strings.Contains(logged, " 33554432 ") {
			t.Errorf("%s: all of it was sent: %s", path, logged)
		}
	}
}

// A client that reads slowly gets everything, however long it takes in all.
func TestClientsThatReadSlowlyAreServed(t *testing.T) {
	t.Parallel()
	o := orders(t, nil, nil)
	const size = 8 << 20
	hugeFile(t, o.Sites[0].Root+"/huge.txt", size)
	o.Limits.BodyTimeout = 2 * time.Second
	f := start(t, o)
	c := f.dial(t)
	c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	c.Write([]byte("GET /huge.txt HTTP/1.0\r\n\r\n"))
	begun, got := time.Now(), 0
	for buf := make([]byte, size/16); ; time.Sleep(o.Limits.BodyTimeout / 12) {
		n, err := io.ReadFull(c, buf)
		got += n
		if err == io.ErrUnexpectedEOF && got > size {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes and %v: %v", got, time.Since(begun), err)
		}
	}
	if time.Since(begun) < o.Limits.BodyTimeout {
		t.Errorf("the test took only %v", time.Since(begun))
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Limits.Connections = 3
	f := start(t, o)
	var busy []*rawClient
	for range 3 {
		c := f.dial(t)
		c.Write([]byte("GET /a.txt HTTP/1.1\r\n"))
		busy = append(busy, c)
	}
	wait.Until(t, "three connections", func() bool {
		f.connections.mu.Lock()
		defer f.connections.mu.Unlock()
		return len(f.connections.open) == 3
	})
	waiting := f.dial(t)
	waiting.Write([]byte("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"))
	waiting.SetReadDeadline(time.Now().Add(short))
	if _, err := waiting.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the fourth got %v", err)
	}
	waiting.SetDeadline(time.Now().Add(patience))
	// One that is answered becomes idle, and gives way.
	if got := busy[0].ask("Host: a\r\n\r\n"); got.body != "a" {
		t.Errorf("the first got %q", got.body)
	}
	if got := waiting.read("GET"); got.body != "a" {
		t.Errorf("the fourth got %q", got.body)
	}
	busy[0].ends()
}
