package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Runner runs tests in an arena with run-tests.php, which itself always runs
// under stock PHP.
type Runner struct {
	Arena   *Arena
	Suite   Suite
	Timeout time.Duration // of a test
	Limit   time.Duration // of a run
	Keep    string        // the directory that keeps logs and diffs
}

// A Run is the outcome of one call of run-tests.php.
type Run struct {
	Results Results
	Skips   map[string]string // why tests were skipped
	Left    int               // processes left behind, and killed
	Took    time.Duration
}

// run runs the tests with one side, workers at a time. label names the run's
// log. A test that has no result, because the runner died, is missing from the
// results.
func (r Runner) run(ctx context.Context, side Side, label string, workers int, tests []string) (Run, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Limit, fmt.Errorf("stopped after %v", r.Limit))
	defer cancel()
	list, results := r.Arena.path("tests"), r.Arena.path("results")
	if err := r.prepare(list, results, tests); err != nil {
		return Run{}, err
	}
	args := []string{
		"-c", r.Arena.path(string(Stock), "php.ini"), "run-tests.php", "-q", "--no-progress", "-j" + strconv.Itoa(workers),
		"--set-timeout", strconv.Itoa(int(r.Timeout.Seconds())),
		"--show-slow", "5000", "-r", list, "-W", results,
	}
	var output bytes.Buffer
	start := time.Now()
	left, runErr := Command{
		Path: frontEnds[0].stock, Args: args, Dir: r.Arena.path("src"),
		Env: r.environment(side), User: r.Arena.User, Output: &output,
	}.run(ctx)
	run := Run{Left: left, Took: time.Since(start)}
	log := r.logPath(side, label)
	if err := os.WriteFile(log, output.Bytes(), 0o644); err != nil {
		return run, err
	}
	file, err := os.Open(results)
	if err != nil {
		return run, errors.Join(runErr, err)
	}
	defer file.Close()
	if run.Results, err = parseResults(file, r.Arena.path("src")); err != nil {
		return run, err
	}
	if run.Skips, err = parseSkips(&output); err != nil {
		return run, err
	}
	if runErr != nil {
		return run, fmt.Errorf("run-tests.php: %w; see %s", runErr, log)
	}
	return run, nil
}

// check makes sure that a side's php starts at all, so that what fails is not
// every single test.
func (r Runner) check(ctx context.Context, side Side) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout, errors.New("it does not end"))
	defer cancel()
	var output bytes.Buffer
	php := r.Arena.path(string(side), frontEnds[0].path)
	_, err := Command{
		Path: php, Args: []string{"-n", "-v"}, Dir: r.Arena.path("src"),
		Env: r.environment(side), User: r.Arena.User, Output: &output,
	}.run(ctx)
	if err == nil && !strings.HasPrefix(output.String(), "PHP ") {
		err = errors.New("no version")
	}
	if err != nil {
		return fmt.Errorf("%s does not answer php -n -v: %w: %s", side, err, strings.TrimSpace(output.String()))
	}
	return nil
}

// prepare writes the list of tests and makes way for the results and the log.
func (r Runner) prepare(list, results string, tests []string) error {
	if err := os.MkdirAll(filepath.Dir(r.logPath(Stock, "")), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	for _, test := range tests {
		fmt.Fprintln(&b, r.Arena.path("src", test))
	}
	if err := os.WriteFile(list, []byte(b.String()), 0o644); err != nil {
		return err
	}
	if err := os.Remove(results); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// logPath names the file for what a run prints.
func (r Runner) logPath(side Side, label string) string {
	return filepath.Join(r.Keep, r.Suite.Name, string(side)+label+".log")
}

// environment is all that the tests see of one. It is made up here, so that
// what this machine's user has set changes nothing.
func (r Runner) environment(side Side) []string {
	tree := r.Arena.path(string(side))
	env := append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + r.Arena.path("home"),
		"USER=" + r.Arena.UserName,
		"TMPDIR=" + r.Arena.path("tmp"),
		"LANG=C.UTF-8",
		"NO_COLOR=1",
		"NO_INTERACTION=1",
		"REPORT_EXIT_STATUS=no", // a test that fails is not a failure of the runner
		"SKIP_ONLINE_TESTS=1",
		"TEST_FPM_EXTENSION_DIR=" + filepath.Join(tree, "modules"),
		"PHPRC=" + filepath.Join(tree, "php.ini"),
		"TEST_PHP_EXECUTABLE=" + filepath.Join(tree, frontEnds[0].path),
		"TEST_PHP_CGI_EXECUTABLE=" + filepath.Join(tree, frontEnds[1].path),
	}, r.Suite.Env...)
	if engine, ok := os.LookupEnv("PHPSAPI_ENGINE"); ok {
		env = append(env, "PHPSAPI_ENGINE="+engine)
	}
	if _, err := os.Stat(r.Arena.path("locale")); err == nil {
		env = append(env, "LOCPATH="+r.Arena.path("locale"))
	}
	return env
}

// keepings are the files that run-tests.php leaves beside a test that failed.
var keepings = []string{"diff", "out", "exp", "log", "sh", "php"}

// keep copies what the last run left of a failed test and returns the path of
// its diff, or of the log of the run called label when there is no diff.
func (r Runner) keep(side Side, label, test string) string {
	dir := filepath.Join(r.Keep, r.Suite.Name, string(side), filepath.Dir(test))
	stem := strings.TrimSuffix(filepath.Base(test), "phpt")
	kept := r.logPath(side, label)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return kept
	}
	for _, kind := range keepings {
		from := r.Arena.path("src", filepath.Dir(test), stem+kind)
		to := filepath.Join(dir, stem+kind)
		if err := copyFile(from, to, 0o644); err == nil && kind == "diff" {
			kept = to
		}
	}
	return kept
}
