package counts

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/probe"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var fpm string // phpsapi, called as php-fpm

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		fpm = filepath.Join(dir, "php-fpm")
		return nil
	}))
}

// requests are how many requests are made while something is counted.
const requests = 500

// A path is the way of requests on a kept connection to a pool's only worker.
type path struct {
	pid int // the worker's
	ask func() error
}

// begin starts a service with one worker and hello world. ROOT in its arguments is the directory of that.
func begin(t *testing.T, arguments ...string) (dir string, s *serve.Server) {
	t.Helper()
	dir = serve.Dir(t)
	conf := filepath.Join(dir, "php-fpm.conf")
	files.Write(t, conf, serve.FPMConf(dir, "", "pm = static\npm.max_children = 1\n"))
	old := time.Now().Add(-time.Hour) // opcache leaves alone what was just written
	for name, code := range map[string]string{
		"hello.php": `<?php echo "Hello, world!\n";`,
		"index.php": `<?php echo "Hello, world!\n";`,
		"body.php":  `<?php echo strlen(file_get_contents("php://input"));`,
		"long.php":  `<?php $row = str_repeat("x", 1000); for ($i = 0; $i < 100; $i++) echo $row;`,
	} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, []byte(code), 0o644), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(fpm, "-F", "-y", conf)
	for _, a := range arguments {
		cmd.Args = append(cmd.Args, strings.ReplaceAll(a, "ROOT", dir))
	}
	return dir, serve.Run(t, cmd)
}

// of finds the worker.
func (p *path) of(t *testing.T, s *serve.Server) *path {
	t.Helper()
	if err := p.ask(); err != nil { // it has its title then
		t.Fatal(err)
	}
	workers := s.Titled("php-fpm: pool ")
	if len(workers) != 1 {
		t.Fatalf("workers: %v", workers)
	}
	p.pid = workers[0]
	return p
}

// byFastCGI asks by FastCGI.
func byFastCGI(t *testing.T) *path { return asFastCGI(t, "/hello.php", "") }

// asFastCGI asks by FastCGI for a script, by POST if there is a body.
func asFastCGI(t *testing.T, script, body string) *path {
	dir, s := begin(t)
	wait.Until(t, "the socket", serve.Accepts("unix", serve.Socket(dir)))
	conn := serve.Dial(t, "unix", serve.Socket(dir))
	method, kind, length := "GET", "", ""
	if body != "" {
		method, kind, length = "POST", "application/octet-stream", strconv.Itoa(len(body))
	}
	r := exchange.Request{Keep: true, Body: body, Params: []string{"QUERY_STRING", "", "REQUEST_METHOD", method, "CONTENT_TYPE", kind, "CONTENT_LENGTH", length,
		"SCRIPT_NAME", script, "REQUEST_URI", script, "DOCUMENT_URI", script, "DOCUMENT_ROOT", dir, "SERVER_PROTOCOL", "HTTP/1.1",
		"REQUEST_SCHEME", "http", "GATEWAY_INTERFACE", "CGI/1.1", "SERVER_SOFTWARE", "nginx/1.22.1", "REMOTE_ADDR", "127.0.0.1", "REMOTE_PORT", "40000",
		"REMOTE_USER", "", "SERVER_ADDR", "127.0.0.1", "SERVER_PORT", "80", "SERVER_NAME", "localhost", "REDIRECT_STATUS", "200",
		"SCRIPT_FILENAME", dir + script, "HTTP_HOST", "localhost", "HTTP_USER_AGENT", "test", "HTTP_ACCEPT", "*/*"}}
	p := &path{ask: func() error {
		r.Send(conn)
		records, err := exchange.Records(conn)
		if err == nil && !strings.HasPrefix(records, "STDOUT ") {
			err = fmt.Errorf("answered with %s", records)
		}
		return err
	}}
	return p.of(t, s)
}

// byHTTP asks by HTTP.
func byHTTP(t *testing.T) *path { return asHTTP(t, func() string { return "/hello.php" }) }

// byOtherHTTP asks for another path each time, for which the controller answers.
func byOtherHTTP(t *testing.T) *path {
	n := 0
	return asHTTP(t, func() string { n++; return fmt.Sprintf("/posts/%d", n) })
}

func asHTTP(t *testing.T, next func() string) *path {
	address := serve.Address(t)
	_, s := begin(t, "--http", address, "--root", "ROOT")
	wait.Until(t, address, serve.Accepts("tcp", address))
	var p *path
	// While the worker has the connection that has just looked for the address, the front accepts the next one.
	wait.Until(t, "a connection that the worker accepts", func() bool {
		conn := serve.Dial(t, "tcp", address)
		in := bufio.NewReader(conn)
		p = (&path{ask: func() error { return get(conn, in, next()) }}).of(t, s)
		return has(t, p.pid, conn)
	})
	return p
}

// has reports whether a process has the other end of a TCP connection by IPv4.
func has(t *testing.T, pid int, conn net.Conn) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	remote := fmt.Sprintf(":%04X", conn.LocalAddr().(*net.TCPAddr).Port)
	inode := ""
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 9 && strings.HasSuffix(f[2], remote) {
			inode = f[9]
		}
	}
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	return slices.ContainsFunc(fds, func(fd string) bool {
		to, err := os.Readlink(fd)
		return err == nil && to == "socket:["+inode+"]"
	})
}

func get(conn net.Conn, in *bufio.Reader, path string) error {
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n", path)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && string(body) != "Hello, world!\n" {
		err = fmt.Errorf("%s: %q", response.Status, body)
	}
	return err
}

// many makes the requests.
func (p *path) many() error {
	for range requests {
		if err := p.ask(); err != nil {
			return err
		}
	}
	return nil
}

// count counts what happens in the worker during the requests. The connection has not idled before.
func (p *path) count(t *testing.T, c *probe.Counter, err error) map[string]int {
	t.Helper()
	if errors.Is(err, probe.ErrNoFunctions) {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	if err := p.many(); err != nil {
		t.Fatal(err)
	}
	counts, err := c.Count(p.many)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func (p *path) systemCalls(t *testing.T) (counts map[string]int, took time.Duration) {
	t.Helper()
	c, err := probe.SystemCalls(p.pid)
	began := time.Now()
	counts = p.count(t, c, err)
	return counts, time.Since(began)
}

func (p *path) functions(t *testing.T, names ...string) map[string]int {
	t.Helper()
	c, err := probe.Functions(p.pid, func(name string) bool { return slices.Contains(names, name) })
	return p.count(t, c, err)
}
