package upstream

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// post sends a body and gives status and answer.
func post(t *testing.T, f *front, path string, body io.Reader) (int, string) {
	t.Helper()
	resp, err := f.Client().Post(f.URL+path, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (p *peer) body() string {
	b, _ := io.ReadAll(readFunc(p.ReadBody))
	return string(b)
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A kept connection that its worker closes between two requests costs none of them, whatever the method.
func TestKeptConnectionIsClosed(t *testing.T) {
	closed := make(chan bool)
	f := serve(t, Options{}, func(p *peer) bool {
		p.ok(p.param("REQUEST_METHOD") + p.body())
		p.socket.Close()
		closed <- true
		return false
	})
	for range 20 {
		if status, got := post(t, f, "/", strings.NewReader("data")); status != 200 || got != "POSTdata" {
			t.Fatalf("%d %q", status, got)
		}
		<-closed
		if _, got, err := get(t, f, "/"); err != nil || got != "GET" {
			t.Fatalf("%v %q", err, got)
		}
		<-closed
		if err := errors.Join(f.err(t), f.err(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// dying is a front whose kept connection dies with its second request: read reports whether the worker has read that.
func dying(t *testing.T, read bool) (f *front, begun *atomic.Int32) {
	begun = new(atomic.Int32)
	return serve(t, Options{}, func(p *peer) bool {
		if begun.Add(1); begun.Load() == 2 && read {
			return false
		}
		p.Response().Write([]byte("\r\nok"))
		p.Response().End(0, fastcgi.RequestComplete)
		if p.n == 1 && !read {
			// The next request comes and is not read.
			raw, _ := p.socket.SyscallConn()
			raw.Read(func(fd uintptr) bool { return readable(fd) })
			return false
		}
		keep, _ := p.Finish()
		return keep
	}), begun
}

// A worker that was killed before it read the request has done nothing; one that read it may have.
func TestOnlyWhatNobodyReadIsSentAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		read   bool
		method string
		status int
		begun  int32
	}{
		{"GET, not read", false, "GET", 200, 2},
		{"DELETE, not read", false, "DELETE", 200, 2},
		{"GET, read", true, "GET", 502, 2},
		{"POST, not read", false, "POST", 502, 1},
		{"POST, read", true, "POST", 502, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, begun := dying(t, c.read)
			if _, body, err := get(t, f, "/"); err != nil || body != "ok" {
				t.Fatalf("%v %q", err, body)
			}
			r, _ := http.NewRequest(c.method, f.URL, nil)
			resp, err := f.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.status || begun.Load() != c.begun {
				t.Errorf("status %d, %d requests begun, want %d and %d", resp.StatusCode, begun.Load(), c.status, c.begun)
			}
		})
	}
}

// readable says that there is something to read.
func readable(fd uintptr) bool {
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	return err != nil || n > 0
}
