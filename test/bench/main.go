// Command bench measures what phpsapi costs beside the stock PHP of this
// machine: processor time of whole processes and their peak memory, and of a
// web server with all its processes the time of a request. The two run in turn,
// so that both meet the same machine, and medians are compared.
//
//	go run ./test/bench             # everything
//	go run ./test/bench -n 300 cli  # one front end, more runs
//	go run ./test/bench fpm         # a request by FastCGI: its time, and counts that do not depend on the machine
//	go run ./test/bench front       # PHP behind nginx and behind phpsapi's own front
//	go run ./test/bench apache      # PHP in Apache's httpd, beside mod_php
//	go run ./test/bench worker snapshot boot  # worker mode beside php-fpm
//	go run ./test/bench operate     # what metrics, traces, logs in JSON and the profiler cost a request
//	go run ./test/bench scale       # many pools, workers and connections; draws docs/bench/scale-*.svg
//	go run ./test/bench -part connections -crowd 50000 scale
//
// It informs: a figure over its limit is marked, and the exit status is 0 all
// the same; it is 1 where nothing could be measured. docs/bench has figures.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A Suite is what is measured of one front end.
type Suite struct {
	Name    string
	Measure func(Options) (tables string, err error)
}

var suites = []Suite{
	{"cli", cliSuite},
	{"cgi", cgiSuite},
	{"fpm", fpmSuite},
	{"front", frontSuite},
	{"apache", apacheSuite},
	{"worker", workerSuite},
	{"snapshot", snapshotSuite},
	{"boot", bootSuite},
	{"scale", scaleSuite},
	{"operate", operateSuite},
}

// Options are the command line's.
type Options struct {
	Binary string // phpsapi
	Stock  string // the version in the names of the stock programs, such as 8.2
	Cache  string // where php-src's archive is kept
	Links  string // a directory for links to Binary
	// Pictures is the directory for what is drawn; empty: nothing is.
	Pictures string
	Runs     int
	Quick    bool
	Engine   string // the file of an engine that apache measures as well
	Page     string // what the names of front's, fpm's and apache's pages have in them that are asked for
	Part     string // the part of scale that is measured; empty: all
	Crowd    int    // how many idle connections scale measures; 0: as many as scaleOf has
}

func main() {
	var o Options
	flag.IntVar(&o.Runs, "n", 100, "how many `times` each program runs; a twentieth of it are the rounds of front, an eleventh those of fpm, of apache and of worker mode")
	flag.BoolVar(&o.Quick, "quick", false, "as little as tells anything: three rounds, short ones in fpm and worker mode")
	flag.StringVar(&o.Page, "page", "", "with front, fpm and apache: ask only for the pages whose names have this `word`")
	flag.StringVar(&o.Engine, "engine", "", "with apache: measure httpd with this engine, too, the `file` engine.so that make engine has made")
	flag.StringVar(&o.Part, "part", "", "with scale: measure only this `part`: pools, workers, status, burst or connections")
	flag.IntVar(&o.Crowd, "crowd", 0, "with scale: measure so `many` idle connections, instead of 1,000, 10,000 and 50,000")
	flag.StringVar(&o.Binary, "binary", "./phpsapi", "the `file` to measure")
	flag.StringVar(&o.Stock, "stock", serve.Stock().Version, "the `version` of the stock PHP beside it")
	flag.StringVar(&o.Cache, "cache", "build/php-src", "the `directory` that keeps php-src's archive")
	flag.StringVar(&o.Pictures, "pictures", "docs/bench", "the `directory` for the pictures of scale; -quick draws none")
	flag.Parse()
	if o.Quick {
		o.Pictures = ""
		o.Runs = 10
	}
	if err := bench(o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(o Options, names []string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return err
	}
	if o.Links, err = os.MkdirTemp("", "phpsapi-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(o.Links)

	fmt.Printf("%s, %s, %d runs\n", time.Now().Format(time.DateOnly), machine(), o.Runs)
	for _, suite := range chosen {
		tables, err := suite.Measure(o)
		if err != nil {
			return fmt.Errorf("%s: %w", suite.Name, err)
		}
		fmt.Printf("\n%s\n%s", suite.Name, tables)
	}
	return nil
}

// choose returns the suites of the names, all for none.
func choose(names []string) ([]Suite, error) {
	if len(names) == 0 {
		return suites, nil
	}
	var chosen []Suite
	for _, name := range names {
		i := slices.IndexFunc(suites, func(s Suite) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no suite %q", name)
		}
		chosen = append(chosen, suites[i])
	}
	return chosen, nil
}

// machine names the processors.
func machine() string {
	model := runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d × %s", runtime.NumCPU(), model)
}
