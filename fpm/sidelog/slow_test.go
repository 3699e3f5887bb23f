package sidelog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const stack = "script_filename = /x.php\n[0x1] f() /x.php:1\n[pool other] pid 1\n\x1b[2Jscript_filename = /y.php\n[0x2] g\x1b() /x.php:2\n+++ dump failed\n"

func TestTraces(t *testing.T) {
	time.Local = time.UTC
	one := Trace{Pool: "www", Pid: 7, RequestID: "id", Method: "GET", URI: "/a?b", Script: "/s.php", Duration: 1500 * time.Millisecond, Stack: stack}
	want := "\n[01-Jan-1970 00:00:01]  [pool www] pid 7\nscript_filename = /x.php\n[0x1] f() /x.php:1\n[0x2] g.() /x.php:2\n+++ dump failed\n"
	if got := string(one.Text(time.Unix(1, 0), false)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	got := one.JSON(time.Unix(1, 0))
	for _, part := range []string{`"pool":"www"`, `"pid":7`, `"request_id":"id"`, `"uri":"/a?b"`, `"script":"/x.php"`, `"php_stack":["f() /x.php:1",`, `"truncated":true`} {
		if !bytes.Contains(got, []byte(part)) {
			t.Errorf("%s lacks %s", got, part)
		}
	}
	if bytes.Contains(got, []byte("trace_id")) || bytes.Count(got, []byte("\n")) != 1 {
		t.Errorf("got %q", got)
	}
}

// Traces are written one after the other, and wait for a log that takes none, but not without end.
func TestTracesWaitForTheirLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slow")
	type end struct {
		opened bool
		err    error
	}
	ends := make(chan end)
	written := func(opened bool, err error) { ends <- end{opened, err} }
	var l Slow
	all := 0
	for l.Add(path, []byte("x"), written) {
		all++
	}
	if all != maxWaitingTraces+1 { // one is being written
		t.Errorf("%d traces are taken", all)
	}
	for range all {
		if e := <-ends; !e.opened || e.err != nil {
			t.Fatalf("%+v", e)
		}
		l.Written(path)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) != all {
		t.Errorf("%d bytes of %d, %v", len(text), all, err)
	}
	if l.Add(path, make([]byte, maxWaitingText+1), written) {
		t.Error("a trace that is too long is taken")
	}
	if !l.Add(filepath.Join(path, "none"), []byte("x"), written) {
		t.Error("none is taken any more")
	}
	if e := <-ends; e.opened || e.err == nil {
		t.Errorf("a log that cannot be opened: %+v", e)
	}
}
