package fastcgi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// PHP that crashes while it starts ends the server, which says so.
func TestPHPCrashesWhileItStarts(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"abort": "abort();", "segmentation fault": "raise(SIGSEGV);", "exit": "_exit(0);"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crash := serve.Library(t, code)
			s := serve.Run(t, command(binary, []string{"PHP_FCGI_CHILDREN=2"}, "-d", "extension="+crash, "-b", serve.Address(t)))
			if status := s.End(); status.ExitStatus() != 255 {
				t.Errorf("ended by %v", status)
			}
			if said := s.Output.String(); !strings.Contains(said, "phpsapi cgi: PHP ended with s") {
				t.Errorf("it said %q", said)
			}
		})
	}
}

// A signal ends the server while PHP hangs in its start, and nothing is left.
func TestSignalWhilePHPStarts(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			mark := filepath.Join(serve.Dir(t), "mark")
			hang := serve.Library(t, `close(creat("`+mark+`", 0644)); for (;;) pause();`)
			socket := filepath.Join(serve.Dir(t), "socket")
			s := serve.Run(t, command(binary, []string{"PHP_FCGI_CHILDREN=2"}, "-d", "extension="+hang, "-b", socket))
			wait.Until(t, "PHP to hang", func() bool { return files.Exists(mark) })
			all := s.Tree()
			s.Signal(sig)
			if status := s.End(); !status.Signaled() || status.Signal() != sig {
				t.Errorf("ended by %v", status)
			}
			serve.AllEnd(t, all...)
			if _, err := os.Lstat(socket); err == nil {
				t.Error("the socket was left behind")
			}
		})
	}
}

// A zygote that is stopped keeps neither requests from being answered nor the server from ending.
func TestZygoteIsStopped(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=2"})
	conn := begin(t, s, dir)
	all := s.Tree()
	syscall.Kill(all[1], syscall.SIGSTOP)
	if got := s.ask(get(dir + "/hello.php")); got.Body() != "hello" {
		t.Errorf("got %v", got)
	}
	s.Signal(syscall.SIGTERM)
	release(t, dir)
	if got := exchange.Receive(conn); got.Body() != "done" {
		t.Errorf("the request before got %v", got)
	}
	if status := s.End(); status != 0 {
		t.Errorf("ended by %v", status)
	}
	serve.AllEnd(t, all...)
}

// Of a zygote that is stopped, or has died, another takes the place, whose children answer.
func TestStoppedZygoteIsReplaced(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=1", "PHP_FCGI_MAX_REQUESTS=1"})
	wait.Until(t, "a parent, a zygote and a child", func() bool { return len(s.Tree()) == 3 })
	syscall.Kill(s.Tree()[1], syscall.SIGSTOP)
	s.ask(get(dir + "/hello.php")) // the child ends, of which the zygote does not tell
	conn := s.dial()
	get(dir + "/hello.php").Send(conn)
	if got := exchange.Receive(conn); got.Body() != "hello" {
		t.Errorf("got %v", got)
	}
}

// While no process can be forked the server says so once, and children come as soon as they can.
func TestForksFailForAWhile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be a user whose processes are limited")
	}
	const user = 54321
	dir := serve.Dir(t)
	if err := os.Chown(dir, user, user); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "hello.php")
	files.Write(t, script, `<?php echo "hello";`)
	socket := filepath.Join(dir, "socket")
	cmd := command(binary, []string{"PHP_FCGI_CHILDREN=20"}, "-b", socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	s := &server{serve.Run(t, cmd), t, "unix", socket}
	var all []int
	wait.Until(t, "all children", func() bool { all = s.Tree(); return len(all) == 22 })
	limit := func(processes string) {
		cmd := exec.Command("prlimit", "--pid", strconv.Itoa(all[1]), "--nproc="+processes+":")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v, %s", err, said)
		}
	}
	limit("1")
	for _, child := range all[2:] {
		syscall.Kill(child, syscall.SIGKILL)
	}
	serve.AllEnd(t, all[2:]...)
	const told = "resource temporarily unavailable"
	s.Says(told)
	began := time.Now()
	wait.Until(t, "some more tries", func() bool { return time.Since(began) > time.Second })
	if n := strings.Count(s.Output.String(), told); n != 1 {
		t.Errorf("told %d times", n)
	}
	limit("1000")
	conn := s.dial()
	get(script).Send(conn)
	if got := exchange.Receive(conn); got.Body() != "hello" {
		t.Errorf("got %v", got)
	}
}
