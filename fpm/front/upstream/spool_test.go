package upstream

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// long is a response that no buffers hold.
const long = 20 << 20

// spooling are the limits under which a front spools.
var spooling = contract.FrontLimits{SpoolBytes: 1 << 30}

// spooled is how much stands in spools; -1: there is no spool.
func spooled() (sum int64) {
	sum = -1
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		name := "/proc/self/fd/" + fd.Name()
		if to, _ := os.Readlink(name); strings.Contains(to, "phpsapi-spool-") {
			if info, err := os.Stat(name); err == nil {
				sum = max(sum, 0) + info.Size()
			}
		}
	}
	return sum
}

// places is how many of the pool's are taken, and how many connections wait for a request.
func (f *front) places() (taken, idle int) {
	f.pool.mu.Lock()
	defer f.pool.mu.Unlock()
	return f.pool.taken, len(f.pool.idle)
}

// ask asks for a page and reads its head.
func (f *front) ask(t *testing.T, protocol string) *http.Response {
	t.Helper()
	if protocol == "HTTP/2.0" {
		resp, err := f.Client().Get(f.URL)
		if err != nil || resp.Proto != protocol {
			t.Fatal(err, resp)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	c := talk(t, f, "GET / "+protocol+"\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{resp.Body, c}
	return resp
}

// A client that reads nothing: the worker is done all the same, and everything is there for the client when it reads.
func TestSlowReadersHoldNoWorkers(t *testing.T) {
	for _, c := range []struct {
		protocol, head string
		h2             []bool
	}{
		{protocol: "HTTP/1.1"},
		{protocol: "HTTP/1.1", head: fmt.Sprintf("Content-Length: %d\r\n", long)},
		{protocol: "HTTP/1.0"},
		{protocol: "HTTP/2.0", h2: []bool{true}},
	} {
		f := serve(t, Options{Limits: spooling, Pool: contract.FrontPool{Connections: 1}}, func(p *peer) bool {
			p.say("%s\r\n", c.head)
			if _, err := io.Copy(p.Response(), pattern(long)); err != nil {
				t.Error(err)
			}
			p.Response().WriteStderr([]byte("PHP message: done"))
			return p.end()
		}, c.h2...)
		var slow []*http.Response
		for i := range 2 { // each needs the only worker, and gets its one connection
			slow = append(slow, f.ask(t, c.protocol))
			wait.Until(t, "the worker's end", func() bool { taken, idle := f.places(); return taken == 0 && idle == 1 })
			if n := strings.Count(f.log.String(), "PHP message: done"); n != i+1 {
				t.Errorf("%s: logged %d times of %d", c.protocol, n, i+1)
			}
		}
		for _, resp := range slow {
			if got, want := sum(resp.Body), sum(pattern(long)); got != want {
				t.Errorf("%s: got %s, want %s", c.protocol, got, want)
			}
			resp.Body.Close()
			if err := f.err(t); err != nil {
				t.Error(err)
			}
		}
		if n := spooled(); n >= 0 {
			t.Errorf("%s: a file with %d bytes is left", c.protocol, n)
		}
	}
}

// A client that is slow, then takes each event as it comes, then is slow again.
func TestSlowThenFastThenSlow(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) { slowFastSlow(t, protocol) })
	}
}

func slowFastSlow(t *testing.T, protocol string) {
	const part, events = 16 << 20, 5
	written, next := make(chan bool), make(chan bool)
	var h2 []bool
	if protocol == "HTTP/2.0" {
		h2 = []bool{true}
	}
	f := serve(t, Options{Limits: spooling}, func(p *peer) bool {
		p.say("\r\n")
		io.Copy(p.Response(), pattern(part))
		p.Response().Flush()
		written <- true
		for i := range events {
			<-next
			p.say("event %d\n", i)
			p.Response().Flush()
		}
		<-next
		io.Copy(p.Response(), pattern(part))
		return p.end()
	}, h2...)
	resp := f.ask(t, protocol)
	<-written
	if n := spooled(); n <= 0 {
		t.Errorf("%d bytes are spooled", n)
	}
	in := bufio.NewReader(resp.Body)
	if got, want := sum(io.LimitReader(in, part)), sum(pattern(part)); got != want {
		t.Errorf("the first part: got %s, want %s", got, want)
	}
	for i := range events {
		next <- true
		if line, err := in.ReadString('\n'); line != fmt.Sprintf("event %d\n", i) {
			t.Fatalf("%v %q", err, line)
		}
	}
	if n := spooled(); n != 0 { // it was given back with the first event
		t.Errorf("%d bytes are spooled for a client that keeps up", n)
	}
	next <- true
	wait.Until(t, "the worker's end", func() bool { taken, _ := f.places(); return taken == 0 })
	if got, want := sum(in), sum(pattern(part)); got != want {
		t.Errorf("the last part: got %s, want %s", got, want)
	}
	if err := f.err(t); err != nil {
		t.Error(err)
	}
}

