package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// idleKept keeps a connection open for each worker, and says how long a further client then waits.
func idleKept(p program) (time.Duration, error) {
	s, err := start(p, "", "")
	if err != nil {
		return 0, err
	}
	defer s.stop()
	for range workers {
		c := newClient(s, "hello.php", true)
		defer c.close()
		if err := c.do(); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if c := newClient(s, "hello.php", false); c.do() != nil {
		return 0, fmt.Errorf("not served within %v", time.Since(began).Round(time.Second))
	}
	return time.Since(began), nil
}

// keptWhileBusy makes a request on a kept connection whose worker is busy with another one, and says how long the
// request took. The busy worker is so for a second.
func keptWhileBusy(p program) (time.Duration, error) {
	s, err := start(p, "", "")
	if err != nil {
		return 0, err
	}
	defer s.stop()
	var all [workers]*client
	for i := range all {
		all[i] = newClient(s, "pid.php", true)
		defer all[i].close()
		if err := all[i].do(); err != nil {
			return 0, err
		}
	}
	// One of these gets to the worker that holds the connection which is used below.
	busy := make(chan int, workers-1)
	for range workers - 1 {
		go func() {
			c := newClient(s, "pid.php?ms=1000", false)
			if c.do() != nil {
				busy <- 0
				return
			}
			busy <- c.pid()
		}()
	}
	time.Sleep(200 * time.Millisecond)
	var slowest time.Duration
	for _, c := range all {
		began := time.Now()
		if err := c.do(); err != nil {
			return 0, err
		}
		slowest = max(slowest, time.Since(began))
	}
	for range workers - 1 {
		if <-busy == 0 {
			return 0, fmt.Errorf("a slow request failed")
		}
	}
	return slowest, nil
}

// pid is the worker that gave the last answer of pid.php.
func (c *client) pid() int {
	n, _ := strconv.Atoi(strings.TrimSpace(c.ask.Body()))
	return n
}
