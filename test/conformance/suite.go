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
	// Dir is where its .phpt files are, relative to php-src's root.
	Dir string
	// Root says that the tests run as root instead of the unprivileged user.
	Root bool
	// Env is added to the environment of the tests.
	Env []string
}

// heavy asks for the FPM tests that php-src itself leaves out unless told.
var heavy = []string{"RUN_RESOURCE_HEAVY_TESTS=1", "FPM_RUN_RESOURCE_HEAVY_TESTS=1"}

// suites are all there is to choose from, in the order in which they run.
var suites = []Suite{
	{Name: "cli", Dir: "sapi/cli/tests"},
	{Name: "cgi", Dir: "sapi/cgi/tests"},
	{Name: "fpm", Dir: "sapi/fpm/tests", Env: heavy},
	{Name: "fpm-root", Dir: "sapi/fpm/tests", Root: true, Env: append([]string{"TEST_FPM_RUN_AS_ROOT=1"}, heavy...)},
	{Name: "zend", Dir: "Zend/tests"},
	{Name: "tests", Dir: "tests"},
	{Name: "standard", Dir: "ext/standard/tests"},
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
