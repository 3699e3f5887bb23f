package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rounds are how often each stack is measured in worker mode's suites, and lasting how long each time.
func (o Options) rounds() (rounds int, lasting time.Duration) {
	if o.Quick {
		return 3, time.Second / 2
	}
	return max(o.Runs/11, 3), 2 * time.Second
}

// inTurn measures all stacks, in each round one after the other, and returns their samples. The first round warms up.
func inTurn(all []*Stack, rounds int, measure func(*Stack) (Sample, error)) ([][]Sample, error) {
	samples := make([][]Sample, len(all))
	for n := range rounds + 1 {
		for i, s := range all {
			sample, err := measure(s)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				samples[i] = append(samples[i], sample)
			}
		}
	}
	return samples, nil
}

// pairs are the ratios of two stacks' samples of the same rounds, sorted.
func pairs(ours, theirs []Sample, of Quantity) (ratios []float64) {
	for i := range ours {
		ratios = append(ratios, ours[i][of]/theirs[i][of])
	}
	slices.Sort(ratios)
	return ratios
}

// workerSuite measures worker mode beside php-fpm, by HTTP and by FastCGI.
func workerSuite(o Options) (string, error) {
	rounds, lasting := o.rounds()
	var report strings.Builder
	fmt.Fprintf(&report, "%d clients, %d rounds of %v, then %v at 70 %% of the rate; %d workers in each pool; load average before %s",
		connections, rounds, lasting, lasting, connections, loadAverage())
	figures := [][]string{{"", "", "CPU, µs", "of it HTTP, µs", "page faults", "requests/s", "p50, ms", "p99, ms", "at 70 %: p50, ms", "p99, ms"}}
	ratios := [][]string{{"", "", "beside", "ratio of CPU time", "at most", ""}}
	for _, a := range applications(o) {
		boot, all, samples, err := measureSite(o, a)
		if err != nil {
			return "", err
		}
		name := fmt.Sprintf("%v (boot %v)", a, boot)
		for i, s := range all {
			figures = append(figures, workerLine(name, s.Name, samples[i]))
		}
		for _, p := range []struct {
			ours, theirs int
			limit        float64
		}{{2, 1, a.limit}, {2, 0, 0}, {4, 3, 0}, {5, 3, 0}} {
			ratios = append(ratios, ratioLine(a.String(), all[p.ours].Name, all[p.theirs].Name, pairs(samples[p.ours], samples[p.theirs], RequestCPU), p.limit))
		}
	}
	fmt.Fprintf(&report, ", after %s\n\n%s\n%s", loadAverage(), markdown(figures), markdown(ratios))
	return report.String(), nil
}

// measureSite measures an application in all stacks.
func measureSite(o Options, a Application) (boot time.Duration, all []*Stack, samples [][]Sample, err error) {
	rounds, lasting := o.rounds()
	site, err := newSite(a)
	if err != nil {
		return 0, nil, nil, err
	}
	defer site.remove()
	w := ways{o, site, connections}
	nginx, kept, front := w.stock("nginx, php-fpm"), w.stock("nginx, php-fpm, kept"), w.worker("phpsapi's front, worker mode", 0)
	nginx.direct, kept.direct, front.direct = false, false, false
	kept.keep, kept.workers, front.front = connections, workers, true
	all = []*Stack{nginx, kept, front, w.stock("FastCGI, php-fpm"), w.worker("FastCGI, worker mode", 0), w.ours("FastCGI, phpsapi")}
	stop, err := startAll(all, site.root)
	defer stop()
	if err != nil {
		return 0, nil, nil, err
	}
	samples, err = inTurn(all, rounds, func(s *Stack) (Sample, error) {
		c := s.crowd(site.root)
		defer c.close()
		sample, err := s.measureVisits(func() (visits, error) { return c.saturate(lasting) })
		if err != nil {
			return sample, err
		}
		paced, err := c.pace(0.7*sample[Rate], lasting)
		sample[PacedP50], sample[PacedP99] = milli(paced.p50), milli(paced.p99)
		return sample, err
	})
	if err == nil {
		boot, err = all[3].bootTime(site.root)
	}
	return boot, all, samples, err
}

func workerLine(application, stack string, samples []Sample) []string {
	line := []string{application, stack, spread(samples, RequestCPU), fmt.Sprintf("%.1f", median(samples, DoorCPU)),
		fmt.Sprintf("%.1f", median(samples, Faults)), fmt.Sprintf("%.0f", median(samples, Rate))}
	for _, q := range []Quantity{P50, P99, PacedP50, PacedP99} {
		line = append(line, fmt.Sprintf("%.2f", median(samples, q)))
	}
	return line
}

// spread is the median of a quantity, with the least and the most.
func spread(samples []Sample, of Quantity) string {
	least, most := extremes(samples, of)
	return fmt.Sprintf("%.1f (%.1f–%.1f)", median(samples, of), least, most)
}

// ratioLine shows sorted ratios, and a limit, if there is one.
func ratioLine(application, ours, theirs string, ratios []float64, limit float64) []string {
	n := len(ratios)
	middle := (ratios[(n-1)/2] + ratios[n/2]) / 2
	line := []string{application, ours, theirs, fmt.Sprintf("%.4f (%.4f–%.4f)", middle, ratios[0], ratios[n-1]), "", ""}
	if limit > 0 {
		line[4], line[5] = fmt.Sprint(limit), "ok"
		if middle > limit {
			line[5] = "OVER"
		}
	}
	return line
}
