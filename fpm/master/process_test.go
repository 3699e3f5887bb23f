package master

import (
	"bufio"
	"fmt"
	"io"
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

	"github.com/phpsapi/phpsapi/test/wait"
)

// patience is how long anything may take.
const patience = wait.Patience

// service is a running master.
type service struct {
	t       *testing.T
	dir     string
	command *exec.Cmd

	mu    sync.Mutex
	log   []string // the lines so far
	more  *sync.Cond
	ended bool
	whole chan struct{} // closed when the log has been read to its end
	read  int           // lines that expect has passed

	settings    func(text string) // writes phpsapi.yaml
	front, yaml string            // the front's socket, and the directory of phpsapi.yaml
}

// start runs a master; conf may name the test's directory as DIR.
func start(t *testing.T, conf string, env ...string) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir(), whole: make(chan struct{})}
	s.more = sync.NewCond(&s.mu)
	s.configure(conf)
	s.command = exec.Command("/proc/self/exe", s.path("conf"))
	s.command.Env = append(os.Environ(), roleVariable+"=master")
	for _, e := range env {
		s.command.Env = append(s.command.Env, strings.ReplaceAll(e, "DIR", s.dir))
	}
	// StderrPipe's end is closed by Wait, with what has not been read.
	stderr, its, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.command.Stderr = its
	err = s.command.Start()
	its.Close()
	if err != nil {
		t.Fatal(err)
	}
	go s.follow(stderr)
	t.Cleanup(func() {
		s.command.Process.Kill()
		s.command.Wait()
		if t.Failed() {
			t.Logf("log:\n%s", s.said())
		}
	})
	return s
}

func (s *service) path(name string) string { return filepath.Join(s.dir, name) }

func (s *service) configure(conf string) {
	s.t.Helper()
	conf = "[global]\nerror_log = DIR/error.log\npid = DIR/pid\n" + conf
	if err := os.WriteFile(s.path("conf"), []byte(strings.ReplaceAll(conf, "DIR", s.dir)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) follow(r io.ReadCloser) {
	defer close(s.whole)
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.mu.Lock()
		s.log = append(s.log, lines.Text())
		s.mu.Unlock()
		s.more.Broadcast()
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.more.Broadcast()
}

// expect waits for a line behind the ones seen so far; it gives its submatches.
func (s *service) expect(pattern string) []string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.AfterFunc(patience, func() {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.more.Broadcast()
	})
	defer timeout.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for ; s.read < len(s.log); s.read++ {
			if m := re.FindStringSubmatch(s.log[s.read]); m != nil {
				s.read++
				return m
			}
		}
		if s.ended {
			s.t.Fatalf("no line %q", pattern)
		}
		s.more.Wait()
	}
}

// never says that there is no such line so far.
func (s *service) never(pattern string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.log {
		if regexp.MustCompile(pattern).MatchString(line) {
			s.t.Errorf("unexpected line %q", line)
		}
	}
}

func (s *service) signal(sig syscall.Signal) { s.command.Process.Signal(sig) }

// said is the log so far.
func (s *service) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// end waits for the end of the master and of its log, and gives its exit status.
func (s *service) end() int {
	s.t.Helper()
	done := time.AfterFunc(patience, func() { s.command.Process.Kill() })
	defer done.Stop()
	s.command.Wait()
	select {
	case <-s.whole:
	case <-time.After(patience):
		s.t.Error("the log has no end: a process still has it open")
	}
	return s.command.ProcessState.ExitCode()
}

func (s *service) dial(socket string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("unix", s.path(socket))
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// say sends a line and gives the answer.
func say(conn net.Conn, line string) string {
	fmt.Fprintln(conn, line)
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer)
}

func (s *service) ask(socket, line string) string {
	conn := s.dial(socket)
	defer conn.Close()
	return say(conn, line)
}

// hold has a request answered when release is called, which returns the answer. The request is under way when hold returns.
func hold(t *testing.T, conn net.Conn) (release func() string) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(patience))
	if got := say(conn, "hold"); got != "holding" {
		t.Fatalf("got %q, want a request to be under way", got)
	}
	return func() string { return say(conn, "continue") }
}

// busy starts a master and has a request under way, of the pool whose socket is sock. release is hold's.
func busy(t *testing.T, conf string) (s *service, release func() string) {
	t.Helper()
	s = start(t, conf)
	s.expect("ready to handle")
	conn := s.dial("sock")
	t.Cleanup(func() { conn.Close() })
	return s, hold(t, conn)
}

const static = "[www]\nlisten = DIR/sock\npm = static\npm.max_children = 2\n"

func TestServesAndTerminates(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect(`NOTICE: fpm is running, pid ` + fmt.Sprint(s.command.Process.Pid) + `$`)
	s.expect(`NOTICE: ready to handle connections$`)
	if pid, _ := os.ReadFile(s.path("pid")); string(pid) != fmt.Sprint(s.command.Process.Pid) {
		t.Errorf("pid file: %q", pid)
	}
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www generation 1 ") {
		t.Errorf("got %q", got)
	}
	s.signal(syscall.SIGTERM)
	s.expect(`NOTICE: Terminating \.\.\.$`)
	s.expect(`NOTICE: exiting, bye-bye!$`)
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, file := range []string{"pid", "sock"} {
		if _, err := os.Stat(s.path(file)); !os.IsNotExist(err) {
			t.Errorf("%s is still there", file)
		}
	}
	s.never("WARNING|ERROR")
}

func TestQuitLetsRequestsFinish(t *testing.T) {
	s, release := busy(t, "process_control_timeout = 5\n"+static)
	s.signal(syscall.SIGQUIT)
	s.expect(`NOTICE: Finishing \.\.\.$`)
	if answer := release(); !strings.HasPrefix(answer, "pool www") {
		t.Errorf("got %q", answer)
	}
	s.expect("bye-bye")
	s.end()
	s.never("WARNING|ERROR")
}

