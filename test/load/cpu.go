package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is one round of requests to one server.
type sample struct {
	cpu  time.Duration // of each request
	rate float64       // requests a second
}

// round makes requests and says what they took of the server's time.
func round(s *server, l load) (sample, error) {
	before, began := s.CPU(), time.Now()
	t := l.run(s, nil)
	took := time.Since(began)
	return sample{(s.CPU() - before) / time.Duration(t.done), float64(t.done) / took.Seconds()}, t.ok()
}

// comparison is the medians of interleaved rounds.
type comparison struct {
	what        string
	cpu         [2]time.Duration
	rate        [2]float64
	least, most [2]time.Duration // of cpu
}

// compareCPU measures two programs in turn, so that what else the machine does meets both.
func compareCPU(programs [2]program, rounds, requests int) (results []comparison, err error) {
	var servers [2]*server
	for i, p := range programs {
		if servers[i], err = start(p, "", ""); err != nil {
			return nil, err
		}
		defer servers[i].stop()
	}
	for _, l := range []load{
		{clients: workers, script: "hello.php", kept: true, requests: requests / workers},
		{clients: workers, script: "hello.php", requests: requests / workers},
		{clients: workers, script: "page.php", kept: true, requests: requests / workers / 10},
	} {
		how := "new connections"
		if l.kept {
			how = "kept connections"
		}
		c := comparison{what: l.script + ", " + how}
		var samples [2][]sample
		for n := range rounds + 1 {
			for i, s := range servers {
				got, err := round(s, l)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", s.name, c.what, err)
				}
				if n > 0 { // the first warms up
					samples[i] = append(samples[i], got)
				}
			}
		}
		for i := range servers {
			c.add(i, samples[i])
		}
		results = append(results, c)
	}
	return results, nil
}

func (c *comparison) add(i int, samples []sample) {
	slices.SortFunc(samples, func(a, b sample) int { return int(a.cpu - b.cpu) })
	c.cpu[i], c.least[i], c.most[i] = samples[len(samples)/2].cpu, samples[0].cpu, samples[len(samples)-1].cpu
	slices.SortFunc(samples, func(a, b sample) int { return int(a.rate - b.rate) })
	c.rate[i] = samples[len(samples)/2].rate
}

// micro is a time in microseconds.
func micro(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Microsecond)) }
