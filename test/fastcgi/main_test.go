// Package fastcgi_test runs phpsapi as php-cgi -b. differential_test.go sends the same requests to the machine's stock
// php-cgi and compares what comes back. The other files are about the processes: how they are started, how they end
// and what they leave.
package fastcgi_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var stock = serve.Stock().CGI

var binary string // phpsapi under the name php-cgi

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "php-cgi")
		return serve.Stock().Installed()
	}))
}

// server is a running php-cgi that listens.
type server struct {
	*serve.Server
	t       *testing.T
	network string
	address string
}

// start runs program -b on a unix socket and waits until it listens.
func start(t *testing.T, program string, env []string, args ...string) *server {
	t.Helper()
	socket := filepath.Join(serve.Dir(t), "socket")
	return launch(t, program, "unix", socket, env, append(args, "-b", socket)...)
}

// startTCP runs program -b on an address of TCP.
func startTCP(t *testing.T, program string, env []string) *server {
	t.Helper()
	address := serve.Address(t)
	return launch(t, program, "tcp", address, env, "-b", address)
}

// launch runs a server and waits until it listens.
func launch(t *testing.T, program, network, address string, env []string, args ...string) *server {
	t.Helper()
	return listening(t, network, address, command(program, env, args...))
}

// command is a php-cgi without the settings of this machine.
func command(program string, env []string, args ...string) *exec.Cmd {
	c := exec.Command(program, append([]string{"-n"}, args...)...)
	c.Env = append([]string{"PATH=/usr/bin:/bin", "TZ=UTC", "FROM_OUTSIDE=yes"}, env...)
	c.Dir = "/"
	return c
}

// listening runs a server's command and waits until it listens.
func listening(t *testing.T, network, address string, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{serve.Run(t, cmd), t, network, address}
	wait.Until(t, "a listening socket", serve.Accepts(network, address))
	return s
}

func (s *server) dial() net.Conn {
	s.t.Helper()
	return serve.Dial(s.t, s.network, s.address)
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

// on sends the request on a connection and takes the response.
func (r *request) on(conn net.Conn) exchange.Response {
	go r.Send(conn)
	return exchange.Receive(conn)
}

// ask sends a request on a new connection.
func (s *server) ask(r *request) exchange.Response {
	s.t.Helper()
	conn := s.dial()
	defer conn.Close()
	return r.on(conn)
}
