package main

import (
	"fmt"
	"slices"
	"strings"
)

// most is how many failed tests get a second try. If more fail, it is not for lack of time.
const most = 5

// again runs each test that failed a second time, alone. Without a second try remain:
//   - a package that was not built, or that failed without a failed test;
//   - the tests of a package whose program died, of a panic or a timeout: others of its tests have not run;
//   - the tests of a package in which the race detector found a race: it is one, even if it does not come again.
func (t *tally) again() {
	type try struct {
		program *program
		test    name
	}
	var tries []try
	for _, p := range t.programs {
		for n, o := range p.tests {
			if k := p.packages[n.pkg]; o.failed > 0 && k.whole && !k.raced {
				tries = append(tries, try{p, n})
			}
		}
	}
	if len(tries) > most {
		return
	}
	slices.SortFunc(tries, func(a, b try) int { return strings.Compare(a.test.String(), b.test.String()) })
	var unsteady []string
	for _, first := range tries {
		fmt.Fprintf(t.out, "second try: %v\n", first.test)
		second := newProgram(t.out, alone(first.program.args, first.test))
		second.run()
		o := second.tests[first.test]
		if second.sum().failed > 0 || o == nil || o.passed == 0 {
			continue
		}
		fmt.Fprintf(t.out, "It passed. What it said before:\n%s", first.program.tests[first.test].said.String())
		first.program.tests[first.test] = o
		unsteady = append(unsteady, first.test.String())
	}
	if len(unsteady) > 0 {
		fmt.Fprintf(t.out, "unsteady, passed at the second try: %s\n", strings.Join(unsteady, ", "))
	}
}

// alone returns the command line of go test for one test. The packages follow the last flag: values of flags are given
// by "=".
func alone(args []string, n name) []string {
	flags := len(args)
	for flags > 0 && !strings.HasPrefix(args[flags-1], "-") {
		flags--
	}
	return append(slices.Clone(args[:flags]), "-count=1", "-run=^"+n.test+"$", n.pkg)
}
