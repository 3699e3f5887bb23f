package master

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// The program that had started the service stopped reading its standard error. The master stopped with the first line too many.
func TestMasterServesThoughNobodyReadsItsErrorLog(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	if err := unix.SetNonblock(channel.RawFD(write), true); err != nil {
		t.Fatal(err)
	}
	for junk := make([]byte, 1<<12); err == nil; {
		_, err = unix.Write(channel.RawFD(write), junk)
	}
	s := &service{t: t, dir: t.TempDir(), ended: true, whole: make(chan struct{})}
	close(s.whole)
	s.more = sync.NewCond(&s.mu)
	s.configure("log_level = debug\n" + static)
	s.command = exec.Command("/proc/self/exe", s.path("conf"))
	s.command.Env = append(os.Environ(), roleVariable+"=master")
	write.Fd() // which makes it block
	s.command.Stderr = write
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.command.Process.Kill(); s.command.Wait() })
	wait.Succeeds(t, "the control socket", func() error {
		c, err := control.Dial(s.command.Process.Pid)
		if err == nil {
			c.Close()
		}
		return err
	})
	if answers, err := s.give(control.Request{Command: control.Status}); err != nil || answers[0].Status == nil {
		t.Errorf("status: %+v, %v", answers, err)
	}
	s.signal(syscall.SIGTERM)
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// Logs had become pipes without readers, or cannot be opened: SIGUSR1 and a reload stopped the master for good.
func TestLogsThatAreReplacedHoldNobodyUp(t *testing.T) {
	t.Parallel()
	s := start(t, static+"access.log = DIR/access.log\nrequest_slowlog_timeout = 5\nslowlog = DIR/slow\n")
	s.expect("ready to handle")
	logs := []string{s.path("access.log"), s.path("error.log"), s.path("slow")}
	for _, log := range logs {
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.signal(syscall.SIGUSR1)
	s.expect(`NOTICE: error log file re-opened$`)
	s.expect(`NOTICE: access log file re-opened$`)
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	for _, log := range logs {
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(log, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.signal(syscall.SIGUSR1)
	s.expect(`ERROR: unable to re-opened error log file$`)
	s.expect(`ERROR: unable to re-opened access log file$`)
	s.signal(syscall.SIGUSR2)
	s.expect("reload failed, the old configuration")
	s.alive()
}

// A reload read its configuration, looked up users and asked name servers in the loop, whether they answered or not.
func TestReloadThatCannotReadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	if err := os.Remove(s.path("conf")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(s.path("conf"), 0o600); err != nil { // whose reader waits for a writer
		t.Fatal(err)
	}
	s.signal(syscall.SIGUSR2)
	s.expect("reloading: execvp")
	if got := s.ask("sock", "hello"); got == "" {
		t.Error("no answer")
	}
	s.alive()
}

// The sockets were open while PHP started, and the control socket was not: a command that came with the first client found
// no service.
func TestCommandsFindAServiceThatStarts(t *testing.T) {
	t.Parallel()
	says := t.TempDir() + "/says"
	if err := unix.Mkfifo(says, 0o600); err != nil { // PHP's start waits for its writer
		t.Fatal(err)
	}
	s := start(t, static, "MASTER_TEST_SAYS="+says)
	wait.Until(t, "the socket", func() bool { return files.Exists(s.path("sock")) })
	c := s.operator()
	answered := make(chan error, 1)
	go func() {
		_, err := c.Ask(context.Background(), control.Request{Command: control.Status}, nobody)
		answered <- err
	}()
	if err := os.WriteFile(says, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}
