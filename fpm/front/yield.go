package front

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// yieldPatience is how long a front may take to yield. The master waits for a second.
const yieldPatience = 700 * time.Millisecond

// toldPatience is how long a client of HTTPS that sends one request after the other has for the request whose response
// tells it to connect again.
const toldPatience = 300 * time.Millisecond

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// yield leaves all requests that have not begun to another front. When it returns, or after yieldPatience, no request that
// begins is answered here, but for one on a connection whose TLS handshake is still under way. The connections that wait for
// a request go to heir, if there is one, with whatever may have come on them. Those with TLS or HTTP/2 cannot, as their
// state is this process's: HTTP/2 gets a GOAWAY, and HTTPS is closed between two requests.
func (f *Front) yield(heir *channel.Channel) {
	f.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), yieldPatience)
	defer cancel()
	lot := f.connections.lot
	f.leaveWorkers(f.rest)
	f.leaveHanded()
	left := newEstate()
	lot.leaveTo(left.add)
	f.leaving.Go(func() { left.send(heir) })
	f.left = left
	for _, l := range f.listeners {
		if l != net.Listener(lot) {
			l.Close()
		}
	}
	f.serving.Wait() // for what they have accepted
	f.connections.interrupt()
	begun := time.Now()
	waitWhile(ctx, yieldPatience, func() bool {
		f.streams.Shutdown(ctx) // returns at once; again and again, for those that begin to speak HTTP/2 meanwhile
		return f.connections.holding(begun)
	})
	f.streams.Shutdown(ctx)
	lot.Close()
	f.parking.Wait()
	lot.leaveReady()
	f.server.SetKeepAlivesEnabled(false)
	f.connections.closeSilent()
}

// estate are connections that wait for a request on their way to another front. Nobody here reads what comes on them.
type estate struct {
	mu    sync.Mutex
	queue []*conn
	ended bool
	news  chan struct{} // holds one if queue or ended has changed
}

func newEstate() *estate { return &estate{news: make(chan struct{}, 1)} }

// add adds a connection. It closes one that comes after the end.
func (e *estate) add(c *conn) {
	c.place.Store(given)
	c.begun.Store(true) // no request will begin here
	e.mu.Lock()
	if e.ended {
		e.mu.Unlock()
		c.Close()
		return
	}
	e.queue = append(e.queue, c)
	e.mu.Unlock()
	e.tell()
}

// end says that no more are added.
func (e *estate) end() {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	e.tell()
}

func (e *estate) tell() {
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// heirPatience is how long a front may take to read one connection. One that takes longer gets no more.
const heirPatience = 5 * time.Second

// send sends all connections to a front, until no more are added. It closes those that the front does not take; nil: all.
func (e *estate) send(heir *channel.Channel) {
	if heir != nil {
		defer heir.Close()
	}
	takes := heir != nil
	for {
		e.mu.Lock()
		queue, ended := e.queue, e.ended
		e.queue = nil
		e.mu.Unlock()
		for _, c := range queue {
			if fd := c.descriptor(); takes && fd >= 0 {
				takes = heir.SendWithin(contract.Connection, c.at, int(fd), heirPatience) == nil
			}
			c.Close()
		}
		if len(queue) == 0 {
			if ended {
				return
			}
			<-e.news
		}
	}
}

// finishLeaving waits until all connections are another front's. On a busy machine some are parked only after the front has yielded.
func (f *Front) finishLeaving(ctx context.Context) {
	if f.left != nil {
		f.left.end()
	}
	done := make(chan struct{})
	go func() {
		f.leaving.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// leaveTo has heir take all that is parked and will be.
func (l *lot) leaveTo(heir func(*conn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heir = heir
	for fd := range l.parked {
		heir(l.remove(fd))
	}
}

// interrupt has all connections parked at once on which nothing has come, those that wait now and those that will.
func (c *connections) interrupt() {
	c.yields.Store(true)
	for _, one := range c.all() {
		one.wrote.Store(false)
		one.calling.Lock()
		if one.place.Load() == waiting {
			one.Conn.SetReadDeadline(longAgo)
		}
		one.calling.Unlock()
	}
}

func (c *connections) all() (all []*conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		all = append(all, one)
	}
	return all
}

// holding reports whether a request may come that would be answered here, or a client has not been told yet where it would
// not.
func (c *connections) holding(since time.Time) bool {
	now := time.Now()
	for _, one := range c.all() {
		idle := one.idle.Load()
		switch {
		case one.streamed.Load():
			if !one.wrote.Load() { // the GOAWAY
				return true
			}
		case one.parkable.Load():
			promised := one.promised.Load() // before its place, which changes first
			if place := one.place.Load(); promised || place == announced || place == waiting || place == leaving {
				return true
			}
		case !one.begun.Load():
			if now.Sub(one.accepted) < yieldPatience {
				return true
			}
		case idle != 0 && now.UnixNano()-idle < int64(livelyPause):
			if now.Sub(since) < toldPatience {
				return true
			}
		}
	}
	return false
}

// closeSilent closes the connections with TLS that are ready for a request and have had none.
func (c *connections) closeSilent() {
	for _, one := range c.all() {
		secured := one.secured.Load()
		if secured == nil || one.begun.Load() || one.streamed.Load() {
			continue
		}
		go func() {
			if secured.Handshake() != nil {
				return
			}
			time.Sleep(livelyPause)
			if !one.begun.Load() && !one.streamed.Load() {
				secured.Close()
			}
		}()
	}
}

// inherit takes the connections that another front leaves to this one.
func (f *Front) inherit(from *channel.Channel) {
	from.Read(channel.AnyDescriptor, func(m channel.Message) {
		if m.FD < 0 {
			return
		}
		accepted := connected(m.FD)
		if accepted == nil {
			return
		}
		if !f.listensAt(m.Text) || !f.connections.enter(f.connections.lot.done) {
			accepted.Close()
			return
		}
		f.rest(f.connections.register(accepted, m.Text))
	})
}

// listensAt reports whether there is a listener without TLS at an address.
func (f *Front) listensAt(address string) bool {
	for _, l := range f.listeners {
		if l, ok := l.(*listener); ok && l.Address == address && !l.TLS {
			return true
		}
	}
	return false
}
