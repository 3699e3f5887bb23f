package front

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestMain(m *testing.M) { os.Exit(serve.Main(m, nil)) }

// scripts are the site of all tests.
var scripts = map[string]string{
	"index.php": `<?php echo "index ", $_SERVER["PATH_INFO"] ?? "", " ", getmypid();`,
	"sleep.php": `<?php usleep(1000 * (int)$_GET["ms"]); echo "slept";`,
	"long.php":  `<?php for ($i = 0; $i < 20; $i++) echo str_repeat(chr(65 + $i), 1 << 20); error_log("long page done");`,
	"kill.php":  `<?php posix_kill(getmypid(), 9); sleep(5);`,
	"log.php":   `<?php error_log("one"); error_log("two"); echo "logged by ", getmypid();`,
	"page.txt":  "text\n",
	".hidden":   "secret",
}

// site makes a directory that is served, for anyone to read.
func site(t *testing.T) string {
	t.Helper()
	dir := serve.Dir(t)
	files.Fill(t, dir, scripts)
	return dir
}

// service is a running phpsapi fpm. Its log is its standard error.
type service struct{ *serve.Service }

// start runs phpsapi fpm until its front serves at an address.
func start(t *testing.T, address string, environment []string, arguments ...string) *service {
	t.Helper()
	return startCommand(t, address, command(environment, arguments...))
}

// startCommand is start for a command that the test has made.
func startCommand(t *testing.T, address string, cmd *exec.Cmd) *service {
	t.Helper()
	s := &service{&serve.Service{T: t, Address: address, Ready: []string{" serves "}}}
	s.Run(cmd)
	return s
}

func command(environment []string, arguments ...string) *exec.Cmd {
	cmd := serve.FPM(arguments...)
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}

// want fetches a page, whose body begins so.
func (s *service) want(path string, status int, body string) {
	s.T.Helper()
	if gotStatus, got := s.Get(path); gotStatus != status || !strings.HasPrefix(got, body) {
		s.T.Errorf("%s: got %d %q, want %d %q", path, gotStatus, got, status, body)
	}
}

// said waits until a line of the log is there that many times, and returns its last group, or all of it.
func (s *service) said(pattern string, times int) string {
	s.T.Helper()
	match := s.Logged(pattern, times)
	return match[len(match)-1]
}

// load starts clients that fetch a page again and again. Together they begin a request each millisecond: more would take the
// processors from what is tested.
func (s *service) load(clients int, path string) *serve.Load {
	return serve.StartLoad(clients, time.Duration(clients)*time.Millisecond, func(n int) serve.LoadClient {
		// Half of them with a connection for each request: those see a listener that is gone.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: n%2 == 0}, Timeout: wait.Patience}
		return serve.LoadClient{Close: client.CloseIdleConnections, Ask: func() error {
			if status, text := serve.Ask(client, s.URL(path)); status == 0 {
				return errors.New(text)
			} else if status != 200 {
				return fmt.Errorf("status %d", status)
			}
			return nil
		}}
	})
}
