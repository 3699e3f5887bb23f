package front

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
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
		eventually(t, "all in the lot", func() bool { return f.inLot() == many && runtime.NumGoroutine() < before+many/2 })
		for _, c := range clients {
			if got := c.ask(request); got.StatusCode != 200 || got.body != "a" {
				t.Fatalf("got %d %q", got.StatusCode, got.body)
			}
		}
	}
	for _, c := range clients {
		c.Close()
	}
	eventually(t, "the end of all", func() bool {
		f.connections.mu.Lock()
		defer f.connections.mu.Unlock()
		return len(f.connections.open) == 0 && len(f.connections.room) == 1 // the one that the listener waits for
	})
}

// A request that comes in pieces, with pauses anywhere, is one all the same.
func TestNothingOfARequestIsLostInTheLot(t *testing.T) {
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
	f := parking(t, nil)
	c := f.dial(t)
	c.ask(request)
	eventually(t, "the connection in the lot", func() bool { return f.inLot() == 1 })
	f.drain()
	c.ends()
}

func TestParkedConnectionsGiveWay(t *testing.T) {
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
