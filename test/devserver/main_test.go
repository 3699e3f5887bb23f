// Package devserver_test runs phpsapi as php -S. differential_test.go sends the same requests to the machine's stock
// php and compares what comes back, byte for byte, and what the logs say. The other files are about what php -S
// lacks: requests side by side, crashes, orderly ends.
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
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

var stock = serve.Stock().CLI

var binary string // phpsapi under the name php

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "php")
		return serve.Stock().Installed()
	}))
}

// server is a running development server.
type server struct {
	*serve.Server
	t       *testing.T
	root    string
	address string
}

var startedLine = regexp.MustCompile(`Development Server \(http://([^)]*)\) started`)

// start runs program with args as a server of the files in root and waits until it listens.
func start(t *testing.T, program, root string, env []string, args ...string) *server {
	t.Helper()
	s := launch(t, program, root, env, append([]string{"-S", "127.0.0.1:0"}, args...)...)
	s.Says("started")
	s.address = startedLine.FindStringSubmatch(s.Output.String())[1]
	return s
}

// launch runs program with args in root.
func launch(t *testing.T, program, root string, env []string, args ...string) *server {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "PHP_INI_SCAN_DIR=", "TZ=UTC"), env...)
	return &server{Server: serve.Run(t, cmd), t: t, root: root}
}

// dial opens a connection to the server.
func (s *server) dial() net.Conn {
	s.t.Helper()
	return serve.Dial(s.t, "tcp", s.address)
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

// body is what follows a response's head.
func body(response string) string {
	_, text, _ := strings.Cut(response, "\r\n\r\n")
	return text
}
