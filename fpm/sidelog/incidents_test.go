package sidelog

import (
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A line that could be written in part only is ended before the next, and lines that find no room are counted.
func TestIncidentLogMayTakeAPartOfALine(t *testing.T) {
	file := &small{}
	var said lineCount
	written := make(chan Written, 1)
	l := &Incidents{Log: zlog.New(&said), Now: time.Now, Post: func(w Written) { written <- w }, path: "the log", file: file}
	wait := func() {
		t.Helper()
		select {
		case w := <-written:
			l.Heed(w)
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
	}
	add := func(line string) {
		t.Helper()
		l.Add([]byte(line))
		wait()
	}
	file.room = 13
	add("{\"a\":1}\n")
	add("{\"lost\":true}\n")
	if !l.torn || said != 1 || string(file.text) != "{\"a\":1}\n{\"los" {
		t.Errorf("torn: %v, %d lines of the error log, %q", l.torn, said, file.text)
	}
	add("{\"lost\":2}\n")
	file.room = 100
	add("{\"b\":2}\n")
	add("{\"c\":3}\n")
	if want := "{\"a\":1}\n{\"los\n{\"b\":2}\n{\"c\":3}\n"; string(file.text) != want || l.torn || said != 1 || l.lost != 1 {
		t.Errorf("got %q, want %q; torn: %v, %d lost, said %d times", file.text, want, l.torn, l.lost, said)
	}

	// It is opened again while something is being written: the old file is closed when that is done.
	l.writing = true
	if err := l.Open(t.TempDir() + "/log"); err != nil || file.closed {
		t.Errorf("%v, closed: %v", err, file.closed)
	}
	l.Heed(Written{file: file, lines: 1})
	if !file.closed {
		t.Error("the old file stays open")
	}
	defer l.close()
	l.lost = 0

	// While something is being written others wait, but not without end.
	l.writing = true
	for range maxWaitingIncidents + 10 {
		l.Add([]byte("{}\n"))
	}
	if l.lines != maxWaitingIncidents || l.lost != 10 || said != 1 {
		t.Errorf("%d wait, %d are lost, said %d times", l.lines, l.lost, said)
	}
	l.writing = false
	l.write()
	wait()
	if l.lines != 0 || l.torn {
		t.Errorf("%d wait; torn: %v", l.lines, l.torn)
	}
}

// small is a file with little room.
type small struct {
	text   []byte
	room   int
	closed bool
}

func (f *small) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.text, f.room = append(f.text, p[:n]...), f.room-n
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *small) Close() error {
	f.closed = true
	return nil
}

// lineCount counts lines.
type lineCount int

func (n *lineCount) Write(p []byte) (int, error) {
	*n++
	return len(p), nil
}
