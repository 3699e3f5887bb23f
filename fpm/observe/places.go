package observe

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// places bounds the connections of all listeners together. If all places are taken a new connection gets that of the one which has been without a
// request the longest, which is closed: clients that connect and say nothing, however many, keep nobody from an answer. Connections with a request
// are never closed for others; if all have one, the new connection waits.
type places struct {
	mu     sync.Mutex
	freed  sync.Cond // a place is free, or a connection has no request any more
	most   int
	taken  int
	silent []*placed // those without a request, the one that has been so the longest first
}

func newPlaces(most int) *places {
	p := &places{most: most}
	p.freed.L = &p.mu
	return p
}

// enter gives a connection a place. It waits for one, if all others have requests.
func (p *places) enter(c *placed) {
	p.mu.Lock()
	for p.taken == p.most && len(p.silent) == 0 {
		p.freed.Wait()
	}
	var closed *placed
	if p.taken == p.most {
		closed = p.silent[0]
		closed.gone = true
		p.silent = p.silent[1:]
	} else {
		p.taken++
	}
	p.silent = append(p.silent, c)
	p.mu.Unlock()
	if closed != nil {
		closed.Conn.Close()
	}
}

// limited is a listener whose connections have places.
type limited struct {
	net.Listener
	places *places
}

func (l *limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	placed := &placed{Conn: c, places: l.places}
	l.places.enter(placed)
	return placed, nil
}

// placed is a connection that has a place until it is closed.
type placed struct {
	net.Conn
	places *places
	gone   bool // it has no place any more
}

// occupy notes that the connection has a request.
func (c *placed) occupy() {
	p := c.places
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(c)
}

// rest notes that the connection's request is answered.
func (c *placed) rest() {
	p := c.places
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(c)
	if !c.gone {
		p.silent = append(p.silent, c)
		p.freed.Signal()
	}
}

// Close closes the connection, and frees its place.
func (c *placed) Close() error {
	p := c.places
	p.mu.Lock()
	p.forget(c)
	if !c.gone {
		c.gone = true
		p.taken--
		p.freed.Signal()
	}
	p.mu.Unlock()
	return c.Conn.Close()
}

// forget takes a connection from the silent ones. The caller holds the lock.
func (p *places) forget(c *placed) {
	if i := slices.Index(p.silent, c); i >= 0 {
		p.silent = slices.Delete(p.silent, i, i+1)
	}
}

type placeKey struct{}

// withPlace has a request's context tell its connection.
func withPlace(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, placeKey{}, c)
}

// rest is told of a connection's states: a connection is idle when the answer is sent.
func rest(c net.Conn, state http.ConnState) {
	if c, ok := c.(*placed); ok && state == http.StateIdle {
		c.rest()
	}
}

// occupying has requests occupy their connections. One that announces a body does so only until the answer is sent: nobody waits for the body.
func occupying(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(placeKey{}).(*placed)
		if ok {
			c.occupy()
		}
		if r.ContentLength == 0 {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		h.ServeHTTP(w, r)
		http.NewResponseController(w).Flush()
		if ok {
			c.rest()
		}
	})
}
