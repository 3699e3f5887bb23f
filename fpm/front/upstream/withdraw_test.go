package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// late is a pool whose worker accepts when the test does.
func late(t *testing.T, network string, timeout time.Duration) (f *front, accept func() net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/late"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f = serve(t, Options{Limits: contract.FrontLimits{QueueTimeout: timeout}, Pool: contract.FrontPool{Connections: 1},
		Dial: func(context.Context) (net.Conn, error) { return net.Dial(network, l.Addr().String()) }}, nil)
	return f, func() net.Conn {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(20 * time.Second))
		return c
	}
}

// A request that no worker reads is taken back after the queue's time: 503, and a worker that comes to read it sees that.
func TestUnreadRequestIsTakenBack(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for _, size := range []int{0, 1000, maxShort + 1, 1 << 20} {
			f, accept := late(t, network, 50*time.Millisecond)
			resp, err := f.Client().Post(f.URL, "text/plain", strings.NewReader(strings.Repeat("x", size)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := f.err(t); resp.StatusCode != 503 || !errors.Is(got, ErrBusy) {
				t.Errorf("%s, %d bytes: %d, %v", network, size, resp.StatusCode, got)
			}
			if d := f.pool.Demand(); d.Refused != 1 || d.Busy != 0 || d.Waiting != 0 || d.Most != 1 {
				t.Errorf("%s, %d bytes: %+v", network, size, d)
			}
			c := accept()
			if !endSeen(t, c) {
				t.Errorf("%s, %d bytes: the worker cannot see that the request was taken back", network, size)
			}
		}
	}
}

// endSeen reports whether a connection's peer is seen to send no more, before anything is read.
func endSeen(t *testing.T, c net.Conn) bool {
	t.Helper()
	file, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	polled := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLRDHUP}}
	n, _ := unix.Poll(polled, 10_000)
	return n == 1
}

// A request that a worker has read is its, however long it takes, and until then is counted among those that wait.
func TestReadRequestIsNotTakenBack(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for _, size := range []int{0, maxShort + 1} {
			t.Run(fmt.Sprint(network, size), func(t *testing.T) {
				t.Parallel()
				readLate(t, network, size)
			})
		}
	}
}

func readLate(t *testing.T, network string, size int) {
	const timeout = 2 * slice
	f, accept := late(t, network, timeout)
	go func() {
		c := accept()
		p := &peer{Conn: fastcgi.NewConn(fastcgi.Config{ReadBuffer: make([]byte, 16<<10), WriteBuffer: make([]byte, 8<<10)})}
		wait.Until(t, "the request is counted among those that wait", func() bool {
			d := f.pool.Demand()
			return d.Waiting == 1 && d.Busy == 0 && d.Longest > 0
		})
		p.Reset(c)
		if p.ReadRequest(&p.req) != nil {
			return
		}
		if p.req.TellRead {
			c.Write(fastcgi.Record{Type: fastcgi.TypeGetValuesResult}.AppendTo(nil))
		}
		time.Sleep(timeout)
		p.ok("late")
	}()
	resp, err := f.Client().Post(f.URL, "text/plain", strings.NewReader(strings.Repeat("x", size)))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if got := f.err(t); resp.StatusCode != 200 || string(body) != "late" || got != nil {
		t.Errorf("%d %q, %v", resp.StatusCode, body, got)
	}
	if d := f.pool.Demand(); d.Refused != 0 || d.Busy != 0 || d.Waiting != 0 {
		t.Errorf("%+v", d)
	}
}

// A worker that drops a request, since it was taken back while the worker read it, is not taken for one that died.
func TestDroppedRequestIsBusy(t *testing.T) {
	c := &conn{ctx: t.Context(), back: true}
	if err := c.gone(io.EOF); !errors.Is(err, ErrBusy) || errors.Is(err, ErrGone) {
		t.Error(err)
	}
}
