package output

import (
	"bytes"
	"io"
	"maps"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/boards"
)

// At every moment a worker must see what it wrote: in the pipe, or open with the master.
func TestWorkerIsToldWhatIsOpen(t *testing.T) {
	board, slot := boards.Occupied(t)
	o, stdout, stderr, err := New(board, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Discard()
	writers := [2]*os.File{stdout, stderr}
	log := zlog.New(io.Discard)
	look := func(what string, want ...bool) {
		t.Helper()
		if out, err := slot.OutputOpen(); out != want[0] || err != want[1] {
			t.Errorf("%s: open are %v, %v, want %v", what, out, err, want)
		}
	}
	piece := func(pipe int) {
		t.Helper()
		buf := make([]byte, 1023)
		n, err := o.next(pipe, buf)
		if n, _ := unix.IoctlGetInt(channel.RawFD(o.pipes[pipe]), unix.TIOCINQ); n != 0 {
			t.Errorf("%d bytes are left", n)
		}
		var open [2]bool
		if open[0], open[1] = slot.OutputOpen(); !open[pipe] {
			t.Error("a piece that is being read is not open")
		}
		(&Piece{o: o, pipe: pipe, text: buf[:n], end: err != nil, done: make(chan struct{}, 1)}).Log(log)
		o.leaveTurn(pipe)
	}
	for _, step := range []struct {
		what string
		pipe int
		text string
		want []bool
	}{
		{"a line", 1, "a\n", []bool{false, false}},
		{"the beginning of a line", 1, "a", []bool{false, true}},
		{"its end", 1, "b\n", []bool{false, false}},
		{"the beginning of another", 1, "a", []bool{false, true}},
		{"a mark's begin", 1, flushMark[:3], []bool{false, true}},
		{"a line elsewhere, which ends this one", 0, "a\n", []bool{false, true}},
		{"the mark's end", 1, flushMark[3:], []bool{false, false}},
		{"the beginning of a line elsewhere", 0, "a", []bool{true, false}},
		{"a mark for it", 0, flushMark, []bool{false, false}},
		{"a mark for nothing", 1, flushMark, []bool{false, false}},
	} {
		io.WriteString(writers[step.pipe], step.text)
		piece(step.pipe)
		look(step.what, step.want...)
	}
	io.WriteString(stderr, "last")
	piece(1)
	look("last words", false, true)
	o.Leave()
	board.Vacate(0)
	board.Occupy(0)
	stderr.Close()
	io.WriteString(stdout, "left behind")
	for _, pipe := range []int{0, 1} {
		buf := make([]byte, 1023)
		n, err := o.next(pipe, buf)
		look("another worker's slot, before", false, false)
		(&Piece{o: o, pipe: pipe, text: buf[:n], end: err != nil, done: make(chan struct{}, 1)}).Log(log)
		look("another worker's slot", false, false)
		o.leaveTurn(pipe)
	}
	stdout.Close()
}

// Lines of more than a piece were cut where the worker wrote a line to the other pipe after them.
func TestOnePipeDoesNotCutTheOthersLines(t *testing.T) {
	board := boards.One(t)
	o, stdout, stderr, err := New(board, 0)
	if err != nil {
		t.Fatal(err)
	}
	o.grace = time.Minute // the writer may have to wait for a processor
	const longLine, each = 3000, 60
	long := strings.Repeat("x", longLine) + "\n"
	for range 10 { // what fits, before anything is read
		io.WriteString(stderr, long)
		io.WriteString(stdout, "short\n")
	}
	go func() {
		for range each - 10 {
			io.WriteString(stderr, long)
			io.WriteString(stdout, "short\n")
		}
		io.WriteString(stderr, strings.Repeat("y", 100<<10)+"\n")
		stdout.Close()
		stderr.Close()
	}()
	var logged strings.Builder
	log := zlog.New(&logged)
	log.Configure(func(s *zlog.Settings) { s.Launched, s.Limit = true, 1<<20 })
	pieces := make(chan *Piece)
	o.Read(Origin{Pool: "www", Pid: 7}, func(p *Piece) { pieces <- p })
	for timeout, reading := time.After(20*time.Second), Pipes; reading > 0; {
		select {
		case p := <-pieces:
			if p.Log(log) {
				reading--
			}
		case <-timeout:
			stacks := make([]byte, 1<<20)
			t.Fatalf("the pipes have no end: %+v\n%s", o.drained, stacks[:runtime.Stack(stacks, true)])
		}
	}
	count := map[int]int{}
	for line := range strings.Lines(logged.String()) {
		count[len(line)-1]++
	}
	if want := map[int]int{longLine: each, len("short"): each, 100 << 10: 1}; !maps.Equal(count, want) {
		t.Errorf("lines by their lengths: %v, want %v", count, want)
	}
}

// outputOf returns what pieces of a child's output become in the log.
func outputOf(decorate bool, pieces ...string) string {
	var b bytes.Buffer
	log := zlog.New(&b)
	log.Configure(func(s *zlog.Settings) { s.Launched = true; s.Now = func() time.Time { return time.Unix(0, 0) } })
	o := &Output{of: Origin{Pool: "www", Pid: 7, Decorate: decorate}}
	for _, piece := range pieces {
		pipe := 1
		if strings.HasPrefix(piece, "1>") {
			pipe, piece = 0, piece[2:]
		}
		o.take(log, pipe, []byte(piece))
	}
	return b.String()
}

func TestWorkersOutput(t *testing.T) {
	time.Local = time.UTC
	const head = "[01-Jan-1970 00:00:00] WARNING: [pool www] child 7 said into "
	for _, c := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"a line", []string{"a b\n"}, head + "stderr: \"a b\"\n"},
		{"a line in pieces", []string{"a ", "b", "\n"}, head + "stderr: \"a b\"\n"},
		{"two lines", []string{"a\nb\n"}, head + "stderr: \"a\"\n" + head + "stderr: \"b\"\n"},
		{"both pipes", []string{"a", "1>b\n"}, head + "stderr: \"a\"\n" + head + "stdout: \"b\"\n"},
		{"a flush mark", []string{"a\x00fscf\x00b\n"}, head + "stderr: \"a\"\n" + head + "stderr: \"b\"\n"},
		{"a flush mark in pieces", []string{"a\x00fs", "cf\x00"}, head + "stderr: \"a\"\n"},
		{"no flush mark after all", []string{"a\x00fs", "x\n"}, head + "stderr: \"a\x00fsx\"\n"},
	} {
		if got := outputOf(true, c.pieces...); got != c.want {
			t.Errorf("%s: got  %q\nwant %q", c.name, got, c.want)
		}
	}
	if got := outputOf(false, "plain\n"); got != "plain\n" {
		t.Errorf("undecorated: got %q", got)
	}
}

