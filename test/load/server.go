package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// program is an FPM to measure.
type program struct{ name, path string }

// server is a running FPM with a pool of its own: in a directory of its own, on a unix socket.
type server struct {
	program
	*serve.Process
	dir string
}

// workers is how many the pool has.
const workers = 4

// The scripts that are asked for, and what they answer.
var scripts = map[string]struct{ code, answer string }{
	"hello.php": {`<?php echo "Hello, world!\n";`, "Hello, world!\n"},
	"slow.php":  {`<?php usleep(200000); echo "slow\n";`, "slow\n"},
	"page.php":  {serve.Rows, serve.RowsEnd},
	"pid.php":   {`<?php usleep(1000 * (int)($_GET['ms'] ?? 0)); echo getmypid(), "\n";`, "\n"},
	"segv.php":  {`<?php posix_kill(getmypid(), 11);`, "?"},
	"kill.php":  {`<?php posix_kill(getmypid(), 9);`, "?"},
	// array_map calls the function through C, so that it is the process's stack that overflows, long before memory does.
	"overflow.php": {`<?php function deeper($n) { return array_map('deeper', [$n + 1]); } deeper(0); echo "?";`, "?"},
	"say.php":      {`<?php fwrite(fopen('php://' . $_GET['to'], 'w'), 'a text without end'); echo "said\n";`, "said\n"},
	"fatal.php":    {`<?php undefined_function();`, "?"},
	"note.txt":     {"a note\n", "a note\n"},
	"version.php":  {`<?php echo PHP_VERSION, " ", (opcache_get_status(false)['opcache_enabled'] ?? false) ? "opcache" : "no opcache", "\n";`, "\n"},
}

func (s *server) socket() string { return serve.Socket(s.dir) }
func (s *server) conf() string   { return filepath.Join(s.dir, "php-fpm.conf") }
func (s *server) log() string    { return serve.Log(s.dir) }

// ini is a directory whose *.ini files are read after those of /etc/php.
func (s *server) ini() string { return filepath.Join(s.dir, "ini.d") }
func (s *server) script(name string) string {
	return filepath.Join(s.dir, name)
}

// start runs a program until it serves. global and pool are more lines for the two sections.
func start(p program, global, pool string) (*server, error) {
	return options{global: global, pool: pool}.start(p)
}

// options are how a server differs from the others.
type options struct {
	global, pool string   // more lines for the two sections
	http         string   // where it speaks HTTP itself; empty: nowhere
	env          []string // more variables of the environment
}

func (o options) start(p program) (*server, error) {
	dir, err := os.MkdirTemp("", "phpsapi-load-")
	if err != nil {
		return nil, err
	}
	s := &server{program: p, dir: dir}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(s.ini(), 0o755), s.configure(o.global, o.pool)); err != nil {
		return nil, err
	}
	for name, script := range scripts {
		if err := os.WriteFile(s.script(name), []byte(script.code), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(p.path, "-F", "-y", s.conf())
	ready := s.serves
	if o.http != "" {
		cmd.Args = append(cmd.Args, "--http", o.http, "--root", dir)
		ready = func() bool { return s.serves() && serve.Accepts("tcp", o.http)() }
	}
	cmd.Env = append(append(os.Environ(), "PHP_INI_SCAN_DIR=:"+s.ini()), o.env...)
	if s.Process, err = serve.Start(p.name, cmd, ready, s.logged); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

// configure writes the configuration.
func (s *server) configure(global, pool string) error {
	pool = fmt.Sprintf("pm = static\npm.max_children = %d\n%s", workers, pool)
	return os.WriteFile(s.conf(), []byte(serve.FPMConf(s.dir, global, pool)), 0o644)
}

func (s *server) serves() bool {
	c := newClient(s, "hello.php", false)
	return c.do() == nil
}

// logged is the error log.
func (s *server) logged() string {
	text, _ := os.ReadFile(s.log())
	return string(text)
}

// waitForLog waits for a part of a line in the error log, n times.
func (s *server) waitForLog(n int, part string, patience time.Duration) error {
	return s.WaitFor(patience, func() bool { return strings.Count(s.logged(), part) >= n })
}

// workerPids are the pool's workers.
func (s *server) workerPids() []int { return s.Titled("php-fpm: pool ") }

// mostPrivate is the private memory of the worker that has most, in KiB.
func (s *server) mostPrivate() (kib int) {
	for _, pid := range s.workerPids() {
		kib = max(kib, serve.Private(pid))
	}
	return kib
}

// stop ends the server and removes its directory.
func (s *server) stop() {
	s.Stop()
	os.RemoveAll(s.dir)
}

// dial connects to the pool.
func (s *server) dial() (net.Conn, error) { return net.Dial("unix", s.socket()) }
