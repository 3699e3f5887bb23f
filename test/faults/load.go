package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// caller is one of the clients that ask all the while, one request after the other.
type caller struct {
	door door
	kept bool
}

func (c caller) String() string {
	return string(c.door) + map[bool]string{true: ", kept", false: ", new"}[c.kept]
}

// callers are those of a service.
func (s *service) callers() (all []caller) {
	for _, d := range s.doors() {
		all = append(all, caller{d, true}, caller{d, false})
	}
	return all
}

// pause is how long a caller waits between two requests: the load is known, and leaves the processors to the faults.
const pause = 4 * time.Millisecond

// load is the callers at work.
type load struct {
	s       *service
	current atomic.Int64 // the generation that serves: no request that begins from now on may be answered by an older one
	number  atomic.Int64
	stop    chan struct{}
	all     sync.WaitGroup

	mu     sync.Mutex
	tally  tally
	states map[string]bool // what a clean answer says of the worker, by door
}

// tally is what became of the load.
type tally struct {
	sent, retried, stale int
	failed               []failure
	again                []failure // what was asked once more
	slowest              time.Duration
}

type failure struct {
	caller
	result
}

func (f failure) String() string { return f.caller.String() + ": " + f.result.String() }

// usual is how many clients ask.
const usual = 6

// begin puts a load of so many clients on a service, with each caller equally often.
func (s *service) begin(generation, clients int) *load {
	l := &load{s: s, stop: make(chan struct{}), states: map[string]bool{}}
	l.current.Store(int64(generation))
	callers := s.callers()
	for i := range clients {
		l.all.Go(func() { l.call(callers[i%len(callers)]) })
	}
	return l
}

// call asks until the load's end.
func (l *load) call(c caller) {
	v := c.door.visitor(l.s, c.kept)
	defer v.close()
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		case <-time.After(pause):
		}
		q := request{n: int(l.number.Add(1))}
		switch {
		case i%10 == 3:
			q.us = 20_000
		case i%10 == 6:
			q.body = bytes.Repeat([]byte("0123456789"), 10_000)
		case i%10 == 9:
			q.size = 100_000
		}
		current := int(l.current.Load())
		l.add(c, v.ask(q), current)
	}
}

func (l *load) add(c caller, r result, current int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &l.tally
	t.sent++
	t.slowest = max(t.slowest, r.took)
	if r.retried {
		t.retried++
		t.again = append(t.again, failure{c, r})
	}
	switch {
	case r.end != answered:
		t.failed = append(t.failed, failure{c, r})
	case r.generation < current:
		t.stale++
	default:
		l.states[string(c.door)+" "+r.state] = true
	}
}

// so returns the tally until now, and begins another.
func (l *load) so() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tally
	l.tally = tally{}
	return t
}

// finish ends the load. What it finds a request has left behind for another is an error.
func (l *load) finish() (tally, error) {
	close(l.stop)
	l.all.Wait()
	if len(l.states) > len(l.s.doors()) {
		var all []string
		for state := range l.states {
			all = append(all, state)
		}
		slices.Sort(all)
		return l.so(), fmt.Errorf("requests find what others have left behind:\n%s", strings.Join(all, "\n"))
	}
	return l.so(), nil
}

// add sums up.
func (t *tally) add(o tally) {
	t.sent, t.retried, t.stale = t.sent+o.sent, t.retried+o.retried, t.stale+o.stale
	t.failed, t.again = append(t.failed, o.failed...), append(t.again, o.again...)
	t.slowest = max(t.slowest, o.slowest)
}

// allowed is what a fault may do to the requests of the load.
type allowed struct {
	requests int   // so many may fail
	as       []end // in these ways
	retried  bool  // a kept connection may be closed before anything has come of its answer
}

// none is what most faults may do.
var none = allowed{}

// oneEach is what the end of n workers may do: to each its request, and their idle kept connections.
func oneEach(n int) allowed {
	return allowed{requests: n, as: []end{closed, unavailable}, retried: true}
}

// whatever is what the end of the service may do, until it is there again.
var whatever = allowed{requests: 1 << 30, as: []end{closed, unavailable, refused}, retried: true}

// lost returns the failures beyond the allowed ones.
func (t tally) lost(a allowed) (beyond []failure) {
	room := a.requests
	for _, f := range t.failed {
		if room > 0 && slices.Contains(a.as, f.end) {
			room--
			continue
		}
		beyond = append(beyond, f)
	}
	return beyond
}

// err is an error if the load has lost more than it may.
func (t tally) err(a allowed) error {
	beyond := t.lost(a)
	switch {
	case len(beyond) > 0:
		return fmt.Errorf("%d of %d requests were lost, beside %d allowed ones: %s", len(beyond), t.sent, len(t.failed)-len(beyond), some(beyond))
	case t.stale > 0:
		return fmt.Errorf("%d of %d requests were answered by an old generation", t.stale, t.sent)
	case t.retried > 0 && !a.retried:
		return fmt.Errorf("%d kept connections were closed before their answer: %s", t.retried, some(t.again))
	case t.sent == 0:
		return fmt.Errorf("nothing was asked")
	}
	return nil
}

func some(all []failure) string {
	var text []string
	for _, f := range all[:min(3, len(all))] {
		text = append(text, f.String())
	}
	return strings.Join(text, "; ")
}
