package master

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

func (s *service) generation(socket string) (n int) {
	fmt.Sscanf(s.ask(socket, "hello"), "pool www generation %d", &n)
	return n
}

// settle waits until n workers answer side by side.
func (s *service) settle(n int) {
	s.t.Helper()
	for range n {
		conn := s.dial("sock")
		defer conn.Close()
		defer hold(s.t, conn)()
	}
}

// tmpreaper and the like remove sockets. A service then had to be restarted: reloads kept the socket that nobody could reach, and
// one that failed must not take the next one's file along.
func TestReloadMakesARemovedSocketAgain(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	for n := 2; n <= 4; n += 2 {
		if err := os.Remove(s.path("sock")); err != nil {
			t.Fatal(err)
		}
		s.configure(static + "[broken]\nlisten = /nowhere/sock\npm = static\npm.max_children = 1\n")
		s.signal(syscall.SIGUSR2)
		s.expect("reload failed")
		s.configure(static)
		s.signal(syscall.SIGUSR2)
		s.expect("ready to handle")
		if got := s.generation("sock"); got <= n-1 {
			t.Errorf("generation %d answers after a reload", got)
		}
	}
	s.signal(syscall.SIGUSR2) // and the next one keeps it
	s.expect("using inherited socket")
	s.expect("ready to handle")
	if s.generation("sock") == 0 {
		t.Error("nobody answers")
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	s.configure(strings.Replace(static, "= 2", "= 3", 1) + "[more]\nlisten = DIR/more\npm = static\npm.max_children = 1\n")
	s.signal(syscall.SIGUSR2)
	s.expect(`NOTICE: Reloading in progress \.\.\.$`)
	s.expect(`NOTICE: reloading: execvp\("php-fpm", \{"php-fpm"\}\)$`)
	s.expect(`NOTICE: using inherited socket fd=\d+, ".*/sock"$`)
	s.expect(fmt.Sprintf(`NOTICE: fpm is running, pid %d$`, s.command.Process.Pid))
	s.expect(`NOTICE: ready to handle connections$`)
	if n := s.generation("sock"); n != 2 {
		t.Errorf("generation %d answers, want 2", n)
	}
	if got := s.ask("more", "hello"); !strings.HasPrefix(got, "pool more generation 2") {
		t.Errorf("got %q", got)
	}
	s.configure(static)
	s.signal(syscall.SIGHUP)
	s.expect("ready to handle")
	if n := s.generation("sock"); n != 3 {
		t.Errorf("generation %d answers, want 3", n)
	}
	if _, err := net.Dial("unix", s.path("more")); err == nil {
		t.Error("the socket of a pool that is gone still listens")
	}
	s.never("WARNING|ERROR")
}

// Whatever is wrong with the new configuration, the old one keeps serving.
func TestReloadThatFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const broken = "PHP Warning:  PHP Startup: Unable to load dynamic library 'nowhere' in Unknown on line 0\n"
	for name, c := range map[string]struct {
		conf string
		file string // made before the reload
		text string // in it
		want string // a line
	}{
		"bad-config":    {conf: static + "pm.nonsense = 1\n", want: `unknown entry 'pm.nonsense'`},
		"no-pool":       {conf: "", want: `No pool defined`},
		"port-taken":    {conf: static + "[tcp]\nlisten = " + taken.Addr().String() + "\npm = static\npm.max_children = 1\n", want: `unable to bind listening socket for address '` + taken.Addr().String()},
		"no-engine":     {conf: static, file: "no-engine", want: `reload failed, .*: the extension is broken`},
		"worker-exits":  {conf: static, file: "no-worker", want: `reload failed, .*: a new worker of pool www exited with code 70`},
		"php-ini":       {conf: static, file: "says", text: broken, want: `reload failed, .*: php.ini: PHP Warning:  PHP Startup: Unable to load`},
		"pid-directory": {conf: "pid = DIR/not/there\n" + static, want: `Unable to create the PID file`},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, static, "MASTER_TEST_NO_ENGINE=DIR/no-engine", "MASTER_TEST_NO_WORKER=DIR/no-worker",
				"MASTER_TEST_SAYS=DIR/says")
			s.expect("ready to handle")
			s.settle(2)
			s.configure(c.conf)
			if c.file != "" {
				os.WriteFile(s.path(c.file), []byte(cmp.Or(c.text, "the extension is broken")), 0o600)
			}
			s.signal(syscall.SIGUSR2)
			s.expect(c.want)
			if !strings.HasPrefix(c.want, "reload failed") {
				s.expect(`ERROR: reload failed, the old configuration keeps serving: `)
			}
			if n := s.generation("sock"); n != 1 {
				t.Errorf("generation %d answers, want 1", n)
			}
			os.Remove(s.path(c.file))
			s.configure(static)
			s.signal(syscall.SIGUSR2)
			s.expect("ready to handle")
			if n := s.generation("sock"); n < 2 {
				t.Errorf("generation %d answers, want a new one", n)
			}
		})
	}
}

func TestReloadsUnderLoadLoseNothing(t *testing.T) {
	t.Parallel()
	s := start(t, strings.Replace(static, "= 2", "= 4", 1))
	s.expect("ready to handle")
	var failed, answered atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for i := range 6 {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				line := "hello"
				if i == 0 {
					line = "sleep 200"
				}
				conn, err := net.Dial("unix", s.path("sock"))
				if err != nil {
					failed.Add(1)
					continue
				}
				conn.SetDeadline(time.Now().Add(patience))
				if strings.HasPrefix(say(conn, line), "pool www") {
					answered.Add(1)
				} else {
					failed.Add(1)
				}
				conn.Close()
			}
		}()
	}
	for range maxRetired { // one more may end the first generation's requests
		s.signal(syscall.SIGUSR2)
		s.expect("ready to handle")
	}
	close(stop)
	clients.Wait()
	if failed.Load() > 0 || answered.Load() == 0 {
		t.Errorf("%d answers, %d failures", answered.Load(), failed.Load())
	}
	s.never("WARNING|ERROR")
}

func TestReloadDuringReload(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	for range 3 {
		s.signal(syscall.SIGUSR2)
		time.Sleep(2 * time.Millisecond)
	}
	s.expect("ready to handle")
	s.signal(syscall.SIGTERM)
	s.expect("bye-bye")
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// A kept connection that is idle holds no worker, survives a reload, and its next request goes to any worker that is free.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	var kept []net.Conn
	for range 4 {
		conn := s.dial("sock")
		defer conn.Close()
		if got := say(conn, "keep"); !strings.HasPrefix(got, "pool www generation 1") {
			t.Fatalf("got %q", got)
		}
		kept = append(kept, conn)
	}
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www") {
		t.Errorf("a fifth client: got %q", got)
	}
	for i, conn := range kept {
		if got := say(conn, "keep"); !strings.HasPrefix(got, "pool www generation 1") {
			t.Errorf("kept connection %d: got %q", i, got)
		}
	}
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	// The old workers park what they keep.
	wait.Until(t, "the end of the old workers", func() bool { return len(s.report(false).Generations) == 1 })
	for i, conn := range kept {
		if got := say(conn, "keep"); !strings.HasPrefix(got, "pool www generation 2") {
			t.Errorf("kept connection %d after the reload: got %q", i, got)
		}
	}
}