// FuzzOutput gives the master what a hostile worker writes to its two pipes, in any pieces: each line of the log begins as the log's
// lines do, and a mark that is cut in two is one still.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("hello\nworld"), []byte("more"), uint8(3))
	f.Add([]byte("a"+flushMark+"b\x00fs"), []byte("cf\x00"), uint8(1))
	f.Add(bytes.Repeat([]byte("\n[27-Nov-2026 00:00:00] NOTICE: forged"), 50), []byte("\x00fscf"), uint8(200))
	f.Fuzz(func(t *testing.T, stdout, stderr []byte, piece uint8) {
		var written bytes.Buffer
		log := zlog.New(&written)
		o := &Output{of: Origin{Pool: "www", Pid: 7, Decorate: true}}
		for pipes := [2][]byte{stdout, stderr}; len(pipes[0])+len(pipes[1]) > 0; {
			for i, text := range pipes {
				n := min(len(text), 1+int(piece))
				o.take(log, i, text[:n])
				pipes[i] = text[n:]
				if len(o.held[i]) >= len(flushMark) {
					t.Fatalf("%d bytes are held back", len(o.held[i]))
				}
			}
		}
		if o.stream != nil {
			o.stream.Finish()
		}
		for line := range strings.Lines(written.String()) {
			if !strings.HasPrefix(line, "[") || !strings.Contains(line, "] WARNING: [pool www] child 7 said into std") || !strings.HasSuffix(line, "\n") {
				t.Errorf("the log has the line %q", line)
			}
		}
	})
}
