package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/test/serve"
)

// stacks are what is compared, in the order of a round.
func stacks(o Options) []*Stack {
	stock, ours := []string{"/usr/sbin/php-fpm" + o.Stock}, []string{o.Binary, "fpm"}
	return []*Stack{
		{Name: "(a) nginx, php-fpm", against: -1, fpm: stock},
		{Name: "(a) nginx, php-fpm, kept", against: -1, fpm: stock, keep: connections},
		{Name: "(b) nginx, phpsapi", against: 0, limit: 1, fpm: ours},
		{Name: "(b) nginx, phpsapi, kept", against: 1, limit: 1, fpm: ours, keep: connections},
		{Name: "(c) phpsapi alone", against: -1, fpm: ours, front: true},
	}
}

// A page is what is asked for.
type page struct {
	name, path string
	has        string // a part of it
	seconds    int    // for how long it is asked for in one round of one stack
	// alone is what phpsapi without nginx may take of the CPU time of the first stack, and of the second; 0: it is not compared.
	alone [2]float64
	// rate is how many times the first stack's requests a second phpsapi without nginx must answer; 0: that is not compared. If it is
	// given, the slowest hundredth of its answers must not take longer than those of the last stack that has nginx before phpsapi.
	rate float64
	// size is how long the page is if it is a file, in bytes. Files are asked for from the first stack, as what is behind nginx does not
	// matter, and from phpsapi alone; if everywhere is set, from all.
	size       int
	everywhere bool
}

var pages = []page{
	{name: "hello world", path: "/hello.php", has: "Hello, world!", seconds: 3, alone: [2]float64{0.45, 0.60}, rate: 1.5},
	{name: "a file of 1 KB", path: "/short.txt", has: "file", seconds: 3, alone: [2]float64{1.5}, size: 1 << 10},
	{name: "a file of 10 MB", path: "/long.txt", has: "file", seconds: 3, alone: [2]float64{1.1}, size: 10 << 20},
	{name: "WordPress's front page", path: "/", has: "Hello world!", seconds: 6, alone: [2]float64{1, 1}},
}

// from reports whether a page is asked for from a stack.
func (p *page) from(all []*Stack, i int) bool {
	return p.size == 0 || p.everywhere || i == 0 || all[i].front
}

