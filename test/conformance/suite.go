package main

import (
	"fmt"
	"strings"
)

// A Suite is a part of php-src's tests that is run, compared and reported as
// one.
type Suite struct {
	// Name selects the suite on the command line.
	Name string
	// Dirs are where its .phpt files are, relative to php-src's root.
	Dirs []string
	// Root says that the tests run as root instead of the unprivileged user.
	Root bool
	// Env is added to the environment of the tests.
	Env []string
}

// suites are all there is to choose from, in the order in which they run. The
// variables ask for tests that php-src itself leaves out unless told, because
// they take time or memory.
var suites = []Suite{
	{Name: "cli", Dirs: []string{"sapi/cli/tests"}},
	{Name: "cgi", Dirs: []string{"sapi/cgi/tests"}},
	{Name: "fpm", Dirs: []string{"sapi/fpm/tests"}, Env: []string{"FPM_RUN_RESOURCE_HEAVY_TESTS=1"}},
	{Name: "fpm-root", Dirs: []string{"sapi/fpm/tests"}, Root: true,
		Env: []string{"FPM_RUN_RESOURCE_HEAVY_TESTS=1", "TEST_FPM_RUN_AS_ROOT=1"}},
	{Name: "zend", Dirs: []string{"Zend/tests"}, Env: []string{"RUN_RESOURCE_HEAVY_TESTS=1"}},
	{Name: "tests", Dirs: []string{"tests"}},
	{Name: "standard", Dirs: []string{"ext/standard/tests"}},
	// The extensions that know of the SAPI they run in, or of its process.
	{Name: "ext", Dirs: []string{
		"ext/ffi/tests", "ext/opcache/tests", "ext/pcntl/tests", "ext/posix/tests",
		"ext/readline/tests", "ext/session/tests", "ext/zend_test/tests",
	}},
}

// chooseSuites returns the suites that a comma-separated list names, in the
// order of suites, each once. "all" means every one, "sapi" those of the three
// front ends.
func chooseSuites(list string) ([]Suite, error) {
	groups := map[string][]string{"sapi": {"cli", "cgi", "fpm", "fpm-root"}}
	for _, s := range suites {
		groups[s.Name] = []string{s.Name}
		groups["all"] = append(groups["all"], s.Name)
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		names, ok := groups[strings.TrimSpace(name)]
		if !ok {
			return nil, fmt.Errorf("no suite %q; there are all, sapi, %s", name, strings.Join(groups["all"], ", "))
		}
		for _, n := range names {
			wanted[n] = true
		}
	}
	var chosen []Suite
	for _, s := range suites {
		if wanted[s.Name] {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}
