package server

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// DefaultWorkers is how many workers there may be where PHP_CLI_SERVER_WORKERS does not say: more than the nested
// calls of an application to itself that anyone meant.
const DefaultWorkers = 64

const (
	// idleTime is how long a worker waits for a request before it is sent away. One stays.
	idleTime = 20 * time.Second
	// restartPause is how long a zygote must have lived for its death to be worth another.
	restartPause = time.Second
)

// pool owns the workers. Its methods may be called from several goroutines.
type pool struct {
	log     *Log
	config  zygote.Config
	payload []byte
	slots   chan struct{} // holds one for each worker that has a request
	full    atomic.Bool   // slots was full, and is not half empty since

	mu     sync.Mutex
	now    *generation
	idle   []*child // the last one used is the last
	closed bool
	// lost takes the error when no worker can be had any more.
	lost chan error
}

// newPool starts the zygote and one worker, which proves that there can be workers and says what PHP's settings mean
// for the log.
func newPool(log *Log, config zygote.Config, limit int) (*pool, error) {
	now, err := newGeneration(config)
	if err != nil {
		return nil, err
	}
	p := &pool{log: log, config: config, slots: make(chan struct{}, limit), now: now, lost: make(chan error, 1)}
	go p.follow(now)
	return p, nil
}

// version is PHP's.
func (p *pool) version() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.zygote.Version
}

// warm forks the first worker. payload is every worker's.
func (p *pool) warm(payload []byte) (color bool, err error) {
	p.payload = payload
	c, err := p.acquire()
	if err != nil {
		return false, err
	}
	p.release(c)
	return c.color, nil
}

// follow keeps a zygote there: it starts another where one dies.
func (p *pool) follow(g *generation) {
	g.follow()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.log.zygoteGone(g.zygote.Pid())
	g.zygote.Close()
	p.idle = nil
	err := errors.New("it died at once")
	if time.Since(g.started) > restartPause {
		p.now, err = newGeneration(p.config)
	}
	if err != nil {
		p.log.zygoteLost(err)
		p.closed = true
		p.lost <- err
		return
	}
	go p.follow(p.now)
}

var errClosed = errors.New("the server ends")

// acquire gives a worker that has no request: the last one used, or a new one. It waits while all have one.
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

func (p *pool) take() (*child, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !c.ended.Load() {
			return c, nil
		}
	}
	return p.now.spawn(p.payload)
}

// release takes a worker back, alive or not.
func (p *pool) release(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.slots
	if len(p.slots) <= cap(p.slots)/2 {
		p.full.Store(false)
	}
	if p.closed || c.ended.Load() {
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
	deadline := time.After(patience)
	for _, c := range now.living() {
		select {
		case <-c.exited:
			continue
		case <-deadline:
		}
		break
	}
	for _, c := range now.living() {
		syscall.Kill(c.pid, syscall.SIGKILL)
	}
	now.zygote.Close()
}

// zygoteConfig is how the zygote is started: its output goes where the server's own goes.
func zygoteConfig(o Options) zygote.Config {
	return zygote.Config{Program: o.Program, Argv: os.Args, Engine: o.Engine, Module: o.Module}
}
