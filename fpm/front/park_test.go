package front

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// inLot is how many connections are parked.
func (f *tested) inLot() int {
	l := f.connections.lot
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.parked)
}

// parking starts a front that parks connections soon.
func parking(t *testing.T, change func(f *tested)) *tested {
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	f := prepare(t, o)
	f.connections.lot.after = 20 * time.Millisecond
	if change != nil {
		change(f)
	}
	f.run(t)
	return f
}

const request = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"

func TestIdleConnectionsHoldNoGoroutine(t *testing.T) {
	f := parking(t, nil)
	before := runtime.NumGoroutine()
	var clients []*rawClient
	const many = 60
	for range many {
		clients = append(clients, f.dial(t))
	}
	for range 3 {
		wait.Until(t, "all in the lot", func() bool { return f.inLot() == many && runtime.NumGoroutine() < before+many/2 })
		for _, c := range clients {
			if got := c.ask(request); got.StatusCode != 200 || got.body != "a" {
				t.Fatalf("got %d %q", got.StatusCode, got.body)
			}
		}
	}
	for _, c := range clients {
		c.Close()
	}
	wait.Until(t, "the end of all", func() bool {
		f.connections.mu.Lock()
		defer f.connections.mu.Unlock()
		return len(f.connections.open) == 0 && len(f.connections.room) == 1 // the one that the listener waits for
	})
}

// A request that comes in pieces, with pauses anywhere, is one all the same.
func TestNothingOfARequestIsLostInTheLot(t *testing.T) {
	t.Parallel()
	f := parking(t, nil)
	for cut := range len(request) {
		c := f.dial(t)
		for _, before := range []string{"", request} {
			if before != "" {
				if got := c.ask(before + request[:cut]); got.body != "a" {
					t.Fatalf("got %q", got.body)
				}
			} else {
				io.WriteString(c, request[:cut])
			}
			if cut < 6 || cut == len(request)-1 {
				time.Sleep(2 * f.connections.lot.after)
			}
			if got := c.ask(request[cut:]); got.StatusCode != 200 || got.body != "a" {
				t.Fatalf("cut at %d after %q: got %d %q", cut, before, got.StatusCode, got.body)
			}
		}
		c.Close()
	}
}

func TestParkedConnectionsEnd(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Limits.HeaderTimeout, o.Limits.IdleTimeout = 10*short, 10*short
	f := prepare(t, o)
	f.connections.lot.after = short / 10
	f.run(t)
	silent, idle := f.dial(t), f.dial(t)
	idle.ask(request)
	silent.ends()
	idle.ends()
}

func TestParkedConnectionsAreClosedToDrain(t *testing.T) {
	t.Parallel()
	f := parking(t, nil)
	c := f.dial(t)
	c.ask(request)
	wait.Until(t, "the connection in the lot", func() bool { return f.inLot() == 1 })
	f.drain()
	c.ends()
}

// What net/http had for a connection goes back to the system: an idle one that was kept takes less than 4 KB of the heap.
func TestParkedConnectionsTakeLittleMemory(t *testing.T) {
	f := parking(t, nil)
	heap := func() int {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapInuse + m.HeapIdle - m.HeapReleased + m.StackInuse)
	}
	answer := make([]byte, 4096)
	ask := func(c net.Conn) {
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200 ") {
			t.Fatalf("%q, %v", answer[:n], err)
		}
	}
	ask(f.dial(t).Conn)
	runtime.GC()
	debug.FreeOSMemory()
	before := heap()
	const many = manyCame + 100
	clients := make([]net.Conn, many)
	for i := range clients {
		clients[i] = f.dial(t).Conn
	}
	for _, c := range clients {
		ask(c)
	}
	wait.Until(t, "less memory", func() bool { return f.inLot() == many+1 && heap()-before < many*4096 })
}

func TestMemoryIsGivenBackOnceConnectionsHaveSettled(t *testing.T) {
	t.Parallel()
	var l lot
	for i, c := range []struct {
		came int
		want bool
	}{
		{manyCame - 1, false}, // too few
		{0, false},
		{1, true}, // now they are enough
		{0, false},
		{manyCame, false}, // they come still
		{manyCame, false},
		{10 * manyCame, false},
		{manyCame, true}, // fewer and fewer
		{manyCame, false},
		{0, true},
		{0, false},
	} {
		l.came += c.came
		if got := l.settle(); got != c.want {
			t.Errorf("%d: %d came: %v, want %v", i, c.came, got, c.want)
		}
	}
}

// The sweep looks at nobody before somebody's time is over.
func TestLateConnectionsAreFound(t *testing.T) {
	t.Parallel()
	l, err := newLot(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	park := func(after time.Duration) *conn {
		ours, theirs := pair(t)
		t.Cleanup(func() { theirs.Close() })
		c := newConn(ours, newConnections(0, 0, l))
		c.readBy = start.Add(after)
		l.park(c)
		return c
	}
	first, second, third := park(2*time.Minute), park(time.Minute), park(3*time.Minute)
	for i, c := range []struct {
		now  time.Duration
		late []*conn
	}{
		{59 * time.Second, nil},
		{time.Minute, []*conn{second}},
		{time.Minute, nil},
		{3 * time.Minute, []*conn{first, third}},
	} {
		late := l.takeLate(start.Add(c.now))
		if len(late) != len(c.late) {
			t.Fatalf("%d: %d are late, want %d", i, len(late), len(c.late))
		}
		for _, one := range c.late {
			if !slices.Contains(late, one) {
				t.Errorf("%d: one is missing", i)
			}
			one.Conn.Close()
		}
	}
	fourth := park(30 * time.Second) // the first of an empty lot
	if late := l.takeLate(start.Add(time.Minute)); !slices.Contains(late, fourth) {
		t.Error("the fourth is missing")
	}
	fourth.Conn.Close()
}

// pair returns both ends of a connection.
func pair(t *testing.T) (ours, theirs net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if theirs, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

func TestParkedConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Limits.Connections = 3
	f := prepare(t, o)
	f.connections.lot.after = short / 10
	f.run(t)
	for i := range 20 {
		c := f.dial(t)
		if got := c.ask(request); got.body != "a" {
			t.Fatal(fmt.Sprint(i, got.body))
		}
	}
}
