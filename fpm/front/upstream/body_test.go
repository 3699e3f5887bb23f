package upstream

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// pattern is n bytes that are not all the same.
func pattern(n int64) io.Reader { return io.LimitReader(&counter{}, n) }

type counter struct{ n int }

// period is what a counter repeats, a few times: under the race detector, to reckon each byte takes a minute.
var period = func() (b [64<<10 + 256]byte) {
	for i := range len(b) - 1 {
		b[i+1] = b[i]*5 + 1
	}
	return b
}()

func (c *counter) Read(p []byte) (int, error) {
	n := copy(p, period[c.n:])
	c.n = (c.n + n) % 256
	return n, nil
}

// sum tells a body's length and checksum.
func sum(r io.Reader) string {
	h := crc32.NewIEEE()
	n, err := io.Copy(h, r)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %08x", n, h.Sum32())
}

// unsized hides a body's length from the client, which then sends it in chunks.
type unsized struct{ io.Reader }

func TestBodies(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		return p.ok(p.param("CONTENT_LENGTH") + " " + sum(readFunc(p.ReadBody)))
	})
	for _, n := range []int64{1, 10, 16 << 10, maxShort - 1, maxShort, maxShort + 1, maxFirst - 1, maxFirst, maxFirst + 1, 3 << 20} {
		want := fmt.Sprintf("%d %s", n, sum(pattern(n)))
		for _, sized := range []bool{true, false} {
			r, _ := http.NewRequest("POST", f.URL, unsized{pattern(n)})
			if sized {
				r.ContentLength = n
			}
			resp, err := f.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(got) != want {
				t.Errorf("%d bytes, sized %v: got %q, want %q", n, sized, got, want)
			}
			if err := f.err(t); err != nil {
				t.Error(err)
			}
		}
	}
}

// A worker that answers without the body: the client can read the answer, however much it has to send.
func TestWorkerDoesNotWantTheBody(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool { return p.ok("no, thanks") })
	for _, n := range []int64{10, maxFirst + 1, 20 << 20} {
		if status, got := post(t, f, "/", struct{ io.Reader }{pattern(n)}); status != 200 || got != "no, thanks" {
			t.Errorf("chunked, %d bytes: %d %q", n, status, got)
		}
		f.err(t)
		r, _ := http.NewRequest("POST", f.URL, unsized{pattern(n)})
		r.ContentLength = n
		resp, err := f.Client().Do(r)
		if err != nil {
			t.Errorf("%d bytes: %v", n, err)
			continue
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if n != maxFirst+1 && n > maxFirst != resp.Close {
			t.Errorf("%d bytes: the client's connection is to be closed: %v", n, resp.Close)
		}
		if err != nil || string(got) != "no, thanks" {
			t.Errorf("%d bytes: %v %q", n, err, got)
		}
		if err := f.err(t); err != nil {
			t.Error(err)
		}
	}
}

// talk opens a connection to the front and says something.
func talk(t *testing.T, f *front, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	io.WriteString(c, text)
	return c
}

// A client that goes away within its body: the worker must not take what came for the whole of it.
func TestClientLeavesWithinTheBody(t *testing.T) {
	ends := make(chan error, 1)
	f := serve(t, Options{}, func(p *peer) bool {
		_, err := io.Copy(io.Discard, readFunc(p.ReadBody))
		ends <- err
		return false
	})
	c := talk(t, f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 200000))
	time.Sleep(20 * time.Millisecond)
	c.Close()
	if err := f.err(t); !errors.Is(err, ErrClient) {
		t.Error(err)
	}
	if err := <-ends; err == nil {
		t.Error("the worker saw the body end as if it were whole")
	}
	if log := f.log.String(); log != "" {
		t.Errorf("log %q", log)
	}
}

// A client that sends a short body slowly, or none at all in the end, holds no worker.
func TestSlowSenderHoldsNoWorker(t *testing.T) {
	f := serve(t, Options{Pool: contract.FrontPool{Connections: 1}}, func(p *peer) bool { return p.ok(p.body()) })
	c := talk(t, f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
	time.Sleep(10 * time.Millisecond)
	if _, _, err := get(t, f, "/"); err != nil || f.err(t) != nil {
		t.Fatal("the only worker is held")
	}
	io.WriteString(c, "world")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "helloworld" {
		t.Errorf("%q", b)
	}
}

// "Expect: 100-continue" is answered when the body is wanted.
func TestExpectContinue(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool { return p.ok(p.body()) })
	c := talk(t, f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	io.WriteString(c, "hello")
	in.ReadString('\n')
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "hello" {
		t.Errorf("%q", b)
	}
}

// The response may come while the body is under way: both streams run side by side.
func TestBothWaysAtOnce(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		p.say("Content-Type: text/plain\r\n\r\n")
		buf := make([]byte, 8<<10)
		for {
			n, err := p.ReadBody(buf)
			p.Response().Write(buf[:n])
			p.Response().Flush()
			if err != nil {
				break
			}
		}
		return p.end()
	})
	const n = 4 << 20
	for _, proto := range []string{"1", "2"} {
		if proto == "2" {
			f = serve(t, Options{}, func(p *peer) bool { p.say("\r\n"); io.Copy(p.Response(), readFunc(p.ReadBody)); return p.end() }, true)
		}
		r, _ := http.NewRequest("POST", f.URL, unsized{pattern(n)})
		r.ContentLength = n
		resp, err := f.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sum(resp.Body), sum(pattern(n)); got != want {
			t.Errorf("HTTP/%s: got %s, want %s", proto, got, want)
		}
		resp.Body.Close()
		if err := f.err(t); err != nil {
			t.Error(err)
		}
	}
}

// While a client sends, a worker has nothing to say: that is not its silence.
func TestUploadIsNotSilence(t *testing.T) {
	const timeout, pieces = 500 * time.Millisecond, 10
	f := serve(t, Options{Limits: contract.FrontLimits{RequestTimeout: timeout}}, func(p *peer) bool {
		io.Copy(io.Discard, readFunc(p.ReadBody))
		return p.ok("got it")
	})
	for tries := 0; ; tries++ {
		c := talk(t, f, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", maxFirst+pieces, strings.Repeat("x", maxFirst)))
		slow := false // the test itself, on a busy machine
		for range pieces {
			began := time.Now()
			time.Sleep(timeout / 8)
			io.WriteString(c, "x")
			slow = slow || time.Since(began) > timeout/2
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		failed := f.err(t)
		if err == nil && resp.StatusCode == 200 && failed == nil {
			return
		}
		if !slow || tries == 20 {
			t.Fatalf("%v %v %v", resp, err, failed)
		}
	}
}

// A connection whose worker may have left a part of a long body unread carries no other request.
func TestLongBodyEndsItsConnection(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		p.say("\r\n%d", p.n)
		p.Response().End(0, fastcgi.RequestComplete)
		keep, _ := p.Finish()
		return keep
	})
	for _, c := range []struct {
		n    int64
		want string
	}{{maxCarried, "1"}, {maxCarried + 1, "1"}, {1, "2"}, {1, "2"}} {
		if _, got := post(t, f, "/", pattern(c.n)); got != c.want {
			t.Errorf("%d bytes went to connection %s, want %s", c.n, got, c.want)
		}
	}
}
