//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A place is a directory where one test's servers have their settings, sockets, documents and logs.
type place struct {
	zygote bool // CGI programs may hand their requests over
	t      *testing.T
	dir    string
	env    []string // what its programs have in their environment, beside the usual
	wanted []string // parts of the log lines of what is meant to go wrong
}

// at makes a place that ends with the test. A test that failed shows the end of each log in it.
func at(t *testing.T) *place {
	t.Helper()
	// t.TempDir's names are too long for a socket, of varying length, and closed to www-data.
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("e2e-%016x", rand.Uint64()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			p.showLogs()
		}
		os.RemoveAll(dir)
	})
	return p
}

func (p *place) path(name string) string {
	return filepath.Join(p.dir, name)
}

// log is what a log has in it, or nothing.
func (p *place) log(name string) string {
	text, _ := os.ReadFile(p.path(name))
	return string(text)
}

func (p *place) showLogs() {
	logs, _ := filepath.Glob(p.path("*.log"))
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 {
			continue
		}
		const most = 3000
		if len(text) > most {
			text = append([]byte("...\n"), text[len(text)-most:]...)
		}
		p.t.Logf("%s:\n%s", filepath.Base(name), text)
	}
}

// write puts a file there. In its text, DIR/ is the place.
func (p *place) write(name, text string) {
	p.t.Helper()
	name = p.path(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "DIR/", p.dir+"/")), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// give makes the servers' user the owner of what is there under name.
func (p *place) give(name string) {
	p.t.Helper()
	if err := os.MkdirAll(p.path(name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if said, err := exec.Command("chown", "-R", servant(), p.path(name)).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, said)
	}
}

// servant is the user the servers answer requests as: Debian's, where the tests run as root.
func servant() string {
	if os.Geteuid() == 0 {
		return "www-data"
	}
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// ifRoot is a line of settings that only root's servers understand.
func ifRoot(line string) string {
	if os.Geteuid() == 0 {
		return line
	}
	return ""
}

// A program is a server that runs in the foreground until its test ends.
type program struct {
	place *place
	name  string
	pid   int
	done  chan struct{} // closed when it ended, by err
	err   error
	state *os.ProcessState
}

// start runs a program, logging to NAME.log, until ready finds it at work. When the test ends the program is sent
// stop, and must end of itself with nothing of its process group left.
func (p *place) start(name string, stop syscall.Signal, ready func() error, args ...string) *program {
	p.t.Helper()
	log, err := os.Create(p.path(name + ".log"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "LC_ALL=C"}, p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	g := &program{place: p, name: name, pid: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		g.err, g.state = cmd.Wait(), cmd.ProcessState
		close(g.done)
	}()
	p.t.Cleanup(func() { g.end(stop) })
	if err := g.await(ready); err != nil {
		p.t.Fatalf("%s is not ready: %v", name, err)
	}
	return g
}

// await repeats check until it is content, the program ended, or half a minute is over.
func (g *program) await(check func() error) error {
	return g.awaitFor(30*time.Second, check)
}

func (g *program) awaitFor(limit time.Duration, check func() error) error {
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if err = check(); err == nil {
			return nil
		}
		select {
		case <-g.done:
			return fmt.Errorf("it ended (%v); %w", g.err, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return err
}

func (g *program) end(stop syscall.Signal) {
	t := g.place.t
	select {
	case <-g.done:
		t.Errorf("%s ended early: %v", g.name, g.err)
	default:
		syscall.Kill(g.pid, stop)
	}
	select {
	case <-g.done:
		// HAProxy dies of the signal.
		if status, ok := g.state.Sys().(syscall.WaitStatus); g.err != nil && !(ok && status.Signaled() && status.Signal() == stop) {
			t.Errorf("%s ended by %v", g.name, g.err)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("%s did not end when told to", g.name)
	}
	for range 100 {
		if errors.Is(syscall.Kill(-g.pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s left processes behind", g.name)
	syscall.Kill(-g.pid, syscall.SIGKILL)
	<-g.done
}

// accepts reports whether somebody accepts connections at an address, a path or host:port.
func accepts(address string) func() error {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	return func() error {
		conn, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	}
}

// visit is a browser with cookies for the server at an address.
func visit(t *testing.T, address string) *site {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, "http://" + address, &http.Client{Jar: jar, Timeout: patience}}
}
