// Package fastcgi_test runs phpsapi as php-cgi -b. differential_test.go sends the same requests to the machine's stock
// php-cgi8.2 and compares what comes back. The other files are about the processes: how they are started, how they end
// and what they leave.
package fastcgi_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
)

const stock = "/usr/bin/php-cgi8.2"

var binary string // phpsapi under the name php-cgi

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "php-cgi")
		return serve.Installed(stock, "php8.2-cgi")
	}))
}

const patience = 20 * time.Second

// output gathers what a server prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// server is a running php-cgi that listens.
type server struct {
	t       *testing.T
	command *exec.Cmd
	output  *output
	network string
	address string
	ended   chan struct{}
}

// sockets makes a directory whose name is short enough for a unix socket's.
func sockets(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fcgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// start runs program -b on a unix socket and waits until it listens.
func start(t *testing.T, program string, env []string, args ...string) *server {
	t.Helper()
	socket := filepath.Join(sockets(t), "socket")
	return launch(t, program, "unix", socket, env, append(args, "-b", socket)...)
}

// startTCP runs program -b on an address of TCP.
func startTCP(t *testing.T, program string, env []string) *server {
	t.Helper()
	address := freeAddress(t)
	return launch(t, program, "tcp", address, env, "-b", address)
}

// launch runs a server and waits until it listens.
func launch(t *testing.T, program, network, address string, env []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, network: network, address: address}
	s.run(command(program, env, args...))
	s.reachable()
	return s
}

// command is a php-cgi without the settings of this machine.
func command(program string, env []string, args ...string) *exec.Cmd {
	c := exec.Command(program, append([]string{"-n"}, args...)...)
	c.Env = append([]string{"PATH=/usr/bin:/bin", "TZ=UTC", "FROM_OUTSIDE=yes"}, env...)
	c.Dir = "/"
	return c
}

// run starts the command. The server is killed when the test ends, if it is there still.
func (s *server) run(c *exec.Cmd) {
	s.t.Helper()
	s.command, s.output, s.ended = c, &output{}, make(chan struct{})
	c.Stdout, c.Stderr = s.output, s.output
	c.WaitDelay = 5 * time.Second
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		c.Wait()
		close(s.ended)
	}()
	s.t.Cleanup(func() {
		select {
		case <-s.ended:
		default:
			children := descendants(c.Process.Pid)
			c.Process.Kill()
			for _, pid := range children { // a stock parent leaves them behind
				syscall.Kill(pid, syscall.SIGKILL)
			}
			<-s.ended
		}
		if s.t.Failed() {
			s.t.Logf("%s said:\n%s", filepath.Base(c.Path), s.output)
		}
	})
}

func (s *server) reachable() {
	s.t.Helper()
	eventually(s.t, "a listening socket", func() bool {
		conn, err := net.Dial(s.network, s.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// processes are those below the server's, their descendants included, and the server's own last.
func (s *server) processes() []int {
	return append(descendants(s.command.Process.Pid), s.command.Process.Pid)
}

func descendants(pid int) (all []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		for _, field := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(field)
			all = append(append(all, descendants(child)...), child)
		}
	}
	return all
}

// gone waits until none of the processes is there.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("the end of process %d", pid), func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || bytes.Contains(stat, []byte(") Z "))
		})
	}
}

// eventually waits until check is true.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !check(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (s *server) waitFor(text string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%q on standard error", text), func() bool { return strings.Contains(s.output.String(), text) })
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// end waits until the server has ended, and gives how.
func (s *server) end() syscall.WaitStatus {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatal("the server does not end")
	}
	return s.command.ProcessState.Sys().(syscall.WaitStatus)
}

func (s *server) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial(s.network, s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// request is a request to php-cgi.
type request struct{ exchange.Request }

// get is a request for a script.
func get(script string, params ...string) *request {
	return &request{exchange.Request{Params: append([]string{"SCRIPT_FILENAME", script, "SCRIPT_NAME", "/" + filepath.Base(script),
		"REQUEST_METHOD", "GET", "QUERY_STRING", "", "DOCUMENT_ROOT", filepath.Dir(script)}, params...)}}
}

func (r *request) kept() *request {
	r.Keep = true
	return r
}

// response is what came back.
type response struct {
	stdout, stderr string
	status         fastcgi.EndRequest
	err            error
}

func (r response) String() string {
	return fmt.Sprintf("stdout %q stderr %q %v %v", r.stdout, r.stderr, r.status, r.err)
}

// body is what stands behind the head.
func (r response) body() string {
	_, text, _ := strings.Cut(r.stdout, "\r\n\r\n")
	return text
}

func receive(conn net.Conn) (got response) {
	r := fastcgi.NewResponseReader(conn, make([]byte, 64<<10))
	r.Begin(1)
	for {
		kind, piece, err := r.Next()
		switch {
		case err != nil:
			got.err = err
			return got
		case kind == fastcgi.TypeStdout:
			got.stdout += string(piece)
		case kind == fastcgi.TypeStderr:
			got.stderr += string(piece)
		case kind == fastcgi.TypeEndRequest:
			got.status = r.Status()
			return got
		}
	}
}

// on sends the request on a connection and takes the response.
func (r *request) on(conn net.Conn) response {
	go r.Send(conn)
	return receive(conn)
}

// ask sends a request on a new connection.
func (s *server) ask(r *request) response {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	return r.on(conn)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// files writes files below a new directory and gives it.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range contents {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
