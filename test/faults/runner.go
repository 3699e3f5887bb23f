package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// outcome is what became of a fault.
type outcome struct {
	fault *fault
	tally
	whole   time.Duration // until all processes were there again
	skipped error         // why the fault was not injected
	err     error         // what it has done and may not do
}

// runner injects faults into one program. Faults that need the same settings have the same service.
type runner struct {
	program
	random  *rand.Rand
	answers map[string]string // php-fpm's, of the actions
	service *service
}

// serving returns a service with those settings, the last one if it has them.
func (n *runner) serving(with settings) (*service, error) {
	if n.service != nil && n.service.settings == with && n.service.Ended() == "" {
		return n.service, nil
	}
	n.stop()
	s, err := start(n.program, with)
	if err != nil {
		return nil, err
	}
	n.service = s
	// What a worker opens with its first requests is not a leak.
	l := s.begin(0, 2*usual)
	time.Sleep(500 * time.Millisecond)
	t, err := l.finish()
	return s, errors.Join(err, t.err(none))
}

func (n *runner) stop() {
	if n.service != nil {
		n.service.stop()
		n.service = nil
	}
}

// inject injects a fault while the load continues, and looks at what has become of the load and of the service.
func (n *runner) inject(f *fault) (o outcome) {
	o.fault = f
	if f.needs != nil {
		if o.skipped = f.needs(); o.skipped != nil {
			return o
		}
	}
	s, err := n.serving(f.with)
	if err != nil {
		o.err = fmt.Errorf("before the fault: %w", err)
		n.stop()
		return o
	}
	before := s.quiet()
	l := s.begin(0, usual)
	r := &run{service: s, load: l, answers: n.answers, random: n.random}
	time.Sleep(200 * time.Millisecond)
	calm := l.so()
	r.lifted = time.Now()
	injected := f.inject(r)
	if f.lasts {
		r.lift()
	}
	var returned error
	o.whole, returned = s.whole(before.onlyProcesses(), r.lifted)
	time.Sleep(200 * time.Millisecond)
	o.tally, err = l.finish()
	o.tally.sent += calm.sent
	o.err = errors.Join(calm.err(none), injected, returned, o.tally.err(f.allowed), err)
	if err := s.settle(before); err != nil {
		o.err = errors.Join(o.err, err)
	}
	if err := s.serves(); err != nil {
		o.err = errors.Join(o.err, fmt.Errorf("after the fault: %w", err))
	}
	if o.err != nil {
		o.err = fmt.Errorf("%w\n%s", o.err, n.keep())
	}
	return o
}

// keep ends a service that is not as it should be, so that the next fault meets another, and returns the end of its log.
func (n *runner) keep() string {
	text := n.service.logged()
	n.stop()
	return "the end of its log:\n" + text[max(0, len(text)-1500):]
}
