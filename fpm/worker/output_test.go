package worker

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A master that nobody has anything to say to must not be woken.
func TestOutputIsEndedWhereThereIsSome(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.caught = true
	c := p.spawn()
	p.write("say.php", `<?php
$say = fn($pipe) => fwrite(fopen("php://$pipe", 'w'), 'said');
match ($_GET['how'] ?? '') { 'both' => [$say('stdout'), $say('stderr')], 'command' => shell_exec('printf said >&2'), '' => 0, default => $say($_GET['how']) };
`)
	const mark = "\x00fscf\x00"
	for _, r := range []struct {
		name           string
		query          string
		stdout, stderr bool // what the master has not ended
		want           [2]string
	}{
		{name: "nothing"},
		{name: "a text on stderr", query: "how=stderr", want: [2]string{"", "said" + mark}},
		{name: "nothing after a text"},
		{name: "a text on stdout", query: "how=stdout", want: [2]string{"said" + mark, ""}},
		{name: "texts on both", query: "how=both", want: [2]string{"said" + mark, "said" + mark}},
		{name: "a text by a process", query: "how=command", want: [2]string{"", "said" + mark}},
		{name: "what the master has of stderr", stderr: true, want: [2]string{"", mark}},
		{name: "what the master has of stdout", stdout: true, want: [2]string{mark, ""}},
		{name: "nothing at the end"},
	} {
		p.board.OutputOpen(0, r.stdout, r.stderr)
		request := get(p.Dir, "say.php")
		request.Params = append(request.Params, "QUERY_STRING", r.query)
		conn := dial(t, p.Socket)
		ask(t, conn, request) // the answer's end comes after the mark
		conn.Close()
		for i, pipe := range c.output {
			buf := make([]byte, 100)
			n, _ := unix.Read(pipe, buf)
			if got := string(buf[:max(n, 0)]); got != r.want[i] {
				t.Errorf("%s: %s got %q, want %q", r.name, []string{"stdout", "stderr"}[i], got, r.want[i])
			}
		}
	}
}

func TestEndingNoOutputAllocatesNothing(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	if n := testing.AllocsPerRun(100, func() {
		if waiting(pipe[1]) {
			t.Fatal("something waits in an empty pipe")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	unix.Write(pipe[1], []byte(strings.Repeat("x", 9)))
	if !waiting(pipe[1]) || !waiting(-1) {
		t.Error("nothing waits in a pipe with 9 bytes, or in none")
	}
}
