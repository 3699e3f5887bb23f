// Command tally runs test programs one after the other and closes with the sum of what they say:
//
//	go run ./test/tally 'go test -json ./...' 'go run ./test/conformance -suites cli'
//
// Each argument is a command line, split at spaces. Two with a + between them run side by side. What `go test -json` writes is shown as `go test` shows it: the
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
	"sync"
)

func main() {
	t := tally{out: os.Stdout}
	for _, group := range groups(os.Args[1:]) {
		t.run(group...)
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

// groups returns the command lines that run side by side, one group after the other.
func groups(args []string) (all [][][]string) {
	beside := false
	for _, arg := range args {
		switch {
		case arg == "+":
			beside = len(all) > 0
			continue
		case beside:
			all[len(all)-1] = append(all[len(all)-1], strings.Fields(arg))
		default:
			all = append(all, [][]string{strings.Fields(arg)})
		}
		beside = false
	}
	return all
}

// run runs command lines side by side, and returns after all have ended.
func (t *tally) run(lines ...[]string) {
	out := &shared{Writer: t.out}
	var all sync.WaitGroup
	for _, line := range lines {
		p := newProgram(out, line)
		t.programs = append(t.programs, p)
		all.Go(p.run)
	}
	all.Wait()
}

// A shared writer takes whole texts from several programs.
type shared struct {
	io.Writer
	sync.Mutex
}

func (s *shared) Write(text []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	return s.Writer.Write(text)
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
