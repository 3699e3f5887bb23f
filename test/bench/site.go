package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A site is an application that serves, and a page of it.
type site struct {
	Application
	dir, root string
}

// newSite writes an application.
func newSite(a Application) (*site, error) {
	dir, err := os.MkdirTemp("", "phpsapi-bench-")
	if err != nil {
		return nil, err
	}
	s := &site{a, dir, filepath.Join(dir, "public")}
	for _, step := range []func(dir string) error{func(dir string) error { return os.Chmod(dir, 0o755) }, a.write, age} {
		if err := step(dir); err != nil {
			s.remove()
			return nil, err
		}
	}
	return s, nil
}

// age makes all files older than opcache.file_update_protection: opcache does not take files that are new.
func age(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		old := time.Now().Add(-time.Hour)
		return os.Chtimes(path, old, old)
	})
}

func (s *site) remove() { os.RemoveAll(s.dir) }

// script is what runs, in worker mode or without.
func (s *site) script() string { return filepath.Join(s.root, "index.php") }

// ways are how PHP is run, each with workers of its own.
type ways struct {
	options Options
	site    *site
	workers int
}

func (w ways) stock(name string) *Stack {
	return &Stack{Name: name, fpm: []string{"/usr/sbin/php-fpm" + w.options.Stock}, direct: true, workers: w.workers}
}

func (w ways) ours(name string) *Stack {
	return &Stack{Name: name, fpm: []string{w.options.Binary, "fpm"}, direct: true, workers: w.workers}
}

// worker is ours in worker mode. Each process answers snapshot requests; 0: it boots by itself and answers all.
func (w ways) worker(name string, snapshot int) *Stack {
	s := w.ours(name)
	s.arguments = []string{"--worker", w.site.script()}
	if snapshot > 0 {
		s.arguments = append(s.arguments, "--set", "www.worker.snapshot="+strconv.Itoa(snapshot), "--set", "www.worker.warmup="+item)
	}
	return s
}

// crowd are those who ask a stack for a page.
func (s *Stack) crowd(root string) *crowd {
	return asCrowd(itemEnd, connections, func() *visitor { return s.visitor(root, item) })
}

func (s *Stack) visitor(root, path string) *visitor {
	if s.direct {
		return fastcgiVisitor(serve.Socket(s.dir), root, path)
	}
	return httpVisitor(s.address, path)
}

// faults are the page faults of all processes.
func (s *Stack) faults() (all int) {
	for _, p := range s.running {
		all += serve.Faults(p.Tree()...)
	}
	return all
}

// measureVisits measures what visits take of the stack's processes.
func (s *Stack) measureVisits(visit func() (visits, error)) (Sample, error) {
	cpu, door := s.cpu()
	faults := s.faults()
	v, err := visit()
	if err != nil {
		return Sample{}, fmt.Errorf("%s: %w", s.Name, err)
	}
	cpuAfter, doorAfter := s.cpu()
	each := func(d time.Duration) float64 { return micro(d) / float64(v.requests) }
	return Sample{
		RequestCPU: each(cpuAfter - cpu), DoorCPU: each(doorAfter - door), Faults: float64(s.faults()-faults) / float64(v.requests),
		Rate: v.rate, P50: milli(v.p50), P99: milli(v.p99),
	}, nil
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// bootTime is the CPU time that a boot takes in a stack that boots for each request, with opcache warm.
func (s *Stack) bootTime(root string) (time.Duration, error) {
	v := s.visitor(root, "/boot")
	defer v.close()
	var took []int
	for range 40 {
		body, err := v.do()
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(string(body))
		if err != nil {
			return 0, fmt.Errorf("%s: a boot took %q", s.Name, body)
		}
		took = append(took, n)
	}
	slices.Sort(took)
	return time.Duration(took[len(took)/2]) * time.Microsecond, nil
}

// startAll starts stacks for a site. Those that have been started are to be stopped, whatever happens.
func startAll(all []*Stack, root string) (stop func(), err error) {
	stop = func() {
		for _, s := range all {
			s.stop()
		}
	}
	for _, s := range all {
		if err = s.start(root); err != nil {
			break
		}
	}
	return stop, err
}
