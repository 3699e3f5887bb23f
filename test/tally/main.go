// Command tally runs test programs one after the other and closes with the sum of what they say:
//
//	go run ./test/tally 'go test -json ./...' 'go run ./test/conformance -suites cli'
//
// Each argument is a command line, split at spaces. What `go test -json` writes is shown as `go test` shows it: the
// packages, and all output of a test that failed. Other lines pass as they are, and a line "N passed, N failed[, N
// skipped]" is counted. The last line is of that form. The exit status is 1 when a test or a program failed.
//
// When all programs have run and at most five top-level tests of go test failed, each of them gets a second try, alone
// (again.go). A test that passes then counts as passed. Its first failure is shown again, and the line before the last
// names it as unsteady. A machine that was too slow for a test does not fail everything, and nobody overlooks the test.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	t := tally{out: os.Stdout}
	for _, line := range os.Args[1:] {
		t.run(strings.Fields(line))
	}
	t.again()
	fmt.Println(t.sum())
	if t.sum().failed > 0 {
		os.Exit(1)
	}
}

// A tally has the programs that ran.
type tally struct {
	out      io.Writer
	programs []*program
}

func (t *tally) run(args []string) {
	p := newProgram(t.out, args)
	p.run()
	t.programs = append(t.programs, p)
}

func (t *tally) sum() count {
	var sum count
	for _, p := range t.programs {
		sum.add(p.sum())
	}
	return sum
}

// A count is a number of results.
type count struct{ passed, failed, skipped int }

func (c *count) add(more count) {
	c.passed += more.passed
	c.failed += more.failed
	c.skipped += more.skipped
}

func (c count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}
