package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is an FPM to measure.
type program struct{ name, path string }

// server is a running FPM with a pool of its own: in a directory of its own, on a unix socket.
type server struct {
	program
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the master has ended
}

// workers is how many the pool has.
const workers = 4

// The scripts that are asked for, and what they answer.
var scripts = map[string]struct{ code, answer string }{
	"hello.php": {`<?php echo "Hello, world!\n";`, "Hello, world!\n"},
	"slow.php":  {`<?php usleep(200000); echo "slow\n";`, "slow\n"},
	"page.php": {`<?php
$rows = [];
for ($i = 0; $i < 200; $i++) {
	$rows[] = ['id' => $i, 'name' => str_repeat(chr(97 + $i % 26), 20), 'mail' => preg_replace('/o+/', '0', "foo$i@example.org")];
}
usort($rows, fn($a, $b) => $b['name'] <=> $a['name'] ?: $a['id'] <=> $b['id']);
ob_start();
foreach ($rows as $r) {
	printf("<tr><td>%d</td><td>%s</td><td>%s</td></tr>\n", $r['id'], htmlspecialchars($r['name']), $r['mail']);
}
header('X-Rows: ' . count($rows));
echo '<table>', ob_get_clean(), "</table>\n", strlen(json_encode($rows)), "\npage\n";`, "page\n"},
	"pid.php":     {`<?php usleep(1000 * (int)($_GET['ms'] ?? 0)); echo getmypid(), "\n";`, "\n"},
	"segv.php":    {`<?php posix_kill(getmypid(), 11);`, "?"},
	"kill.php":    {`<?php posix_kill(getmypid(), 9);`, "?"},
	"version.php": {`<?php echo PHP_VERSION, " ", (opcache_get_status(false)['opcache_enabled'] ?? false) ? "opcache" : "no opcache", "\n";`, "\n"},
}

func (s *server) socket() string { return filepath.Join(s.dir, "fpm.sock") }
func (s *server) conf() string   { return filepath.Join(s.dir, "php-fpm.conf") }
func (s *server) log() string    { return filepath.Join(s.dir, "log") }

// ini is a directory whose *.ini files are read after those of /etc/php.
func (s *server) ini() string { return filepath.Join(s.dir, "ini.d") }
func (s *server) script(name string) string {
	return filepath.Join(s.dir, name)
}

// start runs a program until it serves. global and pool are more lines for the two sections, arguments are further
// ones of the command line.
func start(p program, global, pool string, arguments ...string) (*server, error) {
	dir, err := os.MkdirTemp("", "phpsapi-load-")
	if err != nil {
		return nil, err
	}
	s := &server{program: p, dir: dir, done: make(chan struct{})}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(s.ini(), 0o755), s.configure(global, pool)); err != nil {
		return nil, err
	}
	for name, script := range scripts {
		if err := os.WriteFile(s.script(name), []byte(script.code), 0o644); err != nil {
			return nil, err
		}
	}
	s.cmd = exec.Command(p.path, append([]string{"-F", "-y", s.conf()}, arguments...)...)
	s.cmd.Env = append(os.Environ(), "PHP_INI_SCAN_DIR=:"+s.ini())
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.cmd.Wait()
		close(s.done)
	}()
	if err := s.waitFor(10*time.Second, s.serves); err != nil {
		text := s.logged()
		s.stop()
		return nil, fmt.Errorf("%s does not serve: %w\n%s", p.name, err, text)
	}
	return s, nil
}

// configure writes the configuration.
func (s *server) configure(global, pool string) error {
	user := ""
	if os.Geteuid() == 0 {
		user = "user = nobody\ngroup = nogroup\n"
	}
	text := fmt.Sprintf("[global]\nerror_log = %s\npid = %s/pid\n%s\n[www]\nlisten = %s\nlisten.mode = 0666\n%s"+
		"pm = static\npm.max_children = %d\n%s\n", s.log(), s.dir, global, s.socket(), user, workers, pool)
	return os.WriteFile(s.conf(), []byte(text), 0o644)
}

func (s *server) serves() bool {
	c := newClient(s, "hello.php", false)
	return c.do() == nil
}

// waitFor waits until something is so.
func (s *server) waitFor(patience time.Duration, so func() bool) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if so() {
			return nil
		}
		select {
		case <-s.done:
			return errors.New("the master has ended")
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v", patience)
		}
	}
}

// logged is the error log.
func (s *server) logged() string {
	text, _ := os.ReadFile(s.log())
	return string(text)
}

// waitForLog waits for a part of a line in the error log, n times.
func (s *server) waitForLog(n int, part string, patience time.Duration) error {
	return s.waitFor(patience, func() bool { return strings.Count(s.logged(), part) >= n })
}

func (s *server) signal(sig syscall.Signal) { s.cmd.Process.Signal(sig) }

// stop ends the server and removes its directory.
func (s *server) stop() {
	s.signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		s.signal(syscall.SIGKILL)
		<-s.done
	}
	os.RemoveAll(s.dir)
}

// dial connects to the pool.
func (s *server) dial() (net.Conn, error) { return net.Dial("unix", s.socket()) }
