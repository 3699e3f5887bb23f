package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// footprint is a server's private memory in KiB, its largest worker's and its master's.
type footprint struct{ worker, master int }

func (s *server) footprint() footprint {
	return footprint{s.mostPrivate(), serve.Private(s.Pid())}
}

// memory is how footprints changed over requests of the same page.
type memory struct {
	requests []int // so far
	prints   []footprint
}

// measureMemory asks for one page, each worker in turn, and looks at the memory when so many requests were made.
func measureMemory(p program, at ...int) (m memory, err error) {
	s, err := start(p, "", "")
	if err != nil {
		return m, err
	}
	defer s.stop()
	done := 0
	m.requests, m.prints = []int{0}, []footprint{s.footprint()}
	for _, n := range at {
		t := load{clients: workers, script: "page.php", kept: true, requests: (n - done) / workers}.run(s, nil)
		if err := t.ok(); err != nil {
			return m, err
		}
		done = n
		m.requests, m.prints = append(m.requests, n), append(m.prints, s.footprint())
	}
	return m, nil
}

// million makes n requests, half of them on kept connections: more connections than there are workers, so that kept
// ones are parked and handed on all the time. No request may fail, and no worker may die.
func million(p program, n int) (t tally, f footprint, err error) {
	s, err := start(p, "", "")
	if err != nil {
		return t, f, err
	}
	defer s.stop()
	var before []int
	if err := s.WaitFor(10*time.Second, func() bool {
		before = s.workerPids()
		return len(before) == workers
	}); err != nil {
		return t, f, fmt.Errorf("workers %v: %w", before, err)
	}
	results := make(chan tally, 2)
	for _, kept := range []bool{true, false} {
		go func() {
			results <- load{clients: workers, script: "hello.php", kept: kept, requests: n / 2 / workers}.run(s, nil)
		}()
	}
	t = <-results
	t.sum(<-results)
	f = s.footprint()
	after := s.workerPids()
	slices.Sort(before)
	slices.Sort(after)
	if !slices.Equal(before, after) {
		return t, f, fmt.Errorf("workers %v, then %v", before, after)
	}
	return t, f, t.ok()
}
