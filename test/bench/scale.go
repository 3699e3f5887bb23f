package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/bench/plot"
)

// A scale is how much is measured.
type scale struct {
	pools      []int // services with so many pools of one worker each
	workers    []int // services with one pool of so many workers
	idle, load time.Duration
	burst      int // workers
	rounds     int // of the burst
	pages      int // status pages asked for
	crowds     []int
}

func scaleOf(o Options) scale {
	if o.Quick {
		return scale{[]int{1, 20}, []int{5, 50}, 3 * time.Second, time.Second, 20, 1, 3, []int{500, 2000}}
	}
	return scale{[]int{1, 10, 100, 500}, []int{10, 100, 1000}, 20 * time.Second, 5 * time.Second, 200, 3, 10, []int{1000, 10_000, 50_000}}
}

// A scalePart is what is measured of one thing that grows.
type scalePart struct {
	name    string
	measure func(string, [2]program, scale) (string, []plot.Picture, error)
}

var scaleParts = []scalePart{
	{"pools", measurePools}, {"workers", measureWorkers}, {"status", measureStatus}, {"burst", measureBursts}, {"connections", measureCrowds},
}

// partsOf returns the part with that name, all for none.
func partsOf(name string) ([]scalePart, error) {
	if name == "" {
		return scaleParts, nil
	}
	i := slices.IndexFunc(scaleParts, func(p scalePart) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("scale has no part %q", name)
	}
	return scaleParts[i : i+1], nil
}

// A program is an FPM to measure.
type program struct {
	name    string
	command []string
}

// scaleSuite measures how the cost of a service grows with its pools, workers and connections.
func scaleSuite(o Options) (string, error) {
	n := scaleOf(o)
	parts, err := partsOf(o.Part)
	if err != nil {
		return "", err
	}
	if o.Crowd > 0 {
		n.crowds = []int{o.Crowd}
	}
	most, err := raise(n.crowds[len(n.crowds)-1] + spareDescriptors)
	if err != nil {
		return "", err
	}
	for i, size := range n.crowds {
		n.crowds[i] = min(size, most-spareDescriptors)
	}
	n.crowds = slices.Compact(n.crowds)
	defer endByItself(o.Links)()
	programs := [2]program{{"phpsapi", []string{o.Binary, "fpm"}}, {"php-fpm", []string{"/usr/sbin/php-fpm" + o.Stock}}}
	fmt.Printf("\n%d descriptors a process; load average before %s\n", most, loadAverage())
	for _, part := range parts {
		tables, drawn, err := part.measure(o.Links, programs, n)
		if err != nil {
			return "", fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Print("\n", tables) // the rest may take a while
		if o.Crowd > 0 {        // a picture of one size shows nothing
			continue
		}
		if err := draw(o.Pictures, drawn); err != nil {
			return "", err
		}
	}
	return "load average after " + loadAverage() + "\n", nil
}

// draw writes the pictures, each as a file named for the first words of its title.
func draw(dir string, pictures []plot.Picture) error {
	if dir == "" {
		return nil
	}
	for _, p := range pictures {
		words, _, _ := strings.Cut(p.Title, ":")
		name := "scale-" + strings.ReplaceAll(strings.ToLower(words), " ", "-") + ".svg"
		if err := os.WriteFile(filepath.Join(dir, name), p.SVG(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// spareDescriptors are those that a server has besides its clients' connections, at most.
const spareDescriptors = 2000

// raise allows this process, and those it starts, up to n descriptors, and returns how many they may have: only a
// privileged process may have more than its hard limit.
func raise(n int) (allowed int, err error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	more := unix.Rlimit{Cur: max(limit.Max, uint64(n)), Max: max(limit.Max, uint64(n))}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &more) == nil {
		return n, nil
	}
	limit.Cur = limit.Max
	return min(n, int(limit.Max)), unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}

// endByItself has a signal that ends this program remove the directory first, until restore is called.
func endByItself(dir string) (restore func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		if s, ok := <-signals; ok {
			os.RemoveAll(dir)
			os.Exit(128 + int(s.(syscall.Signal)))
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// mortal has a server end when this program does, however that ends.
func mortal(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd
}
