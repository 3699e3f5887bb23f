package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// peer is one connection of a worker of the test's: it reads requests, and answers as the test says.
type peer struct {
	*fastcgi.Conn
	socket *net.UnixConn
	req    fastcgi.Request
	n      int // of the connection, from 1
}

func (p *peer) param(name string) string { return string(p.req.Params.Get(name)) }

// say puts text on STDOUT.
func (p *peer) say(format string, args ...any) { fmt.Fprintf(p.Response(), format, args...) }

// end ends the response. The result is that of what a test says: whether another request may come.
func (p *peer) end() bool {
	p.Response().End(0, fastcgi.RequestComplete)
	keep, _ := p.Finish()
	return keep
}

func (p *peer) ok(body string) bool {
	p.say("Content-Type: text/plain\r\n\r\n%s", body)
	return p.end()
}

// raw writes bytes that need not be FastCGI.
func (p *peer) raw(b []byte) {
	p.Response().Flush()
	p.socket.Write(b)
}

// left waits until the front has left the connection.
func (p *peer) left() { io.Copy(io.Discard, p.socket) }

// lines are what the pool logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(level zlog.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, "%v: %s\n", level, text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// front is a pool with workers of the test's, and a server before it.
type front struct {
	*httptest.Server
	pool *Pool
	log  *lines
	errs chan error // of Serve, one for each request
	sock string
	stop func()
}

// serve starts a front. worker is called for each request; false ends its connection.
func serve(t *testing.T, o Options, worker func(p *peer) bool, h2 ...bool) *front {
	t.Helper()
	dir, err := os.MkdirTemp("", "upstream")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := &front{log: &lines{}, errs: make(chan error, 1000), sock: filepath.Join(dir, "s")}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: f.sock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f.stop = func() { l.Close() }
	go accept(l, worker)
	o.Pool.Name, o.Pool.Network, o.Pool.Address, o.Log = "www", "unix", f.sock, f.log.add
	if o.Pool.Connections == 0 {
		o.Pool.Connections = 4
	}
	f.pool = New(o)
	f.pool.brisk = time.Minute // whatever else the machine has to do
	t.Cleanup(f.pool.Close)
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(f.handle))
	if len(h2) > 0 {
		f.EnableHTTP2 = true
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Server.Close)
	f.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return f
}

func accept(l *net.UnixListener, worker func(p *peer) bool) {
	for n := 1; ; n++ {
		socket, err := l.AcceptUnix()
		if err != nil {
			return
		}
		go func() {
			defer socket.Close()
			p := &peer{Conn: fastcgi.NewConn(fastcgi.Config{ReadBuffer: make([]byte, 16<<10), WriteBuffer: make([]byte, 8<<10)}),
				socket: socket, n: n}
			p.Reset(socket)
			for p.ReadRequest(&p.req) == nil && worker(p) {
			}
		}()
	}
}

// handle answers as a front does.
func (f *front) handle(w http.ResponseWriter, h *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			f.errs <- fmt.Errorf("panic: %v", v)
			panic(v)
		}
	}()
	r := &Request{HTTP: h, ID: "id-1", Script: site.Script{DocumentRoot: "/srv", Filename: "/srv/a.php", Name: "/a.php"},
		RemoteAddr: netip.MustParseAddrPort(h.RemoteAddr)}
	var sendfile Sendfile
	if h.URL.Query().Has("sendfile") {
		sendfile = func(w http.ResponseWriter, _ *http.Request, status int, kind, path string) {
			fmt.Fprintf(w, "%d %s %s", status, kind, path)
		}
	}
	err := f.pool.Serve(w, r, sendfile)
	if err != nil {
		http.Error(w, err.Error(), status(err))
	}
	f.errs <- err
}

// err is what the next Serve returned.
func (f *front) err(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f.errs:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Serve did not return")
		return nil
	}
}

// status is what a front makes of an error.
func status(err error) int {
	switch {
	case errors.Is(err, ErrBusy):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrTimeout):
		return http.StatusGatewayTimeout
	case errors.Is(err, ErrGone), errors.Is(err, ErrAnswer):
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}
