package front

import (
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// How many connections wait is known of TCP and of unix sockets.
func TestBacklogIsKnown(t *testing.T) {
	for _, of := range []struct{ network, address string }{{"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"unix", filepath.Join(t.TempDir(), "s")}} {
		l, err := net.Listen(of.network, of.address)
		if err != nil {
			t.Log(err)
			continue
		}
		defer l.Close()
		fd := -1
		switch l := l.(type) {
		case *net.TCPListener:
			file, _ := l.File()
			defer file.Close()
			fd = int(file.Fd())
		case *net.UnixListener:
			file, _ := l.File()
			defer file.Close()
			fd = int(file.Fd())
		}
		if n := backlogOf(fd); n != 0 {
			t.Errorf("%s: got %d before", of.network, n)
		}
		for range 3 {
			c, err := net.Dial(of.network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		wait.Until(t, "three that wait at "+of.address, func() bool { return backlogOf(fd) == 3 })
	}
}

func TestWhenTheBacklogOverflows(t *testing.T) {
	type look struct {
		n          int
		rate       float64
		queued     bool
		tell, open bool
	}
	for name, c := range map[string]struct {
		grows bool
		looks []look
	}{
		"nobody accepts":                   {looks: []look{{n: 1}, {n: 1, open: true}, {n: 0, open: true}}},
		"nobody accepts, and may grow":     {grows: true, looks: []look{{n: 3}, {n: 3, tell: true, open: true}, {n: 0, open: true}}},
		"one for a moment":                 {looks: []look{{n: 1}, {n: 0}, {n: 1}, {n: 0}}},
		"a burst that is soon over":        {grows: true, looks: []look{{n: 100}, {n: 10}, {n: 1}, {n: 0}}},
		"a burst that takes some time":     {grows: true, looks: []look{{n: 100}, {n: 90, tell: true}, {n: 80, tell: true}}},
		"a burst that takes too much time": {looks: []look{{n: 1000}, {n: 998, open: true}}},
		"fast enough":                      {looks: []look{{n: 40, rate: 100}, {n: 45, rate: 100}, {n: 49, rate: 100}}},
		"too slow":                         {looks: []look{{n: 51, rate: 100}, {n: 51, rate: 100, open: true}}},
		"not for long":                     {looks: []look{{n: 51, rate: 100}, {n: 50, rate: 100}, {n: 51, rate: 100}}},
		"until nothing waits": {looks: []look{{n: 5}, {n: 5, open: true}, {n: 0, queued: true, open: true}, {n: 0, queued: true, open: true}, {open: true},
			{open: true}, {open: true}, {}, {}}},
	} {
		v := verge{}
		open := false
		for i, l := range c.looks {
			tell, now := v.look(l.n, l.rate, c.grows, open, l.queued)
			if tell != l.tell || now != l.open {
				t.Errorf("%s: look %d: got %v, %v, want %v, %v", name, i, tell, now, l.tell, l.open)
			}
			open = now
		}
	}
}

// If no worker accepts, the front does, and stops when there are workers again.
func TestFrontAcceptsIfNoWorkerDoes(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, echo))
	var told atomic.Int64
	f.overflow.crowded(func() { told.Store(f.overflow.waiting.Load()) })
	f.overflow.supply(&contract.PoolSupply{Workers: 2})
	f.run(t)
	var clients []*rawClient
	for range 5 {
		clients = append(clients, f.dial(t))
	}
	for _, c := range clients {
		if got := c.ask("GET /x.php HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.Contains(got.body, "SCRIPT_NAME=/x.php\n") {
			t.Errorf("got %q", got.body)
		}
	}
	if n := told.Load(); n != 5 {
		t.Errorf("the master was told of %d", n)
	}
	wait.Until(t, "the end of the overflow", func() bool { return !f.overflow.opened.Load() })
	time.Sleep(2 * reservePatience * time.Millisecond)
	c := f.dial(t)
	at := w.accept()
	at.Close()
	c.ends()
}

// In a queue that is full there is 503, as if the front had always accepted.
func TestCrowdIsTurnedAway(t *testing.T) {
	w := workersOf(t)
	o := orders(t, plainFiles, func(*worker) bool { time.Sleep(200 * time.Millisecond); return false })
	o.Pools[0].Connections, o.Limits.Queue = 1, 1
	f := w.front(o)
	f.run(t)
	var clients []*rawClient
	for range 8 {
		c := f.dial(t)
		c.Write([]byte("GET /x.php HTTP/1.1\r\nHost: a\r\n\r\n"))
		clients = append(clients, c)
	}
	refused := 0
	for _, c := range clients {
		if got := c.read("GET"); got.StatusCode == 503 && got.Header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("%d were turned away", refused)
	}
}

// A front that is to go takes what workers hand over until they say that this was all.
func TestDrainWaitsForWorkers(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, nil))
	f.run(t)
	drained := make(chan bool)
	before, c := f.dial(t), f.dial(t)
	w.hand(w.accept(), contract.HandOver{Letter: contract.Unserved}, -1)
	at := w.accept()
	wait.Until(t, "a connection in the lot", func() bool { return f.inLot() == 1 })
	go func() {
		f.drain()
		close(drained)
	}()
	before.ends()
	select {
	case <-drained:
		t.Fatal("the front has not waited")
	case <-time.After(100 * time.Millisecond):
	}
	w.hand(at, contract.HandOver{Letter: contract.Unserved, Text: []byte(request)}, -1)
	if got := c.read("GET"); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
	c.ends()
	f.handed.noMore()
	select {
	case <-drained:
	case <-time.After(patience):
		t.Fatal("the front waits still")
	}
}

// A front that yields leaves to its successor what it has not read, and what no worker has taken.
func TestHandedConnectionsGoToTheSuccessor(t *testing.T) {
	w := workersOf(t)
	o := orders(t, plainFiles, nil)
	f := w.front(o)
	f.run(t)
	c := f.dial(t)
	at := w.accept()
	f.yield(nil)
	w.hand(at, contract.HandOver{Letter: contract.Unserved, Text: []byte(request)}, -1)
	done := make(chan bool)
	go func() {
		f.drain()
		close(done)
	}()
	<-done
	w.front(o).run(t)
	if got := c.read("GET"); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
}

// If master and workers are gone, nothing is waited for.
func TestDrainEndsWithoutMasterAndWorkers(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, nil))
	f.run(t)
	unix.Shutdown(w.toFront, unix.SHUT_RDWR)
	done := make(chan bool)
	go func() {
		f.drain()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience / 2):
		t.Fatal("the front waits still")
	}
}
