package security

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var binary string // phpsapi

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(withoutLandlock) != "":
		executeWithoutLandlock(os.Args[1:])
	case os.Getenv(asker) != "":
		ask()
		os.Exit(0)
	}
	for fd := 3; fd < 1024; fd++ { // descriptors that the tests were started with are not a leak of the service's
		unix.CloseOnExec(fd)
	}
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "phpsapi")
		return nil
	}))
}

// A setup is a service: a pool www, whose site is the directory site below Dir, and what phpsapi.yaml says of the pool.
type setup struct {
	t       *testing.T
	Dir     string
	address string
	conf    string          // php-fpm.conf
	wrap    func(*exec.Cmd) // changes how the program is executed; nil: as it is
}

// prepare makes a setup. The workers' user may write in Dir/site/var alone. yaml is what stands below pools: www in phpsapi.yaml.
func prepare(t *testing.T, pool, yaml string, scripts map[string]string) *setup {
	t.Helper()
	s := &setup{t: t, Dir: serve.Dir(t), address: serve.Address(t)}
	for _, dir := range []string{"site", "site/var", "temporary"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"site/var", "temporary"} {
		if err := os.Chmod(filepath.Join(s.Dir, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range scripts {
		s.write("site/"+name, text)
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user = www-data\ngroup = www-data\n"
	}
	s.conf = s.write("php-fpm.conf", fmt.Sprintf("[global]\nerror_log = %s/log\n[www]\nlisten = %[1]s/sock\nlisten.mode = 0666\n%[2]spm = static\npm.max_children = 1\n"+
		"php_admin_value[sys_temp_dir] = %[1]s/temporary\nphp_admin_value[session.save_path] = %[1]s/temporary\n%[3]s\n", s.Dir, user, pool))
	s.write("phpsapi.yaml", fmt.Sprintf("http: {listen: '%s', root: site}\npools:\n  www:\n    %s\n", s.address, strings.ReplaceAll(yaml, "\n", "\n    ")))
	return s
}

func (s *setup) write(name, text string) string {
	s.t.Helper()
	file := filepath.Join(s.Dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func (s *setup) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *setup) command(arguments ...string) *exec.Cmd {
	c := exec.Command(binary, append([]string{"fpm", "-y", s.conf}, arguments...)...)
	if s.wrap != nil {
		s.wrap(c)
	}
	return c
}

// refused returns what the service says in place of a start, and its exit status.
func (s *setup) refused(arguments ...string) (said string, status int) {
	s.t.Helper()
	c := s.command(arguments...)
	out := &serve.Output{}
	c.Stderr = out
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	defer time.AfterFunc(30*time.Second, func() { c.Process.Kill() }).Stop()
	c.Wait()
	return out.String(), c.ProcessState.ExitCode()
}

// service is a running setup.
type service struct {
	*serve.Process
	*setup
	http http.Client
}

// start runs the setup in the foreground until it serves.
func (s *setup) start(arguments ...string) *service {
	s.t.Helper()
	run := &service{setup: s, http: http.Client{Timeout: 30 * time.Second}}
	out := &serve.Output{}
	cmd := s.command(append([]string{"-F"}, arguments...)...)
	cmd.Stderr = out
	var err error
	ready := func() bool { return strings.Contains(run.log(), "ready to handle connections") }
	if run.Process, err = serve.Start("phpsapi fpm", cmd, ready, func() string { return out.String() + run.log() }); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		run.Stop()
		if s.t.Failed() {
			log := run.log()
			s.t.Log(log[max(0, len(log)-8<<10):])
		}
	})
	return run
}

// log is the error log.
func (s *setup) log() string {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	return string(text)
}

// said waits until a line of the error log matches.
func (s *service) said(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	wait.Until(s.t, "a line that matches "+pattern, func() bool { return re.MatchString(s.log()) })
	return re.FindString(s.log())
}

// get returns the status and the body of a page.
func (s *service) get(path string) (status int, body string) {
	s.t.Helper()
	r, err := s.http.Get("http://" + s.address + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(text)
}

// workers are the pids of the pool's workers, of which there is one at least, or is one soon.
func (s *service) workers() (pids []int) {
	s.t.Helper()
	wait.Until(s.t, "a worker", func() bool {
		pids = s.Titled("php-fpm: pool www")
		return len(pids) > 0
	})
	return pids
}
