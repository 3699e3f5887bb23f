package front

import (
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// overflow sees to it that nobody waits for long in the backlogs of the listeners from which the workers accept. If a connection comes
// after a quiet time, it looks at the backlogs for as long as there is something to see. It has the master fork more workers, if there
// may be more; and if connections would wait for longer than overflowAfter, the front accepts them itself, and they wait in its queue.
type overflow struct {
	reserves []*reserve
	pool     *pool
	arrivals *os.File // an epoll instance that tells of the first connection
	raw      syscall.RawConn
	done     chan struct{}
	once     sync.Once

	waiting atomic.Int64 // connections in the backlogs, when they were last looked at
	opened  atomic.Bool  // the front accepts

	mu       sync.Mutex
	accepted uint64    // by the workers, as the master said last
	at       time.Time // when it said so
	rate     float64   // of the workers, connections a second
	grows    bool      // there may be more workers
	crowd    func()    // tells the master; nil: nobody wants to know
}

// How often the backlogs are looked at; for how long after the last connection; how long connections may wait there, and how long if
// there may be more workers.
const (
	lookInterval  = 50 * time.Millisecond
	lookTime      = 2 * time.Second
	overflowAfter = 500 * time.Millisecond
	growAfter     = 50 * time.Millisecond
)

// newOverflow makes the overflow of some listeners, of whose pool the workers are.
func newOverflow(reserves []*reserve, p *pool) (*overflow, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	o := &overflow{reserves: reserves, pool: p, arrivals: os.NewFile(uintptr(fd), "arrivals"), done: make(chan struct{})}
	if o.raw, err = o.arrivals.SyscallConn(); err != nil {
		o.arrivals.Close()
		return nil, err
	}
	return o, nil
}

// close ends it, and has the front accept no more.
func (o *overflow) close() {
	o.once.Do(func() { close(o.done) })
	o.arrivals.Close()
	o.open(false)
}

// supply notes what the master says of the pool.
func (o *overflow) supply(s *contract.PoolSupply) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.at.IsZero() && s.Connections >= o.accepted {
		o.rate = float64(s.Connections-o.accepted) / max(now.Sub(o.at).Seconds(), 0.001)
	}
	o.accepted, o.at, o.grows = s.Connections, now, s.Workers > 0
}

func (o *overflow) rates() (rate float64, grows bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rate, o.grows
}

// crowded has call called when there are to be more workers.
func (o *overflow) crowded(call func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.crowd = call
}

func (o *overflow) tell() {
	o.mu.Lock()
	call := o.crowd
	o.mu.Unlock()
	if call != nil {
		call()
	}
}

// open has the front accept, or accept no more.
func (o *overflow) open(yes bool) {
	o.opened.Store(yes)
	for _, r := range o.reserves {
		if yes {
			r.open()
		} else {
			r.shut()
		}
	}
}

// watch waits for connections and attends to them, until the end.
func (o *overflow) watch() {
	for o.arrival() {
		o.attend()
	}
}

// arrival waits for a connection. It returns false at the end.
func (o *overflow) arrival() bool {
	for _, r := range o.reserves {
		unix.EpollCtl(o.epoll(), unix.EPOLL_CTL_ADD, r.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(r.fd)})
	}
	var events [1]unix.EpollEvent
	err := o.raw.Read(func(fd uintptr) bool {
		n, _ := unix.EpollWait(int(fd), events[:], 0)
		return n > 0
	})
	for _, r := range o.reserves {
		unix.EpollCtl(o.epoll(), unix.EPOLL_CTL_DEL, r.fd, nil)
	}
	return err == nil
}

func (o *overflow) epoll() int {
	found := -1
	o.raw.Control(func(fd uintptr) { found = int(fd) })
	return found
}

// attend looks at the backlogs until nothing has come for lookTime.
func (o *overflow) attend() {
	ticks := time.NewTicker(lookInterval)
	defer ticks.Stop()
	v := verge{}
	last := time.Now()
	for {
		select {
		case <-o.done:
			return
		case now := <-ticks.C:
			n := 0
			for _, r := range o.reserves {
				n += backlogOf(r.fd)
			}
			rate, grows := o.rates()
			queued := o.opened.Load() && o.pool.Demand().Waiting > 0
			if n > 0 || rate > 0 || queued {
				last = now
			}
			o.waiting.Store(int64(n))
			told, open := v.look(n, rate, grows, o.opened.Load(), queued)
			if told {
				o.tell()
			}
			if open != o.opened.Load() {
				o.open(open)
			}
			if !open && now.Sub(last) > lookTime {
				return
			}
		}
	}
}

// verge is what was seen of the backlogs: whether they are about to overflow.
type verge struct {
	before int // how many connections waited at the last look
	tight  int // looks in a row at which they would wait for longer than growAfter,
	full   int // and for longer than overflowAfter
	calm   int // looks in a row at which the front, which accepts, need not do so
}

// How many looks in a row are meant.
const (
	looksFull = 2
	looksCalm = 4
)

// look takes the number of connections that wait, and the rate at which the workers have accepted. It returns whether there are to be
// more workers, and whether the front is to accept.
func (v *verge) look(n int, rate float64, grows, opened, queued bool) (tell, open bool) {
	rate = max(rate, float64(v.before-n)/lookInterval.Seconds())
	v.before = n
	wait := 0.0
	if n > 0 {
		wait = math.Inf(1)
		if rate > 0 {
			wait = float64(n) / rate
		}
	}
	count := func(of *int, longer time.Duration) {
		if *of++; wait <= longer.Seconds() {
			*of = 0
		}
	}
	count(&v.tight, growAfter)
	count(&v.full, overflowAfter)
	if v.calm++; queued || v.full > 0 {
		v.calm = 0
	}
	tell = grows && v.tight >= looksFull
	if opened {
		return tell, v.calm < looksCalm
	}
	return tell, v.full >= looksFull
}
