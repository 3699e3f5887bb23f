package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Options are what a Pool is made of.
type Options struct {
	Pool contract.FrontPool
	// Dial connects to the pool: a *net.UnixConn or a *net.TCPConn. nil: to Pool.Network and Pool.Address.
	Dial   func(context.Context) (net.Conn, error)
	Once   bool // a connection carries one request
	Limits contract.FrontLimits
	Budget *Budget // of all pools' temporary files
	// Log takes the messages that concern the pool's requests; nil: nobody does.
	Log func(level zlog.Level, text string)
	// LogLines takes many at once; nil: Log takes them, one after the other.
	LogLines func([]Line)
	// Records says that what workers say on STDERR is to be logged as records.
	Records bool
	// Unlogged says that it is not to be logged: the workers have logged it as records themselves.
	Unlogged bool
}

// Pool is a pool's workers, as the front sees them. It is safe for many goroutines.
type Pool struct {
	Options

	clock scoreboard.Clock

	mu      sync.Mutex
	taken   int     // places: requests under way
	window  window  // how many there are
	coming  int     // of those, or soon: requests whose bodies come from clients who may be slow
	idle    []*conn // kept, the one used last at the end
	spare   []*conn // closed, with their buffers
	queue   []*waiter
	growing bool    // grow is due
	unread  []*conn // whose requests no worker has read: see withdraw.go
	closed  bool
	turned  turnedAway
	demand  demand
	// spoolSaid is when it was last said that there is no file for a response.
	spoolSaid time.Time

	bodies buffers
	spool  func() (*os.File, error)
	// See briskStart and slow.go's interval.
	brisk, interval time.Duration
}

// waiter is a request in the queue. ready is closed, under the pool's lock, when it has a place.
type waiter struct {
	ready chan struct{}
	since time.Time
}

// idleTimeout is how long a kept connection may be of no use before it is closed. Each costs its buffers here, and a
// descriptor here and there.
const idleTimeout = time.Minute

// maxSpare is how many closed connections are kept for the sake of their buffers.
const maxSpare = 16

// New makes the client of a pool. It connects when it must.
func New(o Options) *Pool {
	p := &Pool{Options: o, clock: scoreboard.NewClock(), brisk: briskStart, interval: interval, spool: NamelessFile}
	most := max(p.Pool.Connections, 1)
	p.window = window{size: most, most: most}
	if p.Dial == nil {
		p.Dial = func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, p.Pool.Network, p.Pool.Address)
		}
	}
	if p.Log == nil {
		p.Log = func(zlog.Level, string) {}
	}
	if p.LogLines == nil {
		p.LogLines = func(lines []Line) {
			for _, line := range lines {
				if line.Record != nil {
					line.Text = line.Record.Text
				}
				p.Log(line.Level, line.Text)
			}
		}
	}
	return p
}

// Close closes the idle connections. Requests under way continue; those that come from now on get a connection of their
// own.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}

// acquire takes a place, after waiting for one if need be, and a kept connection. nil: there is none.
func (p *Pool) acquire(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if p.taken < p.window.size && len(p.queue) == 0 {
		p.taken++
		p.noteDemand()
		c := p.pop()
		p.mu.Unlock()
		return c, nil
	}
	if limit := p.Limits.Queue; limit > 0 && len(p.queue) >= limit {
		p.demand.refused++
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: %d requests wait already", ErrBusy, limit)
	}
	w := &waiter{make(chan struct{}), time.Now()}
	p.queue = append(p.queue, w)
	if !p.growing {
		p.growing = true
		time.AfterFunc(growAfter, p.grow)
	}
	p.demand.most = max(p.demand.most, len(p.queue))
	p.noteDemand()
	p.mu.Unlock()
	return p.wait(ctx, w)
}

// grow tries more places, and again as long as requests wait. It is one for all of them.
func (p *Pool) grow() {
	now := time.Now()
	p.mu.Lock()
	p.admit(now)
	p.growing = len(p.queue) > 0
	if p.growing {
		time.AfterFunc(growAfter, p.grow)
	}
	p.mu.Unlock()
	p.noteWait(now)
}

// wait waits in the queue.
func (p *Pool) wait(ctx context.Context, w *waiter) (*conn, error) {
	var late <-chan time.Time
	if limit := p.Limits.QueueTimeout; limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	var err error
	select {
	case <-w.ready:
	case <-late:
		err = fmt.Errorf("%w: none became so for %v", ErrBusy, p.Limits.QueueTimeout)
	case <-ctx.Done():
		err = because(ErrClient, context.Cause(ctx))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		return p.pop(), nil
	}
	if errors.Is(err, ErrBusy) {
		p.demand.refused++
	}
	if i := slices.Index(p.queue, w); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	} else { // its turn came at the same moment
		p.taken--
		p.admit(time.Now())
	}
	return nil, err
}

// beginStream has a worker wait for the rest of a client's body, until endStream. It reports whether one may. Half of them may: as many
// slow senders as there are workers would stop the pool.
func (p *Pool) beginStream() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.coming >= p.Pool.Connections/2 {
		return false
	}
	p.coming++
	return true
}

func (p *Pool) endStream() {
	p.mu.Lock()
	p.coming--
	p.mu.Unlock()
}

// pop returns the kept connection that was used last.
func (p *Pool) pop() *conn {
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// release gives a place back, with its connection, which was closed unless it is to be kept; nil: there is none. workers is
// how many the worker says there are, where that is too few; 0: it does not.
func (p *Pool) release(c *conn, keep bool, workers int) {
	now := time.Now()
	var old *conn
	p.mu.Lock()
	if c != nil && keep && p.closed {
		old, c = c, nil
	}
	switch {
	case c == nil:
	case keep:
		c.since = now
		p.idle = append(p.idle, c)
		if first := p.idle[0]; now.Sub(first.since) > idleTimeout {
			old = first
			p.idle = slices.Delete(p.idle, 0, 1)
		}
	case len(p.spare) < maxSpare:
		p.spare = append(p.spare, c)
	}
	if workers > 0 {
		p.window.shrink(workers, now)
	}
	p.taken--
	p.admit(now)
	p.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// admit gives the free places to those who wait longest.
func (p *Pool) admit(now time.Time) {
	if len(p.queue) > 0 {
		p.window.grow(now)
	}
	for len(p.queue) > 0 && p.taken < p.window.size {
		p.taken++
		close(p.queue[0].ready)
		p.queue[0] = nil
		p.queue = p.queue[1:]
	}
	if len(p.queue) == 0 {
		p.queue = nil
	}
}
