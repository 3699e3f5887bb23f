package fastcgi_test

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// forking are the scripts of this file's tests.
func forking(t *testing.T) string {
	return files.Make(t, map[string]string{
		"pid.php":      `<?php echo getmypid();`,
		"shutdown.php": `<?php register_shutdown_function(function () { if (pcntl_fork()) pcntl_wait($status); }); echo getmypid();`,
		// It ends with the test, whose directory is removed, too.
		"job.php": `<?php if (!pcntl_fork()) { while (!file_exists(__DIR__ . "/go") && file_exists(__FILE__)) usleep(1000); exit; } echo getmypid();`,
	})
}

// A child that php-cgi's script forks comes back into php-cgi's loop, and takes other clients' connections.
func TestForkedProcessAnswersNobody(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		dir := forking(t)
		s := start(t, binary, env)
		pid := s.ask(get(dir + "/shutdown.php")).Body()
		if n, err := strconv.Atoi(strings.TrimSpace(pid)); err != nil || n < 2 {
			t.Fatalf("got %q", pid)
		}
		for range 8 {
			if got := s.ask(get(dir + "/pid.php")).Body(); got != pid {
				t.Errorf("answered by %q, not by %q", got, pid)
			}
		}
	})
}

// An alarm of one request must not end the process in another client's.
func TestAlarmEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		dir := files.Make(t, map[string]string{
			"set.php":  `<?php pcntl_alarm(60); echo getmypid();`,
			"left.php": `<?php echo getmypid(), pcntl_alarm(0) ? " with an alarm" : "";`,
		})
		s := start(t, binary, env)
		pid := s.ask(get(dir + "/set.php")).Body()
		if got := s.ask(get(dir + "/left.php")).Body(); got != pid || pid == "" {
			t.Errorf("got %q, want %q", got, pid)
		}
	})
}

// The job that a script leaves running must not keep the server's address.
func TestForkedProcessKeepsNoListeningSocket(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		dir := forking(t)
		s := startTCP(t, binary, env)
		conn := s.dial() // is kept, and idle, while the other forks
		defer conn.Close()
		get(dir + "/pid.php").kept().on(conn)
		s.ask(get(dir + "/job.php"))
		s.Signal(syscall.SIGTERM)
		wait.Until(t, "an address that the job does not keep", func() bool {
			again, err := net.Listen("tcp", s.address)
			if err == nil {
				again.Close()
			}
			return err == nil
		})
		conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection that was kept and idle: %v", err)
		}
		release(t, dir)
	})
}
