package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// A Status is run-tests.php's own word for how a test ended, as its -W file
// has it. The empty status means that the test was asked for and did not run.
type Status string

// The statuses of run-tests.php that are told apart here.
const (
	Passed  Status = "PASSED"
	Failed  Status = "FAILED"
	Skipped Status = "SKIPPED"
	Borked  Status = "BORKED"
	Leaked  Status = "LEAKED"
	Warned  Status = "WARNED"  // marked XFAIL, and passes
	XFailed Status = "XFAILED" // marked XFAIL, and fails
	NotRun  Status = ""
)

// passes reports whether the program did what the test asks of it.
func (s Status) passes() bool { return s == Passed || s == Warned }

// String is the status in lower case, for people.
func (s Status) String() string {
	if s == NotRun {
		return "not run"
	}
	return strings.ToLower(string(s))
}

// Results maps a test's path, relative to php-src's root, to how it ended.
type Results map[string]Status

// parseResults reads the file that run-tests.php writes for -W: a status, a
// tab and the test's path on each line. root is php-src's root as the runner
// named it.
func parseResults(r io.Reader, root string) (Results, error) {
	results := Results{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		status, path, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			return nil, fmt.Errorf("line %d of the results: no tab in %q", n, lines.Text())
		}
		results[strings.TrimPrefix(path, strings.TrimSuffix(root, "/")+"/")] = Status(status)
	}
	return results, lines.Err()
}

// skipLine is how run-tests.php prints a test that skips.
var skipLine = regexp.MustCompile(`^SKIP .*\[([^\]]+\.phpt)\] (?:reason: (.*))?$`)

// parseSkips finds in what run-tests.php printed why each skipped test was
// skipped, by the test's path.
func parseSkips(r io.Reader) (map[string]string, error) {
	reasons := map[string]string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if m := skipLine.FindStringSubmatch(lines.Text()); m != nil {
			reasons[m[1]] = strings.TrimSpace(m[2])
		}
	}
	return reasons, lines.Err()
}

// with returns the results with those of a later run laid over them.
func (r Results) with(later Results) Results {
	merged := make(Results, len(r))
	for test, status := range r {
		merged[test] = status
	}
	for test, status := range later {
		merged[test] = status
	}
	return merged
}

// count says how many of the tests ended in each status.
func (r Results) count(tests []string) map[Status]int {
	n := map[Status]int{}
	for _, test := range tests {
		n[r[test]]++
	}
	return n
}