// frontSuite measures PHP behind a web server: nginx with php-fpm, nginx with phpsapi, and phpsapi alone.
func frontSuite(o Options) (string, error) {
	dir, err := os.MkdirTemp("", "phpsapi-bench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	asked := chosenPages(o, pages)
	wordPress := haveWordPress(asked)
	root, stop, err := documents(dir, asked)
	defer stop()
	if err != nil {
		return "", err
	}
	all := stacks(o)
	for i, s := range all {
		defer s.stop()
		if err := s.start(root); err != nil {
			return "", err
		}
		if i == 0 && wordPress {
			if err := s.install(); err != nil {
				return "", err
			}
		}
	}
	if err := same(all, asked); err != nil {
		return "", err
	}
	rounds := max(o.Runs/20, 3)
	head := fmt.Sprintf("wrk with %d connections; %d rounds, the stacks in turn; %d workers in each pool, an access log in "+
		"each stack; load average before %s", connections, rounds, workers, loadAverage())
	figures, limits, err := measureStacks(all, asked, rounds)
	figures += "\n" + limits
	if wordPress && err == nil {
		figures += "\n" + memoryAfter(all)
	}
	return head + ", after " + loadAverage() + "\n\n" + figures, err
}

// memoryAfter is what the stacks take after all their requests, beside the first. Web servers are counted: the front, which answers for
// phpsapi alone, is a part of phpsapi.
func memoryAfter(all []*Stack) string {
	lines := [][]string{{"proportional memory (PSS) afterwards", "workers", "with the master and all else of it", "with the web server", "ratio of all", "at most", ""}}
	const most = 1.05
	first := 0
	for i, s := range all {
		workers, fpm, whole := 0, 0, 0
		for _, pid := range s.pids() {
			workers += serve.Proportional(pid)
		}
		for j, program := range s.running {
			for _, pid := range program.Tree() {
				taken := serve.Proportional(pid)
				whole += taken
				if j == 0 {
					fpm += taken
				}
			}
		}
		line := []string{s.Name, mega(workers), mega(fpm), mega(whole), "", "", ""}
		if i == 0 {
			first = whole
		} else if s.fpm[0] != all[0].fpm[0] {
			ratio := float64(whole) / float64(first)
			line[4], line[5], line[6] = fmt.Sprintf("%.2f", ratio), fmt.Sprint(most), "ok"
			if ratio > most {
				line[6] = "OVER"
			}
		}
		lines = append(lines, line)
	}
	return markdown(lines)
}

// same sees that all stacks give the same pages, with opcache on.
func same(all []*Stack, asked []page) error {
	for _, p := range append(slices.Clone(asked), page{name: "opcache", path: "/opcache.php", has: " with opcache"}) {
		var first string
		for i, s := range all {
			body, err := s.get(p.path)
			if err != nil {
				return err
			}
			if i == 0 {
				first = body
			}
			if !strings.Contains(body, p.has) {
				return fmt.Errorf("%s, %s has no %q in it: %.1000q", s.Name, p.path, p.has, body)
			}
			if at := differ(body, first); at >= 0 {
				return fmt.Errorf("%s, %s has %.200q at %d, where %s has %.200q", s.Name, p.path, body[at:], at, all[0].Name, first[at:])
			}
		}
	}
	return nil
}

// differ is where two texts begin to differ, or -1.
func differ(a, b string) int {
	if a == b {
		return -1
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}

// measureStacks runs rounds of each page, all stacks in turn in each round. The first round warms up.
func measureStacks(all []*Stack, asked []page, rounds int) (figures, limits string, err error) {
	lines := [][]string{{"", "", "CPU, µs", "of it HTTP, µs", "requests/s", "p50, ms", "p99, ms"}}
	var rows []Row
	for _, p := range asked {
		samples := make([][]Sample, len(all))
		for n := range rounds + 1 {
			for i, s := range all {
				if !p.from(all, i) {
					continue
				}
				sample, err := s.round(p.path, p.seconds)
				if err != nil {
					return "", "", err
				}
				if n > 0 {
					samples[i] = append(samples[i], sample)
				}
			}
		}
		for i, s := range all {
			if !p.from(all, i) {
				continue
			}
			lines = append(lines, figureLine(p.name, s.Name, samples[i]))
			if s.against >= 0 {
				limit := Limit{Of: RequestCPU, Ratio: s.limit}
				rows = append(rows, Row{p.name + ", " + s.Name, median(samples[s.against], RequestCPU), median(samples[i], RequestCPU), limit})
			}
			if !s.front {
				continue
			}
			beside := func(against int, limit Limit) {
				rows = append(rows, Row{p.name + ", " + s.Name + " beside " + all[against].Name, median(samples[against], limit.Of),
					median(samples[i], limit.Of), limit})
			}
			for against, most := range p.alone {
				if most > 0 {
					beside(against, Limit{Of: RequestCPU, Ratio: most})
				}
			}
			if p.rate > 0 {
				beside(0, Limit{Of: Rate, Least: p.rate})
				beside(i-1, Limit{Of: P99, Ratio: 1})
			}
		}
	}
	return markdown(lines), Table(rows), nil
}

func figureLine(page, stack string, samples []Sample) []string {
	least, most := extremes(samples, RequestCPU)
	return []string{page, stack,
		fmt.Sprintf("%.1f (%.1f–%.1f)", median(samples, RequestCPU), least, most), fmt.Sprintf("%.1f", median(samples, DoorCPU)),
		fmt.Sprintf("%.0f", median(samples, Rate)), fmt.Sprintf("%.2f", median(samples, P50)), fmt.Sprintf("%.2f", median(samples, P99)),
	}
}

// loadAverage is the machine's, of the last minute.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
