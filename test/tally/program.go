package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A program is one run of a test program.
type program struct {
	out      io.Writer
	args     []string
	count                      // what it counted itself, and failures that are not a test's
	tests    map[name]*outcome // the top-level tests
	packages map[string]*pkg   // those that go test has begun
	running  map[name][]string // what a test has said that has no result yet
	parents  map[name]bool     // the tests that have subtests, and whether one of those failed
}

// A name is a test's or a subtest's.
type name struct{ pkg, test string }

func (n name) String() string { return n.pkg + " " + n.test }

// An outcome is what came of a top-level test: the results of its subtests, or its own.
type outcome struct {
	count
	said strings.Builder // by the tests that failed
}

// A pkg is a package's run.
type pkg struct {
	failed int  // tests, subtests included
	whole  bool // All tests ran: the package's program ended by itself.
	raced  bool // The race detector had something to report.
	over   bool
}

func newProgram(out io.Writer, args []string) *program {
	return &program{out: out, args: args, tests: map[name]*outcome{}, packages: map[string]*pkg{},
		running: map[name][]string{}, parents: map[name]bool{}}
}

func (p *program) sum() count {
	sum := p.count
	for _, o := range p.tests {
		sum.add(o.count)
	}
	return sum
}

// run runs the program. If it fails and has no failure to show, that counts as one.
func (p *program) run() {
	program := exec.Command(p.args[0], p.args[1:]...)
	program.Stderr = os.Stderr
	output, err := program.StdoutPipe()
	if err == nil {
		err = program.Start()
	}
	if err == nil {
		p.read(output)
		err = program.Wait()
	}
	if err != nil && p.sum().failed == 0 {
		fmt.Fprintf(p.out, "%s: %v\n", strings.Join(p.args, " "), err)
		p.failed++
	}
}

var counts = regexp.MustCompile(`^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$`)

func (p *program) read(output io.Reader) {
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch found := counts.FindStringSubmatch(strings.TrimSpace(line)); {
		case strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil && e.Action != "":
			p.note(e)
		case found != nil:
			for i, n := range []*int{&p.passed, &p.failed, &p.skipped} {
				more, _ := strconv.Atoi(found[i+1])
				*n += more
			}
			fallthrough
		default:
			io.WriteString(p.out, line)
		}
		if err != nil {
			break
		}
	}
	for path, k := range p.packages {
		if !k.over { // go test itself was ended
			p.end(path, "fail")
		}
	}
}

// An event is a line of `go test -json` (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

func (p *program) note(e event) {
	n := name{e.Package, e.Test}
	k := p.packages[e.Package]
	if k == nil && e.Package != "" { // The output of a build is of no package.
		k = &pkg{}
		p.packages[e.Package] = k
	}
	switch e.Action {
	case "run":
		p.running[n] = nil
	case "build-output":
		io.WriteString(p.out, e.Output)
	case "output":
		k.raced = k.raced || strings.HasPrefix(e.Output, "WARNING: DATA RACE")
		if e.Test != "" {
			p.running[n] = append(p.running[n], e.Output)
			return
		}
		k.whole = k.whole || e.Output == "PASS\n" || e.Output == "FAIL\n"
		if e.Output != "PASS\n" { // the line "ok" says it too
			io.WriteString(p.out, e.Output)
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			p.end(e.Package, e.Action)
		} else {
			p.result(n, e.Action)
		}
	}
}

// result counts a test's result. A test that has subtests counts only if it failed and none of them did.
func (p *program) result(n name, action string) {
	said := p.running[n]
	delete(p.running, n)
	top, _, _ := strings.Cut(n.test, "/")
	o := p.tests[name{n.pkg, top}]
	if o == nil {
		o = &outcome{}
		p.tests[name{n.pkg, top}] = o
	}
	if action == "fail" {
		p.packages[n.pkg].failed++
		for _, s := range said {
			io.WriteString(p.out, s)
			o.said.WriteString(s)
		}
	}
	failedBelow, parent := p.parents[n]
	if i := strings.LastIndexByte(n.test, '/'); i >= 0 {
		above := name{n.pkg, n.test[:i]}
		p.parents[above] = p.parents[above] || action == "fail"
	}
	switch {
	case action == "fail" && !failedBelow:
		o.failed++
	case action == "pass" && !parent:
		o.passed++
	case action == "skip" && !parent:
		o.skipped++
	}
}

// end takes down that a package has ended. Tests that have no result then were running when its program died: they
// failed. A package that failed without a failed test counts as a failure.
func (p *program) end(path, action string) {
	k := p.packages[path]
	k.over = true
	left := slices.Collect(maps.Keys(p.running))
	slices.SortFunc(left, func(a, b name) int { return strings.Compare(b.test, a.test) }) // subtests first
	for _, n := range left {
		if n.pkg == path {
			p.result(n, "fail")
		}
	}
	if action == "fail" && k.failed == 0 {
		p.failed++
	}
}
