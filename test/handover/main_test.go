// Package handover_test executes phpsapi as a web server executes php-cgi, with a resident and without, beside
// the machine's stock php-cgi: what is answered and how it ends must be the same, whatever becomes of client, child
// and zygote.
package handover_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

var stock = serve.Stock().CGI

// patience is how long anything may take.
const patience = 30 * time.Second

var binaries string // a directory with phpsapi and its link php-cgi

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binaries = dir
		return serve.Stock().Installed()
	}))
}

// A site is a directory with scripts and the zygote's socket.
type site struct {
	t   *testing.T
	dir string
}

func newSite(t *testing.T) *site {
	t.Helper()
	return &site{t, serve.Dir(t)}
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) socket() string { return s.path("z.sock") }

func (s *site) script(name, code string) string {
	s.t.Helper()
	return s.write(name, "<?php "+code)
}

func (s *site) write(name, text string) string {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return s.path(name)
}

// A request is how a web server executes php-cgi.
type request struct {
	script string
	env    []string
	body   string
	args   []string
	shell  string // executed by sh before php-cgi is: limits and the like
}

// outcome is what came of one.
type outcome struct {
	out, err, end string
	handed        bool // somebody else did the work
}

func (o outcome) String() string { return fmt.Sprintf("%s\nstderr: %s\nend: %s", o.out, o.err, o.end) }

// command is a web server's. program is stock, or a file of binaries. zygote is the socket, or empty.
func (s *site) command(program, zygote string, r request) *exec.Cmd {
	var cmd *exec.Cmd
	if r.shell != "" {
		cmd = exec.Command("/bin/sh", append([]string{"-c", r.shell + `; exec "$0" "$@"`, program}, r.args...)...)
	} else {
		cmd = exec.Command(program, r.args...)
	}
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "REDIRECT_STATUS=200", "REQUEST_METHOD=GET", "SERVER_NAME=localhost", "SERVER_SOFTWARE=test",
		"SERVER_PROTOCOL=HTTP/1.1", "GATEWAY_INTERFACE=CGI/1.1", "SCRIPT_FILENAME=" + r.script, "SCRIPT_NAME=/" + filepath.Base(r.script),
		"REQUEST_URI=/" + filepath.Base(r.script), "DOCUMENT_ROOT=" + s.dir, "HTTP_HOST=localhost", "HTTP_X_OWN=own",
	}, r.env...)
	if zygote != "" {
		cmd.Env = append(cmd.Env, "PHPSAPI_CGI_ZYGOTE="+zygote)
	}
	cmd.Stdin = strings.NewReader(r.body)
	return cmd
}

func (s *site) run(program, zygote string, r request) outcome {
	s.t.Helper()
	cmd := s.command(program, zygote, r)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	timer := time.AfterFunc(patience, func() {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
	})
	defer timer.Stop()
	cmd.WaitDelay = patience
	err := cmd.Run()
	if cmd.ProcessState == nil {
		s.t.Fatalf("%s was not started", program)
	}
	if err == exec.ErrWaitDelay {
		s.t.Errorf("%s has ended, and somebody has its output open still", program)
	}
	return outcome{out.String(), errors.String(), cmd.ProcessState.String(), isHanded(cmd.ProcessState)}
}

// isHanded reports whether a process did too little to have been PHP: a start of PHP touches thousands of pages.
func isHanded(state *os.ProcessState) bool {
	return state.SysUsage().(*syscall.Rusage).Minflt < 700
}

func ours() string { return filepath.Join(binaries, "php-cgi") }

// resident is a running zygote.
type resident struct {
	cmd *exec.Cmd
	log *serve.Output
}

// listen starts a resident in the foreground, and has it start PHP. It must end in peace with the test.
func (s *site) listen(program string, env ...string) *resident {
	s.t.Helper()
	r := &resident{exec.Command(program, "cgi", "--zygote-listen", s.socket()), &serve.Output{}}
	r.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		r.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience, func() { r.cmd.Process.Kill() })
		defer timer.Stop()
		if err := r.cmd.Wait(); err != nil {
			s.t.Errorf("the zygote ended by %v: %s", err, r.log)
		}
		if left := processes(s.dir); len(left) > 0 {
			s.t.Errorf("processes were left behind: %q", left)
		}
		for _, name := range []string{"z.sock", "z.sock.lock"} {
			if _, err := os.Lstat(s.path(name)); err == nil {
				s.t.Errorf("%s was left behind", name)
			}
		}
	})
	s.await("the zygote listens", func() bool {
		info, err := os.Lstat(s.path("z.sock"))
		return err == nil && info.Mode()&os.ModeSocket != 0
	})
	return r
}

// warm makes requests until one is handed over.
func (s *site) warm(program string, r request) {
	s.t.Helper()
	s.await("a request was handed over", func() bool { return s.run(program, s.socket(), r).handed })
}

func (s *site) await(what string, done func() bool) {
	s.t.Helper()
	pause := 10 * time.Millisecond // a look may be a request
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		if done() {
			return
		}
		pause = min(2*pause, 200*time.Millisecond)
	}
	s.t.Fatalf("it did not happen that %s", what)
}

// processes are the command lines of the processes, zombies apart, that have text in their command line or directory.
func processes(text string) (found []string) {
	list, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range list {
		if strings.HasPrefix(name, "/proc/"+strconv.Itoa(os.Getpid())+"/") {
			continue
		}
		line, _ := os.ReadFile(name)
		dir, _ := os.Readlink(filepath.Dir(name) + "/cwd")
		if strings.Contains(string(line), text) || strings.Contains(dir, text) {
			found = append(found, filepath.Base(filepath.Dir(name))+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// children are the pids of a process's children.
func children(pid int) (found []int) {
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range list {
		text, _ := os.ReadFile(name)
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			found = append(found, child)
		}
	}
	return found
}

var varying = regexp.MustCompile(`(?m)^(REQUEST_TIME|REQUEST_TIME_FLOAT|PHPSAPI_CGI_ZYGOTE|PHPSAPI_START)=.*\n`)
