package main

import (
	"fmt"
	"strings"
	"time"
)

// snapshots are the numbers of requests that a worker answers; 0: it boots by itself and answers all.
var snapshots = []int{0, 50, 20, 1}

// sizes are the applications with which the boot is found from which on a worker for each request is cheaper than php-fpm.
var sizes = []int{100, 300, 600, 1000, 1500, 2500}

// snapshotSuite measures what workers cost that are thrown away.
func snapshotSuite(o Options) (string, error) {
	rounds, lasting := o.rounds()
	var report strings.Builder
	fmt.Fprintf(&report, "FastCGI, %d clients, %d rounds of %v; %d workers in each pool; load average before %s",
		connections, rounds, lasting, connections, loadAverage())
	figures := [][]string{{"", "", "CPU, µs", "page faults", "requests/s", "p50, ms", "p99, ms"}}
	for _, a := range applications(o) {
		_, all, samples, err := measureSnapshots(o, a, snapshots)
		if err != nil {
			return "", err
		}
		for i, s := range all {
			figures = append(figures, []string{a.String(), s.Name, spread(samples[i], RequestCPU), fmt.Sprintf("%.1f", median(samples[i], Faults)),
				fmt.Sprintf("%.0f", median(samples[i], Rate)), fmt.Sprintf("%.2f", median(samples[i], P50)), fmt.Sprintf("%.2f", median(samples[i], P99))})
		}
	}
	boots := [][]string{{"", "boot, ms", "php-fpm, µs", "snapshot = 1, µs", "ratio"}}
	var points []point
	for _, size := range sizes {
		a := ofClasses(size)
		boot, _, samples, err := measureSnapshots(o, a, []int{1})
		if err != nil {
			return "", err
		}
		stock, ours := median(samples[0], RequestCPU), median(samples[1], RequestCPU)
		points = append(points, point{boot, ours - stock})
		boots = append(boots, []string{a.String(), fmt.Sprintf("%.2f", milli(boot)), spread(samples[0], RequestCPU), spread(samples[1], RequestCPU),
			fmt.Sprintf("%.2f", ours/stock)})
	}
	fmt.Fprintf(&report, ", after %s\n\n%s\n%s\n%s\n", loadAverage(), markdown(figures), markdown(boots), crossing(points))
	return report.String(), nil
}

// A point is what a worker for each request takes more than php-fpm, in microseconds, with an application whose boot is so long.
type point struct {
	boot time.Duration
	more float64
}

// crossing tells from which boot on a worker for each request is cheaper: between two points, as on the line from one to the other.
func crossing(points []point) string {
	const what = "A worker for each request is cheaper than php-fpm "
	for i, p := range points {
		switch {
		case p.more > 0:
			continue
		case i == 0:
			return fmt.Sprintf("%sfrom a boot of less than %.2f ms on.", what, milli(p.boot))
		}
		before := points[i-1]
		share := before.more / (before.more - p.more)
		return fmt.Sprintf("%sfrom a boot of %.2f ms on.", what, milli(before.boot)+share*milli(p.boot-before.boot))
	}
	return what + "with none of these applications."
}

// measureSnapshots measures an application in php-fpm, the first of all, and in worker mode with each of these snapshots.
func measureSnapshots(o Options, a Application, snapshots []int) (boot time.Duration, all []*Stack, samples [][]Sample, err error) {
	rounds, lasting := o.rounds()
	site, err := newSite(a)
	if err != nil {
		return 0, nil, nil, err
	}
	defer site.remove()
	w := ways{o, site, connections}
	all = []*Stack{w.stock("php-fpm")}
	for _, n := range snapshots {
		name := fmt.Sprintf("worker mode, snapshot = %d", n)
		if n == 0 {
			name = "worker mode"
		}
		all = append(all, w.worker(name, n))
	}
	stop, err := startAll(all, site.root)
	defer stop()
	if err != nil {
		return 0, nil, nil, err
	}
	samples, err = inTurn(all, rounds, func(s *Stack) (Sample, error) {
		c := s.crowd(site.root)
		defer c.close()
		return s.measureVisits(func() (visits, error) { return c.saturate(lasting) })
	})
	if err == nil {
		boot, err = all[0].bootTime(site.root)
	}
	return boot, all, samples, err
}
