package worker

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi"
)

// A script left no descriptor for the next connection. The worker ends in order, as php-fpm's does, so that another takes
// its place; it neither loops nor dies in Go's runtime, whose timers want a descriptor too.
func TestWorkerWithoutDescriptorsLeaves(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", "<?php echo 'a';")
	if err := unix.Prlimit(c.pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 3}, nil); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, p.Socket)
	defer conn.Close()
	e := p.exit()
	if status := syscall.WaitStatus(e.Status); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("the worker ended with status %v: %s", status, p.log())
	}
	if log := p.log(); strings.Contains(log, "fatal error") || strings.Count(log, "\n") > 3 {
		t.Errorf("it said:\n%s", log)
	}
}

// limitDescriptors lets a process open so many more descriptors.
func limitDescriptors(t *testing.T, pid, more int) {
	t.Helper()
	open, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	for _, f := range open {
		n, _ := strconv.Atoi(f.Name())
		used[n] = true
	}
	limit := 0
	for more > 0 {
		if !used[limit] {
			more--
		}
		limit++
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(limit), Max: 1024}, nil); err != nil {
		t.Fatal(err)
	}
}

// A worker has room for the connection and the script, and for no file that a long body could be in: the script has all of the body, or
// the client an error.
func TestBodyWithoutDescriptors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, memory string
		size           int
		want           string
	}{
		{"POST", "128M", 100_000, "\r\n\r\n100000"},
		{"PUT", "128M", 100_000, "\r\n\r\n100000"},                     // PHP reads its body when the script asks for it
		{"POST", "128M", 5_000_000, "Status: 503 Service Unavailable"}, // the file is there before the script
		{"PUT", "128M", 5_000_000, "\r\n\r\n5000000"},
		{"PUT", "4M", 5_000_000, "Status: 500 Internal Server Error"},
	} {
		p := newPool(t, nil, sapi.Setting{Name: "memory_limit", Value: test.memory}, sapi.Setting{Name: "post_max_size", Value: "0"},
			sapi.Setting{Name: "display_errors", Value: "0"})
		c := p.spawn()
		p.write("a.php", "<?php echo strlen(file_get_contents('php://input'));")
		limitDescriptors(t, c.pid, 2)
		r := get(p.Dir, "a.php", "CONTENT_TYPE", "text/plain", "CONTENT_LENGTH", strconv.Itoa(test.size))
		r.Params[1], r.Body = test.method, strings.Repeat("x", test.size)
		if got := r.do(t, p.Socket); got.err != nil || !strings.Contains(got.stdout, test.want) {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

// A script that cannot be opened for lack of descriptors is there all the same: the answer is not 404.
func TestScriptWithoutDescriptors(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", "<?php echo 'a';")
	limitDescriptors(t, c.pid, 1)
	got := get(p.Dir, "a.php").do(t, p.Socket)
	if got.err != nil || !strings.HasPrefix(got.stdout, "Status: 503 Service Unavailable\r\n") || !strings.Contains(got.stdout, "Retry-After: 1\r\n") {
		t.Errorf("got %v", got)
	}
}

// Without a descriptor for the socket by which the front would take it, a response to a slow client is whole all the same.
func TestSlowClientWithoutDescriptors(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("long.php", `<?php for ($i = 0; $i < 4096; $i++) { echo str_repeat("x", 4096); }`)
	c := p.spawn()
	limitDescriptors(t, c.pid, 2)
	v := w.visit(t)
	v.ask("GET /long.php", "", "X-Request-Id: slow")
	c.tells(t, contract.Lines, "request slow: the worker waits for its slow client")
	r, body := v.answer("GET")
	if r.StatusCode != 200 || len(body) != 16<<20 {
		t.Errorf("got status %d and %d bytes", r.StatusCode, len(body))
	}
}

// tells waits until the worker says a text by a letter.
func (c *child) tells(t *testing.T, by byte, want string) {
	t.Helper()
	for {
		letter, _, text := c.receive(t)
		if letter == 0 {
			t.Fatalf("the worker is gone, and has not said %q", want)
		}
		if letter == by && strings.Contains(text, want) {
			return
		}
	}
}

// What a worker can neither answer nor give to the front is 503. (The kernel refuses to pass descriptors on, to a process that may have too few.)
func TestRequestThatTheFrontDoesNotTake(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", "<?php echo 'a';")
	p.spawn()
	w.toFront[0].Close()
	v := w.visit(t)
	v.ask("POST /a.php", strings.Repeat("x", 100_000), "Content-Length: 100000")
	r, body := v.answer("POST")
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(body, "try again") {
		t.Errorf("got %v %q", r, body)
	}
	if _, body := w.visit(t).get("/a.php"); body != "a" {
		t.Errorf("the next request: got %q", body)
	}
}
