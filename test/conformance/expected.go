package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Expected is the list of tests that stock passes and phpsapi is known not to
// pass, each with the reason. A key is a test's path, or suite:path for one
// suite only.
type Expected map[string]string

// parseExpected reads the list: one test a line, its path, white space, the
// reason. Empty lines and lines that begin with # say nothing. name is the
// file's, for errors.
func parseExpected(r io.Reader, name string) (Expected, error) {
	list := Expected{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		test, reason := line, ""
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			test, reason = line[:i], strings.TrimSpace(line[i:])
		}
		if !strings.HasSuffix(test, ".phpt") {
			return nil, fmt.Errorf("%s:%d: %q is not the path of a .phpt file", name, n, test)
		}
		if reason == "" {
			return nil, fmt.Errorf("%s:%d: %s has no reason", name, n, test)
		}
		if _, twice := list[test]; twice {
			return nil, fmt.Errorf("%s:%d: %s is listed twice", name, n, test)
		}
		list[test] = reason
	}
	return list, lines.Err()
}

// reason returns why a test of a suite is expected to differ, if it is.
func (e Expected) reason(suite, test string) (string, bool) {
	if reason, ok := e[suite+":"+test]; ok {
		return reason, true
	}
	reason, ok := e[test]
	return reason, ok
}
