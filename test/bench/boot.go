package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/serve"
)

// worn is how many requests there are between two looks at the memory.
const worn = 10_000

// A start is what it took until all workers of a pool were ready, and what memory they then have.
type start struct {
	took, cpu  time.Duration
	fresh      memory
	afterwards memory // after worn requests
}

// memory is the memory of a stack's processes, in KiB: of what is shared with others each has its share.
type memory struct{ workers, all int }

// bootSuite measures starts, and the memory of workers.
func bootSuite(o Options) (string, error) {
	rounds, _ := o.rounds()
	var report strings.Builder
	fmt.Fprintf(&report, "%d workers, %d starts; the memory after %d requests is that of one; load average before %s", connections, rounds, worn, loadAverage())
	starts := [][]string{{"", "", "ready after, ms", "CPU until then, ms"}}
	memories := [][]string{{"", "", "workers, fresh", "and all other processes", fmt.Sprintf("workers, after %d", worn), "and all other processes"}}
	for _, a := range applications(o) {
		site, err := newSite(a)
		if err != nil {
			return "", err
		}
		defer site.remove()
		w := ways{o, site, connections}
		ways := []func() *Stack{
			func() *Stack { return w.stock("php-fpm") },
			func() *Stack { return w.worker("worker mode", 0) },
			func() *Stack { return w.worker("worker mode, snapshot = 50", 50) },
		}
		all := make([][]start, len(ways))
		for n := range rounds {
			for i, way := range ways {
				s := way()
				began, err := s.begin(site.root, n == 0)
				s.stop()
				if err != nil {
					return "", fmt.Errorf("%s: %w", s.Name, err)
				}
				all[i] = append(all[i], began)
			}
		}
		for i, way := range ways {
			name, first := way().Name, all[i][0]
			var samples []Sample
			for _, s := range all[i] {
				samples = append(samples, Sample{P50: milli(s.took), CPU: milli(s.cpu)})
			}
			starts = append(starts, []string{a.String(), name, spread(samples, P50), spread(samples, CPU)})
			memories = append(memories, []string{a.String(), name, mega(first.fresh.workers), mega(first.fresh.all - first.fresh.workers),
				mega(first.afterwards.workers), mega(first.afterwards.all - first.afterwards.workers)})
		}
	}
	fmt.Fprintf(&report, ", after %s\n\n%s\n%s", loadAverage(), markdown(starts), markdown(memories))
	return report.String(), nil
}

func mega(kib int) string { return fmt.Sprintf("%.1f MB", float64(kib)/1024) }

// begin starts a stack, and waits until all its workers are ready. With wear they have to work, too.
func (s *Stack) begin(root string, wear bool) (began start, err error) {
	at := time.Now()
	if err := s.start(root); err != nil {
		return began, err
	}
	if err := s.running[0].WaitFor(2*time.Minute, s.isReady); err != nil {
		return began, err
	}
	began.took = time.Since(at)
	began.cpu, _ = s.cpu()
	began.fresh = s.memory()
	if !wear {
		return began, nil
	}
	c := s.crowd(root)
	defer c.close()
	if _, err := c.ask(worn); err != nil {
		return began, err
	}
	err = s.running[0].WaitFor(time.Minute, s.isReady)
	began.afterwards = s.memory()
	return began, err
}

// pids are the workers' processes.
func (s *Stack) pids() []int { return s.running[0].Titled("php-fpm: pool www") }

// isReady reports whether all workers can answer at once.
func (s *Stack) isReady() bool {
	if len(s.arguments) == 0 { // a worker that is there is ready
		return len(s.pids()) == s.workers
	}
	c, err := control.Dial(s.running[0].Pid())
	if err != nil {
		return false
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := c.Ask(ctx, control.Request{Command: control.Status}, func(control.Answer) {})
	if err != nil || a.Status == nil || len(a.Status.Generations) == 0 {
		return false
	}
	for _, page := range a.Status.Generations[0].Pools {
		var p control.Pool
		if json.Unmarshal(page, &p) == nil && p.Name == "www" {
			return p.Idle == s.workers
		}
	}
	return false
}

// memory is what the stack's processes have.
func (s *Stack) memory() (m memory) {
	for _, pid := range s.pids() {
		m.workers += serve.Proportional(pid)
	}
	for _, p := range s.running {
		for _, pid := range p.Tree() {
			m.all += serve.Proportional(pid)
		}
	}
	return m
}