// Beyond the limit, and where no file can be had, the worker waits for the client, and nothing is lost.
func TestSpoolsEnd(t *testing.T) {
	const limit = 1 << 20
	for _, c := range []struct {
		name   string
		limits contract.FrontLimits
		file   func() (*os.File, error)
		log    int
	}{
		{name: "limit", limits: contract.FrontLimits{SpoolBytes: limit}, file: NamelessFile},
		{name: "none", limits: contract.FrontLimits{}, file: func() (*os.File, error) { t.Error("a file is made"); return nil, os.ErrInvalid }},
		{name: "no file", limits: spooling, file: func() (*os.File, error) { return nil, unix.EROFS }, log: 1},
		{name: "disk full", limits: spooling, file: full, log: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := make(chan bool)
			f := serve(t, Options{Limits: c.limits}, func(p *peer) bool {
				p.say("\r\n")
				io.Copy(p.Response(), pattern(long))
				close(done)
				return p.end()
			})
			f.pool.spool = c.file
			resp := f.ask(t, "HTTP/1.1")
			const message = "a slow client holds the worker"
			switch {
			case c.log > 0:
				wait.Until(t, "the message", func() bool { return strings.Contains(f.log.String(), message) })
			case c.limits.SpoolBytes > 0:
				wait.Until(t, "a full spool", func() bool { return spooled() > limit-64<<10 })
			default:
				time.Sleep(3 * interval)
			}
			select {
			case <-done:
				t.Error("the worker is done")
			default:
			}
			if n := spooled(); n > limit {
				t.Errorf("%d bytes are spooled", n)
			}
			if got, want := sum(resp.Body), sum(pattern(long)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			resp.Body.Close()
			if err := f.err(t); err != nil {
				t.Error(err)
			}
			if n := strings.Count(f.log.String(), message); n != c.log {
				t.Errorf("log %q", f.log)
			}
		})
	}
}

