// Package devserver_test runs phpsapi as php -S. differential_test.go sends the same requests to the machine's stock
// php8.2 and compares what comes back, byte for byte, and what the logs say. The other files are about what php -S has
// not: requests side by side, crashes, orderly ends.
package devserver_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

const stock = "/usr/bin/php8.2"

var binary string // phpsapi under the name php

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "php")
		return serve.Installed(stock, "php8.2-cli")
	}))
}

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

// server is a running development server.
type server struct {
	t       *testing.T
	command *exec.Cmd
	output  *output
	address string
	ended   chan struct{}
}

var startedLine = regexp.MustCompile(`Development Server \(http://([^)]*)\) started`)

// start runs program with args as a server of the files in root and waits until it listens.
func start(t *testing.T, program, root string, env []string, args ...string) *server {
	t.Helper()
	s := launch(t, program, root, env, append([]string{"-S", "127.0.0.1:0"}, args...)...)
	s.waitFor("started")
	s.address = startedLine.FindStringSubmatch(s.output.String())[1]
	return s
}

// launch runs program with args in root. The server is killed when the test ends.
func launch(t *testing.T, program, root string, env []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, output: &output{}, ended: make(chan struct{})}
	s.command = exec.Command(program, args...)
	s.command.Dir = root
	s.command.Env = append(append(os.Environ(), "PHP_INI_SCAN_DIR=", "TZ=UTC"), env...)
	s.command.Stdout, s.command.Stderr = s.output, s.output
	s.command.WaitDelay = 5 * time.Second
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.command.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.command.Process.Kill()
		<-s.ended
		if t.Failed() {
			t.Logf("log of %s:\n%s", filepath.Base(program), s.output)
		}
	})
	return s
}

const patience = 15 * time.Second

// waitFor waits until the log holds text.
func (s *server) waitFor(text string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%q in the log", text), func() bool { return strings.Contains(s.output.String(), text) })
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

// signal sends the server a signal.
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

// dial opens a connection to the server.
func (s *server) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// get asks for a path and gives all that comes back.
func (s *server) get(path string) string {
	s.t.Helper()
	conn := s.dial()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path)
	return readAll(conn)
}

// readAll reads to the end. A reset is written down: servers differ in when they reset.
func readAll(conn net.Conn) string {
	var all bytes.Buffer
	_, err := all.ReadFrom(conn)
	if err != nil && all.Len() == 0 {
		return "(" + err.(*net.OpError).Err.Error() + ")"
	}
	return all.String()
}

// body is what stands behind a response's head.
func body(response string) string {
	_, text, _ := strings.Cut(response, "\r\n\r\n")
	return text
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
