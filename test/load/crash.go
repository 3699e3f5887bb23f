package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// crashed is what became of requests while workers were killed.
type crashed struct {
	kills int
	rest  tally // the requests that killed nobody
}

// crashUnderLoad has workers killed by their own scripts, by SIGSEGV and SIGKILL in turn, while clients ask: each time
// only the current request may fail.
func crashUnderLoad(p program, n int) (r crashed, err error) {
	s, err := start(p, "", "pm.max_children = 16")
	if err != nil {
		return r, err
	}
	defer s.stop()
	fresh := load{clients: 4, script: "hello.php"}.begin(s)
	kept := load{clients: 4, script: "hello.php", kept: true}.begin(s)
	for i := range n {
		script, line := "segv.php", "exited on signal 11"
		if i%2 == 1 {
			script, line = "kill.php", "exited on signal 9"
		}
		c := newClient(s, script, false)
		if c.do() == nil {
			err = fmt.Errorf("%s was answered: %q", script, c.ask.Answer)
			break
		}
		r.kills++
		if err = s.waitForLog(i/2+1, line, 5*time.Second); err != nil {
			err = fmt.Errorf("%q: %w\n%s", line, err, s.logged())
			break
		}
	}
	r.rest = fresh()
	r.rest.sum(kept())
	return r, err
}

// killIdle kills workers that have a kept connection and no request: that costs the connection in php-fpm, where it is
// the worker's, and here as well unless it was parked. No other client may notice, and the pool fills up again.
func killIdle(p program) error {
	s, err := start(p, "", "")
	if err != nil {
		return err
	}
	defer s.stop()
	var before []int
	if err := s.WaitFor(10*time.Second, func() bool {
		before = s.workerPids()
		return len(before) == workers
	}); err != nil {
		return fmt.Errorf("workers %v: %w", before, err)
	}
	for _, pid := range before {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := s.WaitFor(5*time.Second, func() bool {
		now := s.workerPids()
		return len(now) == workers && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(before, pid) })
	}); err != nil {
		return fmt.Errorf("workers %v, then %v: %w", before, s.workerPids(), err)
	}
	return load{clients: workers, script: "hello.php", requests: 50}.run(s, nil).ok()
}

// emergencyRestart has as many workers die of SIGSEGV as emergency_restart_threshold allows: the master then reloads.
func emergencyRestart(p program) error {
	s, err := start(p, "emergency_restart_threshold = 3\nemergency_restart_interval = 1m", "")
	if err != nil {
		return err
	}
	defer s.stop()
	for i := range 3 {
		c := newClient(s, "segv.php", false)
		c.do()
		if err := s.waitForLog(i+1, "exited on signal 11", 5*time.Second); err != nil {
			return fmt.Errorf("%w\n%s", err, s.logged())
		}
	}
	for _, line := range []string{"failed processes threshold (3 in 60 sec) is reached, initiating reload", "reloading: execvp"} {
		if err := s.waitForLog(1, line, 5*time.Second); err != nil {
			return fmt.Errorf("%q: %w\n%s", line, err, s.logged())
		}
	}
	if err := s.waitForLog(2, "ready to handle connections", 5*time.Second); err != nil {
		return fmt.Errorf("%w\n%s", err, s.logged())
	}
	if strings.Contains(s.logged(), "reload failed") || !s.serves() {
		return fmt.Errorf("it serves no more:\n%s", s.logged())
	}
	return nil
}
