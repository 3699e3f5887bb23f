package main

import (
	"fmt"
	"time"
)

// pacedPart is how much of php-fpm's requests a second both are asked for.
const pacedPart = 0.7

// fpmPaced measures how long requests take that come at a steady rate: for both at the same, which is a part of what php-fpm can answer
// in that round.
func fpmPaced(w ways, rounds int, lasting time.Duration) (string, error) {
	all := []*Stack{w.stock("php-fpm"), w.ours("phpsapi")}
	stop, err := startAll(all, w.site.root)
	defer stop()
	if err != nil {
		return "", err
	}
	lines := [][]string{{"", "", "requests/s", "php-fpm: p50, ms", "p99, ms", "phpsapi: p50, ms", "p99, ms", "ratio of p99", "at most", ""}}
	for _, p := range w.options.fpmPages() {
		for _, load := range fpmLoads {
			if load.clients == 1 || p.body != nil {
				continue
			}
			var rate float64
			samples, err := inTurn(all, rounds, func(s *Stack) (Sample, error) {
				c := p.crowd(s, w.site.root, load.clients, load.kept)
				defer c.close()
				most, err := c.saturate(lasting)
				if err != nil {
					return Sample{}, err
				}
				if s == all[0] {
					rate = pacedPart * most.rate
				}
				v, err := c.pace(rate, lasting)
				return Sample{Rate: v.rate, PacedP50: milli(v.p50), PacedP99: milli(v.p99)}, err
			})
			if err != nil {
				return "", fmt.Errorf("%s, %s, paced: %w", p.name, load.name, err)
			}
			line := ratioLine(p.name, load.name, "", pairs(samples[1], samples[0], PacedP99), 1)
			lines = append(lines, []string{p.name, load.name, fmt.Sprintf("%.0f", median(samples[0], Rate)),
				milliseconds(samples[0], PacedP50), milliseconds(samples[0], PacedP99),
				milliseconds(samples[1], PacedP50), milliseconds(samples[1], PacedP99), line[3], line[4], line[5]})
		}
	}
	return fmt.Sprintf("Requests that come at a steady rate, %.0f %% of what php-fpm answers at most in that round\n\n%s", 100*pacedPart, markdown(lines)), nil
}

// milliseconds is the median of a time.
func milliseconds(samples []Sample, of Quantity) string {
	return fmt.Sprintf("%.2f", median(samples, of))
}
