package serve

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Load is clients that ask again and again, side by side, from StartLoad to End.
type Load struct {
	stop    chan struct{}
	clients sync.WaitGroup
	asked   atomic.Int64
	mu      sync.Mutex
	wrong   map[string]int
}

// A LoadClient asks, one request after the other.
type LoadClient struct {
	Ask   func() error // makes one request; the error says what is wrong with its answer
	Close func()       // nil: there is nothing to close
}

// StartLoad starts clients, which pause after each answer. client makes one by its number, from 0 on.
func StartLoad(clients int, pause time.Duration, client func(n int) LoadClient) *Load {
	l := &Load{stop: make(chan struct{}), wrong: map[string]int{}}
	for n := range clients {
		l.clients.Go(func() { l.run(client(n), pause) })
	}
	return l
}

func (l *Load) run(c LoadClient, pause time.Duration) {
	if c.Close != nil {
		defer c.Close()
	}
	for {
		err := c.Ask()
		l.asked.Add(1)
		if err != nil {
			l.mu.Lock()
			l.wrong[err.Error()]++
			l.mu.Unlock()
		}
		if l.ended(pause) {
			return
		}
	}
}

// ended reports whether a client's pause has been cut short by End.
func (l *Load) ended(pause time.Duration) bool {
	if pause == 0 { // a timer of no time would be a pause
		select {
		case <-l.stop:
			return true
		default:
			return false
		}
	}
	select {
	case <-l.stop:
		return true
	case <-time.After(pause):
		return false
	}
}

// Asked returns the number of requests that have been answered or have failed.
func (l *Load) Asked() int64 { return l.asked.Load() }

// Wrong returns what has gone wrong so far, and how often.
func (l *Load) Wrong() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.wrong)
}

// End stops the clients after their current requests, and returns what has gone wrong, and how often.
func (l *Load) End() map[string]int {
	close(l.stop)
	l.clients.Wait()
	return l.wrong
}
