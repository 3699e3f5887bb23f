package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/test/bench/plot"
)

// measureBursts measures how soon a pool without workers has as many as its clients need.
func measureBursts(dir string, programs [2]program, n scale) (string, []plot.Picture, error) {
	lines := [][]string{{"workers at once", "", "there", "within, s", "CPU, ms a worker"}}
	for _, p := range programs {
		var took, cpu []float64
		least := n.burst
		for round := 0; round < n.rounds && least == n.burst; round++ {
			there, t, c, err := burstOf(dir, p, n.burst)
			if err != nil {
				return "", nil, fmt.Errorf("%s: %w", p.name, err)
			}
			least = min(least, there)
			took, cpu = append(took, t.Seconds()), append(cpu, c.Seconds()*1e3/float64(max(there, 1)))
		}
		if least < n.burst {
			took = []float64{burstPatience.Seconds()}
		}
		lines = append(lines, []string{fmt.Sprint(n.burst), p.name, fmt.Sprint(least), middle("%.2f", took), middle("%.1f", cpu)})
	}
	return markdown(lines), nil, nil
}

// middle shows the median of values, the least and the most.
func middle(format string, values []float64) string {
	values = slices.Sorted(slices.Values(values))
	f := func(v float64) string { return fmt.Sprintf(format, v) }
	return fmt.Sprintf("%s (%s–%s)", f(values[len(values)/2]), f(values[0]), f(values[len(values)-1]))
}

// burstOf measures one burst of a new service: how many workers it brought, how long that took, and the CPU time of all
// processes.
func burstOf(dir string, p program, workers int) (there int, took, cpu time.Duration, err error) {
	s, err := startService(dir, p, 1, fmt.Sprintf("pm = ondemand\npm.max_children = %d\npm.process_idle_timeout = 60s", workers))
	if err != nil {
		return 0, 0, 0, err
	}
	defer s.stop()
	before := s.CPU()
	there, took, err = s.burst(workers)
	return there, took, s.CPU() - before, err
}
