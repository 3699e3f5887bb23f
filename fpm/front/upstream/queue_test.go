package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// busy is a front whose only worker answers when the test says so.
func busy(t *testing.T, limits contract.FrontLimits) (f *front, answer chan struct{}) {
	answer = make(chan struct{}, 10)
	f = serve(t, Options{Limits: limits, Pool: contract.FrontPool{Connections: 1}}, func(p *peer) bool {
		<-answer
		return p.ok(p.param("QUERY_STRING"))
	})
	return f, answer
}

// queued waits until so many requests are in the queue.
func (f *front) queued(t *testing.T, n int) {
	t.Helper()
	wait.Until(t, fmt.Sprintf("%d requests in the queue", n), func() bool {
		f.pool.mu.Lock()
		defer f.pool.mu.Unlock()
		return len(f.pool.queue) == n && f.pool.taken == 1
	})
}

func TestQueueIsFirstInFirstOut(t *testing.T) {
	f, answer := busy(t, contract.FrontLimits{})
	var mu sync.Mutex
	var order []string
	var wg sync.WaitGroup
	for i, q := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			_, body, _ := get(t, f, "/?"+q)
			mu.Lock()
			order = append(order, body)
			mu.Unlock()
			answer <- struct{}{}
		})
		f.queued(t, i)
	}
	answer <- struct{}{}
	wg.Wait()
	if got := strings.Join(order, ""); got != "abcd" {
		t.Errorf("answered in the order %q", got)
	}
}

func TestQueueIsBounded(t *testing.T) {
	f, answer := busy(t, contract.FrontLimits{Queue: 2})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { get(t, f, "/") })
		f.queued(t, i)
	}
	resp, _, err := get(t, f, "/")
	if got := f.err(t); err != nil || resp.StatusCode != 503 || !errors.Is(got, ErrBusy) {
		t.Errorf("%v %v %v", err, resp, got)
	}
	if log := f.log.String(); !strings.Contains(log, "seems busy") || !strings.Contains(log, "2 requests wait already") {
		t.Errorf("log %q", log)
	}
	close(answer)
	wg.Wait()
	for range 3 {
		if err := f.err(t); err != nil {
			t.Error(err)
		}
	}
}

func TestQueueHasADeadline(t *testing.T) {
	f, answer := busy(t, contract.FrontLimits{QueueTimeout: 50 * time.Millisecond})
	var wg sync.WaitGroup
	wg.Go(func() { get(t, f, "/") })
	f.queued(t, 0)
	resp, _, err := get(t, f, "/")
	if got := f.err(t); err != nil || resp.StatusCode != 503 || !errors.Is(got, ErrBusy) {
		t.Errorf("%v %v %v", err, resp, got)
	}
	f.queued(t, 0)
	close(answer)
	wg.Wait()
}

// A client that goes away leaves the queue, and its place is not lost when its turn comes at the same moment.
func TestClientLeavesTheQueue(t *testing.T) {
	f, answer := busy(t, contract.FrontLimits{})
	var wg sync.WaitGroup
	wg.Go(func() { get(t, f, "/") })
	f.queued(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		r, _ := http.NewRequestWithContext(ctx, "GET", f.URL, nil)
		if resp, err := f.Client().Do(r); err == nil {
			resp.Body.Close()
		}
	})
	f.queued(t, 1)
	cancel()
	if err := f.err(t); !errors.Is(err, ErrClient) {
		t.Error(err)
	}
	f.queued(t, 0)
	close(answer)
	wg.Wait()
	if _, body, err := get(t, f, "/?next"); err != nil || body != "next" {
		t.Errorf("%v %q", err, body)
	}
	if log := f.log.String(); log != "" {
		t.Errorf("log %q", log)
	}
}

func TestNoMoreConnectionsThanPlaces(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	f := serve(t, Options{Pool: contract.FrontPool{Connections: 3}}, func(p *peer) bool {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		return p.ok("x")
	})
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			for range 10 {
				if _, body, err := get(t, f, "/"); err != nil || body != "x" {
					t.Errorf("%v %q", err, body)
				}
			}
		})
	}
	wg.Wait()
	if most > 3 {
		t.Errorf("%d requests at once", most)
	}
	f.pool.mu.Lock()
	defer f.pool.mu.Unlock()
	if f.pool.taken != 0 || len(f.pool.idle) > 3 {
		t.Errorf("%d places are taken, %d connections idle", f.pool.taken, len(f.pool.idle))
	}
}

// A client that leaves while a connection is made, its first or one in place of a kept one that was closed, has no worker
// to complain of.
func TestClientLeavesWhileConnecting(t *testing.T) {
	for _, served := range []int32{0, 1} {
		var dials atomic.Int32
		dialing := make(chan bool)
		var f *front
		f = serve(t, Options{Dial: func(ctx context.Context) (net.Conn, error) {
			if dials.Add(1) <= served {
				return net.Dial("unix", f.sock)
			}
			close(dialing)
			<-ctx.Done()
			return nil, ctx.Err()
		}}, func(p *peer) bool { p.ok("x"); return false })
		for range served {
			get(t, f, "/")
			f.err(t)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-dialing; cancel() }()
		r, _ := http.NewRequestWithContext(ctx, "GET", f.URL, nil)
		if resp, err := f.Client().Do(r); err == nil {
			resp.Body.Close()
		}
		if err := f.err(t); !errors.Is(err, ErrClient) || errors.Is(err, ErrGone) {
			t.Errorf("after %d requests: %v", served, err)
		}
		if log := f.log.String(); log != "" {
			t.Errorf("after %d requests: log %q", served, log)
		}
	}
}
