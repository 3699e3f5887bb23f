// Package operate operates a real service as a person does, by the program's commands.
package operate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var binary string // phpsapi

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "phpsapi")
		return nil
	}))
}

// service is a running phpsapi fpm, with the pools www and api. Its site has the test's scripts.
type service struct {
	*serve.Process
	t    *testing.T
	dir  string
	conf string
}

// prepare writes a php-fpm.conf whose two pools have such lines, and the scripts of the site.
func prepare(t *testing.T, www, api string, scripts map[string]string) *service {
	t.Helper()
	s := &service{t: t, dir: serve.Dir(t)}
	s.conf = filepath.Join(s.dir, "php-fpm.conf")
	s.configure(www, api)
	for name, text := range scripts {
		s.write(name, text)
	}
	return s
}

// configure writes the php-fpm.conf.
func (s *service) configure(www, api string) {
	s.t.Helper()
	text := serve.FPMConf(s.dir, "", www)
	_, pool, _ := strings.Cut(text, "[www]\n")
	pool = strings.Replace(strings.Replace(pool, serve.Socket(s.dir), s.socket("api"), 1), www, api, 1)
	s.write("php-fpm.conf", text+"[api]\n"+pool)
}

func (s *service) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) socket(pool string) string {
	if pool == "www" {
		return serve.Socket(s.dir)
	}
	return filepath.Join(s.dir, pool+".sock")
}

// start runs the service in the foreground until it serves.
func (s *service) start(arguments ...string) *service {
	s.t.Helper()
	out := &serve.Output{}
	cmd := exec.Command(binary, append([]string{"fpm", "-F", "-y", s.conf}, arguments...)...)
	cmd.Stderr = out
	var err error
	ready := func() bool { return strings.Contains(s.log(), "ready to handle connections") }
	if s.Process, err = serve.Start("phpsapi fpm", cmd, ready, func() string { return out.String() + s.log() }); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.Stop()
		if s.t.Failed() {
			s.t.Log(s.log())
		}
	})
	return s
}

func (s *service) log() string {
	text, _ := os.ReadFile(serve.Log(s.dir))
	return string(text)
}

// said waits for a line of the error log.
func (s *service) said(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	wait.Until(s.t, fmt.Sprintf("%q in the error log", pattern), func() bool { return re.MatchString(s.log()) })
}

// run runs a command for the service, and returns what it prints on both streams and its exit status.
func (s *service) run(arguments ...string) (printed string, status int) {
	s.t.Helper()
	cmd := exec.Command(binary, append(append([]string{"fpm"}, arguments...), "--master", fmt.Sprint(s.Pid()))...)
	text, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		s.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// wants runs a command that must succeed, and print what matches.
func (s *service) wants(pattern string, arguments ...string) string {
	s.t.Helper()
	printed, status := s.run(arguments...)
	if status != 0 || !regexp.MustCompile(pattern).MatchString(printed) {
		s.t.Errorf("phpsapi fpm %s: status %d, %q, want %q", strings.Join(arguments, " "), status, printed, pattern)
	}
	return printed
}

// refuses runs a command that must fail so.
func (s *service) refuses(status int, pattern string, arguments ...string) {
	s.t.Helper()
	printed, got := s.run(arguments...)
	if got != status || !regexp.MustCompile(pattern).MatchString(printed) {
		s.t.Errorf("phpsapi fpm %s: status %d, %q, want %d, %q", strings.Join(arguments, " "), got, printed, status, pattern)
	}
}

// read runs a command with --json, and reads what it prints.
func (s *service) read(into any, arguments ...string) {
	s.t.Helper()
	printed, status := s.run(append(arguments, "--json")...)
	if err := json.Unmarshal([]byte(printed), into); status != 0 || err != nil {
		s.t.Fatalf("phpsapi fpm %s --json: status %d, %v, %q", strings.Join(arguments, " "), status, err, printed)
	}
}

// client is a client of a pool, with a connection for each request.
func (s *service) client(pool string) *client.FastCGI {
	return &client.FastCGI{Dial: func() (net.Conn, error) { return net.DialTimeout("unix", s.socket(pool), 5*time.Second) }}
}

// ask asks a pool for a script, and returns the answer's body.
func (s *service) ask(pool, script string) (string, error) {
	c := s.client(pool)
	err := c.Ask(client.Encode(s.dir, script, "", false))
	return c.Body(), err
}