func TestStubbornWorkerIsKilled(t *testing.T) {
	t.Parallel()
	s := start(t, "process_control_timeout = 1\n"+static)
	s.expect("ready to handle")
	conn := s.dial("sock")
	defer conn.Close()
	if got := say(conn, "stubborn"); got != "ignoring" {
		t.Fatalf("got %q", got)
	}
	before := time.Now()
	s.signal(syscall.SIGQUIT)
	s.expect("bye-bye")
	if d := time.Since(before); d < 1900*time.Millisecond {
		t.Errorf("QUIT, TERM and KILL took %v, want 2 s", d)
	}
}

func TestDeadWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	s.ask("sock", "exit 3")
	m := s.expect(`WARNING: \[pool www\] child (\d+) exited with code 3 after \d+\.\d{6} seconds from start$`)
	if s.expect(`NOTICE: \[pool www\] child (\d+) started$`)[1] == m[1] {
		t.Error("the same pid")
	}
	s.ask("sock", "kill 9")
	s.expect(`WARNING: \[pool www\] child \d+ exited on signal 9 \(SIGKILL\) after`)
	s.expect(`NOTICE: \[pool www\] child \d+ started$`)
}

// Standard error of a worker is /dev/null, and a trace that nobody sees is of no use.
func TestPanicOfAWorkerIsLogged(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	s.ask("sock", "panic BUG: what nobody thought of")
	m := s.expect(`WARNING: \[pool www\] child (\d+) exited with code 2 after`)
	s.expect(`ERROR: \[pool www\] child ` + m[1] + `: panic: BUG: what nobody thought of`)
	s.expect(`ERROR: \[pool www\] child ` + m[1] + `: goroutine 1`)
	s.expect(`ERROR: \[pool www\] child ` + m[1] + `: .*fake_test.go:\d+`)
	s.expect(`NOTICE: \[pool www\] child \d+ started$`)
}

func TestEmergencyRestart(t *testing.T) {
	t.Parallel()
	s := start(t, "emergency_restart_threshold = 2\nemergency_restart_interval = 60\n"+static)
	s.expect("ready to handle")
	s.ask("sock", "kill 11")
	s.expect("SIGSEGV")
	s.ask("sock", "kill 11")
	s.expect(`WARNING: failed processes threshold \(2 in 60 sec\) is reached, initiating reload$`)
	s.expect("ready to handle")
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www generation 2 ") {
		t.Errorf("got %q", got)
	}
}

func TestOndemandForksForConnections(t *testing.T) {
	t.Parallel()
	s := start(t, "log_level = debug\n[www]\nlisten = DIR/sock\npm = ondemand\npm.max_children = 2\npm.process_idle_timeout = 1s\n")
	s.expect("ready to handle")
	s.never("child .* started")
	slow := s.dial("sock")
	defer slow.Close()
	release := hold(t, slow)
	s.expect(`DEBUG: .* \[pool www\] child \d+ started$`)
	s.expect(`got accept without idle child available \.\.\.\. I forked$`)
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www") {
		t.Errorf("got %q", got)
	}
	s.expect("started$")
	release()
	s.expect("has been killed by the process management after")
	s.expect("has been killed by the process management after")
}

func TestDynamicPoolGrowsAndComplains(t *testing.T) {
	t.Parallel()
	s := start(t, "[www]\nlisten = DIR/sock\npm = dynamic\npm.max_children = 3\npm.start_servers = 1\npm.min_spare_servers = 1\npm.max_spare_servers = 1\n")
	s.expect("ready to handle")
	for range 3 {
		conn := s.dial("sock")
		defer conn.Close()
		fmt.Fprintln(conn, "hold")
	}
	s.expect(`WARNING: \[pool www\] server reached pm.max_children setting \(3\), consider raising it$`)
}

func TestWorkersOutputAndMessagesAreLogged(t *testing.T) {
	t.Parallel()
	s := start(t, static+"catch_workers_output = yes\n")
	s.expect("ready to handle")
	s.ask("sock", "print to stderr")
	s.expect(`WARNING: \[pool www\] child \d+ said into stderr: "to stderr"$`)
	s.ask("sock", `log "from the worker"`)
	s.expect(`WARNING: \[pool www\] child \d+, from the worker$`)
}

func TestSlowRequestIsTerminated(t *testing.T) {
	t.Parallel()
	s := start(t, static+"request_terminate_timeout = 1\n")
	s.expect("ready to handle")
	if got := s.ask("sock", "hold forever"); got != "" {
		t.Errorf("got %q", got)
	}
	s.expect(`WARNING: \[pool www\] child \d+, script '' \(request: " "\) execution timed out \(\d+\.\d{6} sec\), terminating$`)
	s.expect(`WARNING: \[pool www\] child \d+ exited on signal 15 \(SIGTERM\) after`)
}

func TestLogsAreReopened(t *testing.T) {
	t.Parallel()
	s := start(t, static+"access.log = DIR/access.log\n")
	s.expect("ready to handle")
	os.Rename(s.path("access.log"), s.path("access.log.1"))
	os.Rename(s.path("error.log"), s.path("error.log.1"))
	s.signal(syscall.SIGUSR1)
	s.expect(`NOTICE: error log file re-opened$`)
	s.expect(`NOTICE: access log file re-opened$`)
	wait.Until(t, "both workers' lines in the new access log", func() bool {
		text, _ := os.ReadFile(s.path("access.log"))
		return strings.Count(string(text), "new access log\n") == 2
	})
}
