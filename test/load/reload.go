package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// reloaded is what became of the requests that were under way during reloads.
type reloaded struct{ fresh, kept, slow tally }

// lines are the results with their names.
func (r reloaded) lines() [3]string {
	return [3]string{"new connections: " + r.fresh.String(), "kept connections: " + r.kept.String(), "200 ms: " + r.slow.String()}
}

func (r reloaded) ok() error {
	var all tally
	for _, t := range []tally{r.fresh, r.kept, r.slow} {
		all.sum(t)
	}
	return all.ok()
}

// reloadSettings are those of a pool in which 8 kept connections and 4 slow requests leave workers for the rest, in
// stock php-fpm, too: there a kept connection has a worker for itself.
const reloadSettings = "pm.max_children = 16"

// reloadUnderLoad reloads n times, once a second, while clients ask on new connections, on kept ones and for a script
// that takes its time.
func reloadUnderLoad(p program, n int) (r reloaded, err error) {
	s, err := start(p, "", reloadSettings)
	if err != nil {
		return r, err
	}
	defer s.stop()
	fresh := load{clients: 8, script: "hello.php"}.begin(s)
	kept := load{clients: 8, script: "hello.php", kept: true}.begin(s)
	slow := load{clients: 4, script: "slow.php"}.begin(s)
	for range n {
		time.Sleep(time.Second)
		s.Signal(syscall.SIGUSR2)
	}
	time.Sleep(time.Second)
	r = reloaded{fresh(), kept(), slow()}
	if ready := strings.Count(s.logged(), "ready to handle connections"); ready != n+1 {
		err = fmt.Errorf("%d starts in the log, want %d:\n%s", ready, n+1, s.logged())
	}
	return r, err
}

// brokenReload is a reload that cannot succeed.
type brokenReload struct {
	name  string
	spoil func(s *server) (mend func(), err error)
	says  string // what the log must say, beside that the reload failed
}

func brokenReloads() []brokenReload {
	return []brokenReload{
		{"a typo in php-fpm.conf", func(s *server) (func(), error) {
			return nil, s.configure("", "pm.max_childen = 4")
		}, "unknown entry 'pm.max_childen'"},
		{"a value php-fpm.conf does not take", func(s *server) (func(), error) {
			return nil, s.configure("", "pm = sttic")
		}, "invalid process manager"},
		{"an extension that does not exist", func(s *server) (func(), error) {
			return nil, os.WriteFile(filepath.Join(s.ini(), "99-broken.ini"), []byte("zend_extension=nowhere\n"), 0o644)
		}, "nowhere"},
		{"a parse error in php.ini", func(s *server) (func(), error) {
			return nil, os.WriteFile(filepath.Join(s.ini(), "99-broken.ini"), []byte("memory_limit = (1M\n"), 0o644)
		}, "syntax error"},
		{"a port that is in use", func(s *server) (func(), error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			return func() { l.Close() }, s.configure("", fmt.Sprintf("[second]\nlisten = %s\npm = static\npm.max_children = 1\nuser = nobody\n", l.Addr()))
		}, "in use"},
	}
}

// survive reloads a server under load with something broken. An error says that a request failed, that the old
// generation does not serve on, or that the log does not say why.
func (b brokenReload) survive(p program) (tally, error) {
	s, err := start(p, "", "")
	if err != nil {
		return tally{}, err
	}
	defer s.stop()
	mend, err := b.spoil(s)
	if err != nil {
		return tally{}, err
	}
	if mend != nil {
		defer mend()
	}
	end := load{clients: workers, script: "hello.php", kept: true}.begin(s)
	time.Sleep(200 * time.Millisecond)
	s.Signal(syscall.SIGUSR2)
	said := s.waitForLog(1, b.says, 2*time.Second)
	time.Sleep(500 * time.Millisecond)
	t := end()
	switch {
	case !s.serves():
		return t, errors.New("it serves no more")
	case said != nil:
		return t, fmt.Errorf("the log does not say %q", b.says)
	}
	return t, t.ok()
}
