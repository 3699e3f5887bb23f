package worker

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/stockfpm"
)

// requests is how many a load test sends; PHPSAPI_LOAD changes it.
func requests() int {
	if n, err := strconv.Atoi(os.Getenv("PHPSAPI_LOAD")); err == nil {
		return n
	}
	return 10000
}

// load sends n requests of the same bytes, on one connection or on one each, and fails on an answer unlike the first.
func load(t *testing.T, socket string, r *testRequest, n int, keep bool) {
	t.Helper()
	var wire bytes.Buffer
	role := fastcgi.BeginRequest{Role: fastcgi.RoleResponder}
	if keep {
		role.Flags = fastcgi.KeepConn
	}
	w := fastcgi.NewRequestWriter(&wire, make([]byte, 64<<10))
	w.Begin(1, role)
	for i := 0; i+1 < len(r.Params); i += 2 {
		w.Param(r.Params[i], r.Params[i+1])
	}
	w.EndParams()
	w.Write([]byte(r.Body))
	w.EndStdin()
	var conn net.Conn
	var want []byte
	buffer := make([]byte, 64<<10)
	for i := range n {
		if conn == nil {
			conn = dial(t, socket)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.Write(wire.Bytes())
		size := len(want)
		if want == nil {
			size = 1
		}
		got, err := io.ReadAtLeast(conn, buffer, size)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if want == nil {
			want = bytes.Clone(buffer[:got])
		} else if !bytes.Equal(buffer[:got], want) {
			t.Fatalf("request %d: got %q, want %q", i, buffer[:got], want)
		}
		if !keep {
			conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		conn.Close()
	}
}

// private is a process's private memory in KiB: what it wrote to. A file's pages count as private, too, as soon as no
// other process has them mapped.
func private(t *testing.T, pid int) (kib int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "Private_Dirty:" {
			n, _ := strconv.Atoi(f[1])
			kib += n
		}
	}
	return kib
}

// cpuOf is the CPU time of a process.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var total time.Duration
	for _, task := range tasks {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name()))
		if err != nil {
			continue
		}
		n, _ := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		total += time.Duration(n)
	}
	return total
}

// hello is a request with the params that nginx sends.
func hello(dir string) *testRequest {
	return get(dir, "hello.php", "GATEWAY_INTERFACE", "CGI/1.1", "SERVER_SOFTWARE", "nginx/1.22.1", "REMOTE_ADDR", "127.0.0.1",
		"REMOTE_PORT", "40404", "SERVER_ADDR", "127.0.0.1", "SERVER_PORT", "80", "SERVER_NAME", "localhost", "REDIRECT_STATUS", "200",
		"HTTP_HOST", "localhost", "HTTP_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
		"HTTP_ACCEPT", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
		"HTTP_ACCEPT_LANGUAGE", "en-US,en;q=0.5", "HTTP_ACCEPT_ENCODING", "gzip, deflate, br", "HTTP_CONNECTION", "keep-alive",
		"CONTENT_TYPE", "", "CONTENT_LENGTH", "", "REQUEST_SCHEME", "http", "SERVER_PROTOCOL", "HTTP/1.1", "DOCUMENT_URI", "/hello.php")
}

func TestLoadDoesNotGrowTheWorker(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil, sapi.Setting{Name: "zend_extension", Value: "opcache.so"})
	c := p.spawn()
	p.write("hello.php", "<?php echo 'Hello, world';")
	p.write("redirect.php", "<?php header('Location: /x'); http_response_code(302);")
	r := hello(p.Dir)
	n := requests()
	load(t, p.Socket, r, 1000, true)
	load(t, p.Socket, r, 1000, false)
	load(t, p.Socket, get(p.Dir, "redirect.php"), 1000, true)
	before := private(t, c.pid)
	cpu := cpuOf(t, c.pid)
	load(t, p.Socket, r, n, true)
	kept := (cpuOf(t, c.pid) - cpu) / time.Duration(n)
	cpu = cpuOf(t, c.pid)
	load(t, p.Socket, r, n, false)
	fresh := (cpuOf(t, c.pid) - cpu) / time.Duration(n)
	load(t, p.Socket, get(p.Dir, "redirect.php"), n, true)
	after := private(t, c.pid)
	t.Logf("private memory %d KiB, then %d; CPU per request %v kept, %v new", before, after, kept, fresh)
	if after > before+300 { // a thread that Go starts meanwhile takes some
		t.Errorf("%d requests took the worker from %d to %d KiB", 3*n, before, after)
	}
}

func TestLoadOfStock(t *testing.T) {
	t.Parallel()
	if os.Getenv("PHPSAPI_LOAD") == "" {
		t.Skip("only for its figures, with PHPSAPI_LOAD")
	}
	s := stockfpm.Start(t, "pm = static\npm.max_children = 1\nphp_admin_value[opcache.enable] = 1")
	s.Write(t, "hello.php", "<?php echo 'Hello, world';")
	r := hello(s.Dir)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.Pid, s.Pid))
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.Fields(string(children))[0])
	n := requests()
	load(t, s.Socket, r, 1000, true)
	before := private(t, pid)
	cpu := cpuOf(t, pid)
	load(t, s.Socket, r, n, true)
	kept := (cpuOf(t, pid) - cpu) / time.Duration(n)
	cpu = cpuOf(t, pid)
	load(t, s.Socket, r, n, false)
	fresh := (cpuOf(t, pid) - cpu) / time.Duration(n)
	t.Logf("private memory %d KiB, then %d; CPU per request %v kept, %v new", before, private(t, pid), kept, fresh)
}
