// Package stockfpm runs Debian's php-fpm for tests that compare with it.
// Nothing but tests imports it.
package stockfpm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Server is a running php-fpm with a pool www on a unix socket.
type Server struct {
	Dir    string // the test's own, where socket, logs and scripts are
	Socket string
	Pid    int // of the master
}

// Find returns the path of the machine's php-fpm. Without one the test fails, unless it is
// run with -short, when it is skipped.
func Find(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("compares with stock php-fpm")
	}
	if err := serve.Stock().Installed(); err != nil {
		t.Fatal(err)
	}
	return serve.Stock().FPM
}

// Start runs php-fpm until the test is over. pool is the directives of the
// pool www, beside user, listen and the like; in it DIR is the directory. env
// is added to php-fpm's, which has little else.
func Start(t testing.TB, pool string, env ...string) *Server {
	t.Helper()
	path := Find(t)
	s := &Server{Dir: t.TempDir()}
	s.Socket = filepath.Join(s.Dir, "fpm.sock")
	if len(s.Socket) > 100 { // of sun_path's 108
		dir, err := os.MkdirTemp("", "fpm")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		s.Socket = filepath.Join(dir, "fpm.sock")
	}
	config := "[global]\nerror_log = DIR/error.log\n[www]\nlisten = " + s.Socket + "\nclear_env = no\n" + pool + "\n"
	s.Write(t, "php-fpm.conf", strings.ReplaceAll(config, "DIR", s.Dir))
	cmd := exec.Command(path, "-n", "-F", "-R", "-y", filepath.Join(s.Dir, "php-fpm.conf"))
	if os.Geteuid() == 0 {
		s.Write(t, "php-fpm.conf", strings.ReplaceAll(config+"user = root\n", "DIR", s.Dir))
	}
	cmd.Env = append([]string{"LC_ALL=C", "PATH=/usr/bin:/bin"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.Pid = cmd.Process.Pid
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	for answers, end := serve.Accepts("unix", s.Socket), time.Now().Add(wait.Patience); !answers(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("php-fpm does not answer: %s%s", out.String(), s.Read(t, "error.log"))
		}
	}
	return s
}

// Write makes a file in the server's directory and returns its path.
func (s *Server) Write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Read returns the text of a file in the server's directory; nothing if there is none.
func (s *Server) Read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// Get sends a request with these params, name and value in turn, over method
// GET and URI, and returns what came on STDOUT.
func (s *Server) Get(t testing.TB, uri, query string, params ...string) string {
	t.Helper()
	return s.Do(t, "", append([]string{"REQUEST_METHOD", "GET", "SCRIPT_NAME", uri, "QUERY_STRING", query,
		"SCRIPT_FILENAME", filepath.Join(s.Dir, uri)}, params...)...)
}

// Do sends a request with a body and these params, later ones over earlier
// ones, and returns what came on STDOUT.
func (s *Server) Do(t testing.TB, body string, params ...string) string {
	t.Helper()
	out, err := s.do(body, params)
	if err != nil {
		time.Sleep(100 * time.Millisecond) // the master may have something to say about it
		t.Fatalf("%v\n%s", err, s.Read(t, "error.log"))
	}
	return out
}

func (s *Server) do(body string, params []string) (string, error) {
	last := map[string]string{}
	for i := 0; i+1 < len(params); i += 2 {
		last[params[i]] = params[i+1]
	}
	r := exchange.Request{Body: body}
	for name, value := range last {
		r.Params = append(r.Params, name, value)
	}
	got := exchange.Ask(s.Socket, &r)
	if got.Err != nil {
		return "", fmt.Errorf("after %q: %w", got.Stdout, got.Err)
	}
	return got.Stdout, nil
}
