package upstream

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Clients that send long bodies slowly must leave workers for the others, and their requests be answered when all is
// there.
func TestSlowSendersHoldHalfOfTheWorkers(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		sum := 0
		for b := make([]byte, 4096); ; {
			n, err := p.ReadBody(b)
			sum += n
			if n == 0 || err != nil {
				return p.ok(fmt.Sprint(sum))
			}
		}
	})
	const length = 100_000
	slow := make([]net.Conn, 3*f.pool.Pool.Connections)
	for i := range slow {
		conn, err := net.Dial("tcp", f.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", length, strings.Repeat("x", length-1))
		slow[i] = conn
	}
	want := f.pool.Pool.Connections / 2
	wait.Succeeds(t, "the slow bodies", func() error {
		f.pool.mu.Lock()
		coming, taken := f.pool.coming, f.pool.taken
		f.pool.mu.Unlock()
		if coming != want || taken != want {
			return fmt.Errorf("%d bodies come, %d workers are taken, want %d", coming, taken, want)
		}
		return nil
	})
	if resp, body, err := get(t, f, "/"); err != nil || resp.StatusCode != 200 || body != "0" {
		t.Errorf("beside slow senders: %v, %v, %q", err, resp, body)
	}
	for _, conn := range slow {
		io.WriteString(conn, "x")
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") || !strings.HasSuffix(string(answer), "\r\n\r\n"+fmt.Sprint(length)) {
			t.Errorf("a slow sender got %v, %q", err, answer)
		}
	}
	f.pool.mu.Lock()
	defer f.pool.mu.Unlock()
	if f.pool.coming != 0 {
		t.Errorf("%d bodies are still said to come", f.pool.coming)
	}
}

// A body comes whole, whatever its length is beside the sizes of buffers, and told or not.
func TestBodiesOfAllLengths(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		sum := sha256.New()
		for b := make([]byte, 4096); ; {
			n, err := p.ReadBody(b)
			sum.Write(b[:n])
			if n == 0 || err != nil {
				return p.ok(fmt.Sprintf("%s %x", p.param("CONTENT_LENGTH"), sum.Sum(nil)))
			}
		}
	})
	text := make([]byte, 2*maxFirst)
	for i := range text {
		text[i] = byte(i * i >> 3)
	}
	for _, n := range []int{1, maxLittle - 1, maxLittle, maxLittle + 1, maxShort, maxShort + 1, maxFirst - 1, maxFirst, maxFirst + 1, 2 * maxFirst} {
		for _, told := range []bool{true, false} {
			var body io.Reader = bytes.NewReader(text[:n])
			if !told {
				body = io.MultiReader(body)
			}
			resp, err := f.Client().Post(f.URL, "application/octet-stream", body)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if want := fmt.Sprintf("%d %x", n, sha256.Sum256(text[:n])); string(got) != want {
				t.Errorf("%d bytes, told %v: got %q, want %q", n, told, got, want)
			}
		}
	}
}

// A client that is slow from the beginning holds no worker, though there is room to stream; without a file, it is streamed as before.
func TestSlowStartHoldsNoWorker(t *testing.T) {
	const length = 200_000
	for _, full := range []bool{false, true} {
		f := serve(t, Options{}, func(p *peer) bool { return p.ok(sum(readFunc(p.ReadBody))) })
		f.pool.brisk = 0
		want := 0
		if full {
			want, f.pool.spool = 1, func() (*os.File, error) { return nil, unix.EROFS }
		}
		body := make([]byte, length)
		io.ReadFull(pattern(length), body)
		c := talk(t, f, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", length, body[:length-1]))
		if full {
			wait.Until(t, "a worker for it", func() bool { taken, _ := f.places(); return taken == 1 })
		} else {
			wait.Until(t, "a file", func() bool { return spooled() == length-1-maxFirst })
		}
		if taken, _ := f.places(); taken != want {
			t.Errorf("no room for a file: %v: %d workers are taken", full, taken)
		}
		c.Write(body[length-1:])
		answer, _ := io.ReadAll(c)
		if want := sum(pattern(length)); !strings.HasSuffix(string(answer), "\r\n\r\n"+want) {
			t.Errorf("got %q, want %q", answer, want)
		}
	}
}

// A client whose writes end just when the timer takes them for slow: the response is whole, no matter which of the two continued with it.
// What both touch is for the race detector to find.
func TestTimerMeetsTheEndOfWrites(t *testing.T) {
	f := serve(t, Options{Limits: spooling}, func(p *peer) bool {
		p.say("\r\n")
		io.Copy(p.Response(), pattern(8<<20))
		return p.end()
	})
	f.pool.interval = 100 * time.Microsecond
	for range 10 {
		resp, err := f.Client().Get(f.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sum(resp.Body), sum(pattern(8<<20)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		resp.Body.Close()
	}
}
