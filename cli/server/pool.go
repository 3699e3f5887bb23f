package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DefaultWorkers is how many workers there may be unless PHP_CLI_SERVER_WORKERS sets another number: more than the nested
// calls of an application to itself that anyone meant.
const DefaultWorkers = 64

const (
	// idleTime is how long a worker waits for a request before it is sent away. One stays.
	idleTime = 20 * time.Second
	// restartPause is how long a zygote must have lived for its death to be worth another.
	restartPause = time.Second
	// endPatience is how long a zygote may take to end with the server.
	endPatience = time.Second / 2
	// endCheck is how often a server that ends looks whether its workers have ended.
	endCheck = 10 * time.Millisecond
)

// pool owns the workers. Its methods may be called from several goroutines.
type pool struct {
	log     *Log
	options *Options
	payload []byte
	slots   chan struct{} // holds one for each worker that has a request
	full    atomic.Bool   // slots was full, and is not half empty since

	alive   context.Context // until close
	end     func()          // ends alive
	follows sync.WaitGroup  // follow

	mu       sync.Mutex
	now      *generation
	starting chan struct{} // closed when there is another generation, or none any more; nil while there is one
	idle     []*child      // the last one used is the last
	closed   bool
	// lost takes the error when no worker can be had any more.
	lost chan error
}

// newPool starts the zygote. If ctx ends first, nothing of it is left.
func newPool(ctx context.Context, log *Log, o *Options, limit int) (*pool, error) {
	now, err := newGeneration(ctx, o)
	if err != nil {
		return nil, err
	}
	p := &pool{log: log, options: o, slots: make(chan struct{}, limit), now: now, lost: make(chan error, 1)}
	p.alive, p.end = context.WithCancel(context.Background())
	p.follows.Go(func() { p.follow(now) })
	return p, nil
}

// version is PHP's.
func (p *pool) version() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.zygote.Version
}

// warm forks the first worker, which proves that there can be workers and says what PHP's settings mean for the log.
// payload is every worker's.
func (p *pool) warm(payload []byte) (color bool, err error) {
	p.payload = payload
	c, err := p.acquire()
	if err != nil {
		return false, err
	}
	p.release(c)
	return c.color, nil
}

// follow keeps a zygote there: it starts another if one dies, until the pool is closed.
func (p *pool) follow(g *generation) {
	for g != nil {
		<-g.zygote.Done()
		g = p.replace(g)
	}
}

// replace returns the generation that takes the place of one whose zygote died; nil if there is none.
func (p *pool) replace(g *generation) *generation {
	p.mu.Lock()
	if p.closed || p.now != g {
		p.mu.Unlock()
		return nil
	}
	p.idle = nil
	p.starting = make(chan struct{})
	p.mu.Unlock()

	p.log.zygoteGone(g.zygote.Pid())
	g.zygote.Close()
	next, err := (*generation)(nil), errors.New("it died at once")
	if time.Since(g.started) > restartPause {
		next, err = newGeneration(p.alive, p.options)
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.closed {
		next.zygote.End(endPatience)
		next = nil
	}
	if err != nil && !p.closed {
		p.log.zygoteLost(err)
		p.closed = true
		p.lost <- err
	}
	if next != nil {
		p.now = next
	}
	close(p.starting)
	p.starting = nil
	return next
}

// renew has PHP started again and new workers take the place of those that there are; what they are answering they finish.
func (p *pool) renew() {
	next, err := newGeneration(p.alive, p.options)
	if err != nil {
		p.log.notRenewed(err)
		return
	}
	p.mu.Lock()
	old, idle := p.now, p.idle
	taken := !p.closed && p.starting == nil
	if taken {
		p.now, p.idle = next, nil
		p.follows.Go(func() { p.follow(next) })
	}
	p.mu.Unlock()
	if !taken {
		next.zygote.End(endPatience)
		return
	}
	for _, c := range idle {
		c.retire()
	}
	for old.hasLiving() && p.alive.Err() == nil { // who else would tell how they end?
		time.Sleep(endCheck)
	}
	old.zygote.End(endPatience)
}

var errClosed = errors.New("the server ends")

// acquire returns a worker that has no request: the last one used, or a new one. It waits while all have one.
func (p *pool) acquire() (*child, error) {
	select {
	case p.slots <- struct{}{}:
	default:
		if p.full.CompareAndSwap(false, true) {
			p.log.workersBusy(cap(p.slots))
		}
		p.slots <- struct{}{}
	}
	c, err := p.take()
	if err != nil {
		<-p.slots
	}
	return c, err
}

// take returns an idle worker, or a new one. It waits for the zygote without the lock.
func (p *pool) take() (*child, error) {
	for {
		p.mu.Lock()
		c, closed, now, starting := p.takeIdle(), p.closed, p.now, p.starting
		p.mu.Unlock()
		switch {
		case closed:
			return nil, errClosed
		case c != nil:
			return c, nil
		case starting == nil:
			return now.spawn(p.alive, p.payload)
		}
		<-starting
	}
}

// takeIdle returns the idle worker that was used last; nil if there is none. The caller holds mu.
func (p *pool) takeIdle() *child {
	for len(p.idle) > 0 && !p.closed {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !c.gone() {
			return c
		}
	}
	return nil
}

// release takes a worker back, alive or not.
func (p *pool) release(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.slots
	if len(p.slots) <= cap(p.slots)/2 {
		p.full.Store(false)
	}
	if p.closed || c.gone() || c.generation != p.now {
		c.retire()
		return
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
}

// discard forgets a worker that died with its request.
func (p *pool) discard(c *child) {
	c.retire()
	<-p.slots
}

// retireSurplus sends those away that had no request for a while, until the pool is closed.
func (p *pool) retireSurplus() {
	for range time.Tick(idleTime / 4) {
		p.mu.Lock()
		for len(p.idle) > 1 && time.Since(p.idle[0].idleSince) > idleTime {
			p.idle[0].retire()
			p.idle = p.idle[1:]
		}
		closed := p.closed
		p.mu.Unlock()
		if closed {
			return
		}
	}
}

// close sends all workers away, waits for their ends, but not longer than patience, and ends the zygote: what is left
// of its workers then is killed.
func (p *pool) close(patience time.Duration) {
	p.mu.Lock()
	p.closed = true
	now := p.now
	for _, c := range p.idle {
		c.retire()
	}
	p.idle = nil
	p.mu.Unlock()
	p.end()
	for deadline := time.Now().Add(patience); now.hasLiving() && time.Now().Before(deadline); {
		time.Sleep(endCheck)
	}
	for _, c := range now.zygote.Children() {
		c.Signal(syscall.SIGKILL)
	}
	now.zygote.End(min(patience, endPatience))
	p.follows.Wait()
}
