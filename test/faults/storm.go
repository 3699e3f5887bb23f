package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// inStorm are the faults that may come among others in a service.
func inStorm(with settings) []*fault {
	return slices.DeleteFunc(faults(), func(f *fault) bool { return !f.random || f.with != (settings{}) && f.with != with })
}

// storm injects faults into one service, one after the other, without a wait for the recovery from the last, while the load continues.
// gap is how long it pauses between two.
func (n *runner) storm(with settings, all []*fault, gap func() time.Duration) (o outcome) {
	o.fault = &fault{name: "storm"}
	s, err := n.serving(with)
	if err != nil {
		o.err = err
		n.stop()
		return o
	}
	before := s.quiet()
	l := s.begin(0, usual)
	r := &run{service: s, load: l, answers: n.answers, random: n.random}
	for _, f := range all {
		time.Sleep(gap())
		o.fault.allowed.add(f.allowed)
		if e := f.inject(r); e != nil && !errors.Is(e, errNoProcess) {
			err = errors.Join(err, fmt.Errorf("%s: %w", f.name, e))
		}
	}
	var returned error
	o.whole, returned = s.whole(before.onlyProcesses(), time.Now())
	var left error
	o.tally, left = l.finish()
	o.err = errors.Join(err, returned, o.tally.err(o.fault.allowed), left)
	if err := s.settle(before); err != nil {
		o.err = errors.Join(o.err, err)
	}
	if o.err != nil {
		var names []string
		for _, f := range all {
			names = append(names, f.name)
		}
		o.err = fmt.Errorf("after %s:\n%w\n%s", strings.Join(names, "; "), o.err, n.keep())
	}
	return o
}

// add allows what another fault may do, too.
func (a *allowed) add(b allowed) {
	a.requests = min(a.requests+b.requests, 1<<30)
	a.as = append(a.as, b.as...)
	a.retried = a.retried || b.retried
}

// atRandom injects faults at random, ten and ten, until the time is over. Every other ten of them scripts may fork.
func (n *runner) atRandom(lasting time.Duration, show func(outcome)) (sum outcome, storms int) {
	sum.fault = &fault{name: "at random"}
	for end := time.Now().Add(lasting); time.Now().Before(end); storms++ {
		with := settings{pcntl: storms%2 == 1}
		all := inStorm(with)
		some := make([]*fault, 10)
		for i := range some {
			some[i] = all[n.random.IntN(len(all))]
		}
		o := n.storm(with, some, func() time.Duration { return time.Duration(n.random.IntN(300)) * time.Millisecond })
		show(o)
		sum.tally.add(o.tally)
		sum.fault.allowed.add(o.fault.allowed)
		sum.whole = max(sum.whole, o.whole)
		sum.err = errors.Join(sum.err, o.err)
	}
	return sum, storms
}
