package master

import (
	"io"
	"maps"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// At every moment a worker must see what it wrote: in the pipe, or open with the master.
func TestWorkerIsToldWhatIsOpen(t *testing.T) {
	board, err := scoreboard.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	board.Occupy(0)
	slot, err := scoreboard.OpenSlot(int(board.File().Fd()), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, stdout, stderr, err := newOutput(&child{pool: &pool{board: board, conf: &conf.Pool{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.discard()
	writers := [2]*os.File{stdout, stderr}
	m := &Master{log: lines{zlog.New(io.Discard)}}
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
		said{o: o, pipe: pipe, text: buf[:n], end: err != nil, done: make(chan struct{}, 1)}.happen(m)
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
	o.leave()
	board.Vacate(0)
	board.Occupy(0)
	stderr.Close()
	io.WriteString(stdout, "left behind")
	for _, pipe := range []int{0, 1} {
		buf := make([]byte, 1023)
		n, err := o.next(pipe, buf)
		look("another worker's slot, before", false, false)
		said{o: o, pipe: pipe, text: buf[:n], end: err != nil, done: make(chan struct{}, 1)}.happen(m)
		look("another worker's slot", false, false)
		o.leaveTurn(pipe)
	}
	stdout.Close()
}

// Lines of more than a piece were cut where the worker wrote a line to the other pipe after them.
func TestOnePipeDoesNotCutTheOthersLines(t *testing.T) {
	board, err := scoreboard.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	o, stdout, stderr, err := newOutput(&child{pool: &pool{board: board, conf: &conf.Pool{}}})
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
	m := &Master{log: lines{log}, box: newMailbox(), reading: 2}
	o.read(m.box)
	for timeout := time.After(20 * time.Second); m.reading > 0; {
		select {
		case <-m.box.wake:
			m.handle()
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
