// Command tally runs test programs one after the other and closes with the sum of what they say:
//
//	go run ./test/tally 'go test -json ./...' 'go run ./test/conformance -suites cli'
//
// Each argument is a command line, split at spaces. What `go test -json` writes is shown as `go test` shows it: the
// packages, and all output of a test that failed. Other lines pass as they are, and a line "N passed, N failed[, N
// skipped]" is counted. The last line is of that form. The exit status is 1 when a test or a program failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	t := tally{out: os.Stdout}
	for _, line := range os.Args[1:] {
		if err := t.run(strings.Fields(line)); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", line, err)
		}
	}
	fmt.Println(t.sum())
	if t.failed > 0 {
		os.Exit(1)
	}
}

// A tally counts results. A program that failed without a failed test counts as one.
type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	said                    map[string][]string // what a running test has said, by package and name
	parents                 map[string]bool     // tests that have subtests, which are counted in their place
}

func (t *tally) sum() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

// run runs a program and counts what it says.
func (t *tally) run(args []string) error {
	before := t.failed
	program := exec.Command(args[0], args[1:]...)
	program.Stderr = os.Stderr
	output, err := program.StdoutPipe()
	if err == nil {
		err = program.Start()
	}
	if err == nil {
		t.read(output)
		err = program.Wait()
	}
	if err != nil && t.failed == before {
		t.failed++
		return err
	}
	return nil
}

var counts = regexp.MustCompile(`^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$`)

func (t *tally) read(output io.Reader) {
	t.said, t.parents = map[string][]string{}, map[string]bool{}
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch found := counts.FindStringSubmatch(strings.TrimSpace(line)); {
		case strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil && e.Action != "":
			t.count(e)
		case found != nil:
			for i, n := range []*int{&t.passed, &t.failed, &t.skipped} {
				more, _ := strconv.Atoi(found[i+1])
				*n += more
			}
			fallthrough
		default:
			io.WriteString(t.out, line)
		}
		if err != nil {
			return
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

func (t *tally) count(e event) {
	key := e.Package + " " + e.Test
	if e.Action == "output" || e.Action == "build-output" {
		switch {
		case e.Test != "":
			t.said[key] = append(t.said[key], e.Output)
		case e.Output != "PASS\n": // the line "ok" says it too
			io.WriteString(t.out, e.Output)
		}
		return
	}
	var result *int
	switch e.Action {
	case "pass":
		result = &t.passed
	case "fail":
		result = &t.failed
		io.WriteString(t.out, strings.Join(t.said[key], ""))
	case "skip":
		result = &t.skipped
	default:
		return
	}
	delete(t.said, key)
	if e.Test == "" {
		return
	}
	if i := strings.LastIndexByte(key, '/'); i > len(e.Package) {
		t.parents[key[:i]] = true
	}
	if !t.parents[key] {
		*result++
	}
}
