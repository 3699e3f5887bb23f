package probe

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// A worker answers each line with another.
type worker struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
	pid int
}

// counting is a bash, whose functions have names, that does nothing for each word of a line. It reads byte by byte.
func counting(t *testing.T) *worker {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(bash, "-c", `echo ready; while read words; do for i in $words; do :; done; echo done; done`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	w := &worker{t, in, bufio.NewReader(out), cmd.Process.Pid}
	w.wait()
	return w
}

func (w *worker) wait() {
	w.t.Helper()
	if _, err := w.out.ReadString('\n'); err != nil {
		w.t.Fatal(err)
	}
}

// ask returns a function that has the worker do what a line says.
func (w *worker) ask(line string) func() error {
	return func() error {
		io.WriteString(w.in, line+"\n")
		_, err := w.out.ReadString('\n')
		return err
	}
}

func TestSystemCallsAreCountedByName(t *testing.T) {
	t.Parallel()
	w := counting(t)
	c, err := SystemCalls(w.pid)
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	for range 2 {
		counts, err := c.Count(w.ask("word"))
		if err != nil {
			t.Fatal(err)
		}
		// The read of the first byte had begun. That of the next line's first byte may not have begun.
		if n := counts["read"]; n < 4 || n > 5 || counts["write"] != 1 {
			t.Errorf("counted %v, want 1 write, and 4 or 5 reads", counts)
		}
	}
}

func TestTooManySystemCallsAreAnError(t *testing.T) {
	t.Parallel()
	w := counting(t)
	c, err := SystemCalls(w.pid)
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	if counts, err := c.Count(w.ask(strings.Repeat("word ", 4000))); err == nil {
		t.Errorf("counted %v", counts)
	}
	if _, err := c.Count(w.ask("word")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFunctionsAreCounted(t *testing.T) {
	t.Parallel()
	w := counting(t)
	c, err := Functions(w.pid, func(name string) bool { return name == "colon_builtin" })
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	for _, n := range []int{7, 0, 100} {
		counts, err := c.Count(w.ask(strings.Repeat("word ", n)))
		if err != nil || counts["colon_builtin"] != n {
			t.Errorf("called %d times, counted %v, %v", n, counts, err)
		}
	}
	if _, err := Functions(w.pid, func(name string) bool { return name == "no_such_function" }); err == nil {
		t.Error("no error for a function that there is not")
	}
}

// Each turn of a loop takes some instructions.
func TestInstructionsAreCounted(t *testing.T) {
	t.Parallel()
	w := counting(t)
	if err := w.ask("x x x x")(); err != nil { // what the shell does once
		t.Fatal(err)
	}
	var counts [3]int
	for i := range counts {
		n, err := Instructions(w.pid, w.ask(fmt.Sprintf("%-21s", strings.Repeat("x ", 5*i))))
		if err != nil {
			t.Skip(err)
		}
		counts[i] = n
	}
	if counts[1]-counts[0] < 1000 || counts[2]-counts[1] < 1000 {
		t.Errorf("no, five and ten turns of a loop took %v", counts)
	}
}
