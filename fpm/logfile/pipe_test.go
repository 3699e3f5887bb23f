package logfile

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Nobody read the pipe that an access log is: each worker waited at the end of its first request, and the pool answered nothing more.
func TestAccessLogThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	fd := int(write.Fd()) // which makes it block, as an inherited one does
	a := &Pipe{}
	const lines = 2000
	line := []byte(strings.Repeat("x", 199) + "\n")
	began := time.Now()
	wait.Returns(t, "a full access log", func() {
		for range lines {
			if lost, _ := a.Write(fd, line); lost != 0 {
				t.Errorf("%d lines are said to be lost while the pipe is full", lost)
			}
		}
	})
	if took := time.Since(began); took < pipePatience {
		t.Errorf("the first line that found it full has waited for %s only", took)
	}
	missing := a.lost
	if missing == 0 || missing >= lines {
		t.Fatalf("%d of %d lines are lost", missing, lines)
	}
	if _, err := io.ReadFull(read, make([]byte, (lines-missing)*len(line))); err != nil {
		t.Fatal(err)
	}
	if lost, _ := a.Write(fd, line); lost != missing || a.full {
		t.Errorf("when it is read again %d lines are said to be lost, not %d", lost, missing)
	}
	if lost, _ := a.Write(fd, line); lost != 0 {
		t.Errorf("%d are said to be lost twice", lost)
	}
}
