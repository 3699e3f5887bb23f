// Command conformance runs php-src's own tests against phpsapi and against the
// stock PHP of this machine, and compares.
//
// The rule: a test that stock PHP passes must pass with phpsapi. What stock
// fails or skips is counted and not judged. A test that must differ is listed,
// with a reason, in expected.txt; one that is listed and passes is a failure
// too, so that the list stays true.
//
//	go run ./test/conformance                      # the three front ends
//	go run ./test/conformance -suites all          # the language's tests too
//	go run ./test/conformance -suites cli -run 'server_0'
//	go run ./test/conformance -suites cli -without upload_2G
//
// The last line is "N passed, N failed, N skipped"; the exit status is 1 when a
// test failed and 2 when the comparison could not be made. Logs and diffs are
// in build/conformance. See docs/CONFORMANCE.md.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

//go:embed expected.txt
var expectedList string

//go:embed expected-inside.txt
var expectedInside string

// Options are the command line's.
type Options struct {
	Binary  string
	Suites  []Suite
	Match   *regexp.Regexp
	Without *regexp.Regexp // nil: no test is left out
	Workers int
	Repeat  int
	Reruns  int
	User    string
	Cache   string
	Keep    string
	Timeout time.Duration
	Limit   time.Duration
}

func main() {
	options, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		var ok bool
		ok, err = conform(ctx, options)
		stop()
		if err == nil && !ok {
			os.Exit(1)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
}

// parseOptions reads the command line.
func parseOptions(args []string) (Options, error) {
	var o Options
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	binary := flags.String("binary", "./phpsapi", "the `file` to test; \"stock\" compares stock PHP with itself")
	names := flags.String("suites", "sapi", "the suites to run, a `list` with commas: all, sapi (cli, cgi, fpm, fpm-root), or names")
	pattern := flags.String("run", "", "run only the tests whose path matches this `regexp`")
	without := flags.String("without", "", "leave out the tests whose path matches this `regexp`")
	flags.IntVar(&o.Workers, "j", runtime.NumCPU(), "how many tests run side by side")
	flags.IntVar(&o.Repeat, "repeat", 1, "how many times phpsapi runs each suite; each time must pass")
	flags.IntVar(&o.Reruns, "reruns", 2, "how many times a failing test is run again, alone, before it is judged")
	flags.StringVar(&o.User, "user", "nobody", "who runs the unprivileged suites when this program is root's")
	flags.StringVar(&o.Cache, "cache", "build/php-src", "the `directory` that keeps php-src's archive")
	flags.StringVar(&o.Keep, "keep", "build/conformance", "the `directory` for logs and diffs")
	flags.DurationVar(&o.Timeout, "timeout", time.Minute, "how long a test may be silent")
	flags.DurationVar(&o.Limit, "limit", 90*time.Minute, "how long one run of a suite may take")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; -run chooses tests", flags.Arg(0))
	}
	var err error
	if o.Suites, err = chooseSuites(*names); err != nil {
		return o, err
	}
	if o.Match, err = regexp.Compile(*pattern); err != nil {
		return o, err
	}
	if *without != "" {
		if o.Without, err = regexp.Compile(*without); err != nil {
			return o, err
		}
	}
	if o.Keep, err = filepath.Abs(o.Keep); err != nil {
		return o, err
	}
	if o.Binary, err = filepath.Abs(*binary); *binary == "stock" {
		o.Binary = ""
	}
	return o, err
}

// isChosen reports whether the command line asks for a test.
func (o Options) isChosen(path string) bool {
	return o.Match.MatchString(path) && (o.Without == nil || !o.Without.MatchString(path))
}

// conform runs the suites and reports whether all is as it should be.
func conform(ctx context.Context, o Options) (bool, error) {
	if err := checkPrograms(o.Binary); err != nil {
		return false, err
	}
	kit, err := prepareKit(o.Cache, o.Binary)
	if err != nil {
		return false, err
	}
	list := expectedList
	if kit.Own.Inside {
		list += expectedInside
	}
	expected, err := parseExpected(strings.NewReader(list), "the expected differences")
	if err != nil {
		return false, err
	}
	if err := becomeSubreaper(); err != nil {
		return false, err
	}
	arenas := arenaSet{kit: kit, options: o}
	defer arenas.remove()
	var reports []Report
	for _, suite := range o.Suites {
		report := Report{Suite: suite}
		if suite.Root && os.Getuid() != 0 {
			report.Omitted = "needs root"
		} else if err := arenas.compare(ctx, &report, expected); err != nil {
			return false, fmt.Errorf("suite %s: %w", suite.Name, err)
		}
		reports = append(reports, report)
	}
	if !slices.ContainsFunc(reports, func(r Report) bool { return r.Omitted != "" || len(r.Tests) > 0 }) {
		return false, errors.New("no test is left to run: -run and -without choose by path")
	}
	return closing(os.Stdout, reports), nil
}

// checkPrograms makes sure that what is compared is there.
func checkPrograms(binary string) error {
	if err := serve.Stock().Installed(); err != nil {
		return err
	}
	if binary == "" {
		return nil
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("%w: build phpsapi first, or name it with -binary", err)
	}
	return nil
}
