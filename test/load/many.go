package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/serve"
)

// manyWorkers is what a pool of many workers costs that answer nothing.
type manyWorkers struct {
	proportional int           // memory of all of them, in KiB
	all          int           // and with that of the other processes
	born, ended  time.Duration // CPU time of all processes for each worker's start, and for each orderly end
}

func measureMany(p program, n int) (m manyWorkers, err error) {
	s, err := start(p, "process_control_timeout = 60s", fmt.Sprintf("pm.max_children = %d\n", n))
	if err != nil {
		return m, err
	}
	defer s.stop()
	var pids []int
	if err := s.WaitFor(time.Minute, func() bool { pids = s.workerPids(); return len(pids) == n }); err != nil {
		return m, err
	}
	time.Sleep(2 * time.Second) // the last one's start is over
	for _, pid := range s.Tree() {
		m.all += serve.Proportional(pid)
	}
	for _, pid := range pids {
		m.proportional += serve.Proportional(pid)
	}
	born := s.CPU()
	s.Signal(unix.SIGQUIT)
	if err := s.WaitFor(2*time.Minute, func() bool { return s.Ended() != "" }); err != nil && s.Ended() == "" {
		return m, err
	}
	m.born, m.ended = born/time.Duration(n), (s.Spent()-born)/time.Duration(n)
	return m, nil
}

func showMany(programs [2]program, _ sizes) error {
	fmt.Println("| workers | | PSS of the workers, MB | of all processes, MB | CPU time of a start, ms | of an end, ms |\n|---|---|---|---|---|---|")
	for _, n := range []int{50, 100} {
		for _, p := range programs {
			m, err := measureMany(p, n)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			fmt.Printf("| %d | %s | %.1f | %.1f | %.1f | %.1f |\n", n, p.name, float64(m.proportional)/1024, float64(m.all)/1024,
				float64(m.born.Microseconds())/1000, float64(m.ended.Microseconds())/1000)
		}
	}
	return nil
}