// full is a file on a disk that has room for a part of a response.
func full() (*os.File, error) {
	fd, err := unix.MemfdCreate("phpsapi-spool-", unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	if err := unix.Ftruncate(fd, 300_000); err != nil {
		return nil, err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW)
	return os.NewFile(uintptr(fd), "full"), err
}

// A client that goes away ends the connection to a worker that still has something to say.
func TestSlowClientLeaves(t *testing.T) {
	for _, limit := range []int64{1 << 20, 1 << 30} {
		gone := make(chan error, 1)
		f := serve(t, Options{Limits: contract.FrontLimits{SpoolBytes: limit}}, func(p *peer) bool {
			p.say("\r\n")
			_, err := io.Copy(p.Response(), pattern(20<<20))
			if limit > 20<<20 { // all is in the spool, and the worker waits
				p.Response().Flush()
				_, err = p.socket.Read(make([]byte, 1))
			}
			gone <- err
			return false
		})
		resp := f.ask(t, "HTTP/1.1")
		wait.Until(t, "a spool", func() bool { return spooled() > limit/2 || spooled() > 8<<20 })
		resp.Body.Close()
		select {
		case err := <-gone:
			if err == nil {
				t.Error("the worker could continue")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the worker was not told")
		}
		if err := f.err(t); err == nil || f.log.String() != "" {
			t.Errorf("%v, log %q", err, f.log)
		}
		wait.Until(t, "the place", func() bool { taken, _ := f.places(); return taken == 0 })
		if n := spooled(); n >= 0 {
			t.Errorf("a file with %d bytes is left", n)
		}
	}
}

// A worker that ends within its response: the client gets what there was, and sees that it is not all.
func TestWorkerEndsWithinASpooledResponse(t *testing.T) {
	ended := make(chan bool)
	f := serve(t, Options{Limits: spooling}, func(p *peer) bool {
		p.say("\r\n")
		io.Copy(p.Response(), pattern(long))
		p.Response().Flush()
		close(ended)
		return false
	})
	resp := f.ask(t, "HTTP/1.1")
	<-ended
	if n, err := io.Copy(io.Discard, resp.Body); err != io.ErrUnexpectedEOF || n != long {
		t.Errorf("%d bytes and %v", n, err)
	}
	if err := f.err(t); err == nil || !strings.Contains(f.log.String(), "it ended within the response") {
		t.Errorf("%v, log %q", err, f.log)
	}
}

// stuck is a client whose first write, or flush, lasts until the test says so.
type stuck struct {
	*httptest.ResponseRecorder
	write, flush bool
	fail         error // of the write, then
	goOn         chan bool
}

func (s *stuck) Write(b []byte) (int, error) {
	if s.write {
		if <-s.goOn; s.fail != nil {
			return 0, s.fail
		}
	}
	return s.ResponseRecorder.Write(b)
}

func (s *stuck) FlushError() error {
	if s.flush {
		<-s.goOn
	}
	s.ResponseRecorder.Flush()
	return nil
}

// A response that is there at once, and one that is flushed, must not hold a place either.
func TestStuckWritesOfLittle(t *testing.T) {
	for _, s := range []*stuck{{write: true}, {flush: true}} {
		f := serve(t, Options{Limits: spooling, Pool: contract.FrontPool{Connections: 1}}, func(p *peer) bool {
			p.say("\r\none ")
			if s.flush {
				p.Response().Flush()
				time.Sleep(10 * time.Millisecond)
			}
			p.say("two")
			return p.end()
		})
		s.ResponseRecorder, s.goOn = httptest.NewRecorder(), make(chan bool)
		answered := make(chan error)
		go func() {
			answered <- f.pool.Serve(s, &Request{HTTP: httptest.NewRequest("GET", "/", nil), ID: "id-1"}, nil)
		}()
		wait.Until(t, "the place", func() bool { taken, idle := f.places(); return taken == 0 && idle == 1 })
		if _, body, err := get(t, f, "/"); err != nil || body != "one two" {
			t.Errorf("beside it: %v %q", err, body)
		}
		close(s.goOn)
		if err := <-answered; err != nil || s.Body.String() != "one two" {
			t.Errorf("%v %q", err, s.Body)
		}
	}
}

// A client that is cut off, for it read nothing for too long, ends the connection to a worker that is silent.
func TestSlowClientIsCutOff(t *testing.T) {
	gone := make(chan error)
	f := serve(t, Options{Limits: spooling}, func(p *peer) bool {
		p.say("\r\n")
		io.Copy(p.Response(), pattern(1<<20))
		p.Response().Flush()
		_, err := p.socket.Read(make([]byte, 1))
		gone <- err
		return false
	})
	s := &stuck{ResponseRecorder: httptest.NewRecorder(), write: true, fail: os.ErrDeadlineExceeded, goOn: make(chan bool)}
	f.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f.handle(s, r) })
	go f.Client().Get(f.URL)
	wait.Until(t, "a spool", func() bool { return spooled() > 512<<10 })
	close(s.goOn)
	select {
	case err := <-gone:
		if err == nil {
			t.Error("the worker got more of a request")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the worker was not told")
	}
	if err := f.err(t); err == nil || f.log.String() != "" {
		t.Errorf("%v, log %q", err, f.log)
	}
}

// Only a client that takes little from one look to the next, and is in a write at both, is slow.
func TestSlow(t *testing.T) {
	const at = 5 << 20
	for _, c := range []struct {
		seen, now uint64
		slow      bool
	}{
		{0, at<<1 | writing, false},
		{at << 1, at<<1 | writing, false},
		{at<<1 | writing, at << 1, false},
		{at<<1 | writing, at<<1 | writing, true},
		{at<<1 | writing, (at+slowBytes-1)<<1 | writing, true},
		{at<<1 | writing, (at+slowBytes)<<1 | writing, false},
		{at<<1 | writing, taken, false},
	} {
		if a := (&answer{seen: c.seen}); a.slow(c.now) != c.slow {
			t.Errorf("%x, then %x: slow is %v", c.seen, c.now, !c.slow)
		}
	}
}
