//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// inPool is PHP in a phpsapi fpm that httpd starts.
func inPool() apacheMode {
	return apacheMode{"pool", "event", inProcess.load + "PHPSAPIMode pool\nPHPSAPIProgram " + ours + "/phpsapi\n"}
}

// apacheInPool is httpd with PHPSAPIMode pool, and what more says.
func apacheInPool(p *place, more string) (*site, *program) {
	p.t.Helper()
	mode := inPool()
	address, httpd := p.httpd(mode.mpm, "", mode.load+mpmSettings[mode.mpm]+"AddHandler application/x-httpd-php .php\n"+more)
	return visit(p.t, address), httpd
}

// serviceOf is the process id of the phpsapi fpm that httpd has started.
func serviceOf(t *testing.T, httpd int) int {
	t.Helper()
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", httpd, httpd))
	for _, field := range strings.Fields(string(text)) {
		line, _ := os.ReadFile("/proc/" + field + "/cmdline")
		if strings.Contains(string(line), "php-fpm: master") {
			pid, _ := strconv.Atoi(field)
			return pid
		}
	}
	return 0
}

// A crash of a worker costs the request that it executes: the client gets 502, or what it has of the answer.
func TestApachePoolCrash(t *testing.T) {
	p := at(t)
	p.write("www/crash.php", `<?php if (isset($_GET['late'])) { echo str_repeat('x', 100000); flush(); } posix_kill(getmypid(), 11);`)
	p.write("www/a.php", `<?php echo 'fine';`)
	s, httpd := apacheInPool(p, "")
	for range 10 {
		if status := s.status("/crash.php"); status != http.StatusBadGateway {
			t.Errorf("a crash is answered by %d", status)
		}
		s.get("/a.php", "fine")
	}
	response, err := s.browser.Get(s.at("/crash.php?late"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("an answer that was cut off looks whole")
	}
	response.Body.Close()
	s.get("/a.php", "fine")

	// httpd starts another service if the one that it has ends.
	was := serviceOf(t, httpd.pid)
	if was == 0 {
		t.Fatal("httpd has no phpsapi fpm")
	}
	syscall.Kill(was, syscall.SIGKILL)
	if err := httpd.await(func() error {
		if now := serviceOf(t, httpd.pid); now == 0 || now == was {
			return fmt.Errorf("httpd has not started another phpsapi fpm in place of %d", was)
		}
		if status := s.status("/a.php"); status != http.StatusOK {
			return fmt.Errorf("status %d", status)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A service that cannot be started again is missed in the log, and started as soon as it can be.
func TestApachePoolThatCannotStartAgain(t *testing.T) {
	p := at(t)
	p.write("www/a.php", `<?php echo 'fine';`)
	p.env = append(p.env, "LD_PRELOAD="+processes.Compile(t, `#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>
pid_t fork(void)
{
	if (access("`+p.path("full")+`", F_OK) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))();
}
`))
	s, httpd := apacheInPool(p, "")
	s.get("/a.php", "fine")
	workers := processes.Titled(httpd.pid, "php-fpm: pool")
	p.write("full", "")
	syscall.Kill(serviceOf(t, httpd.pid), syscall.SIGKILL)
	p.eventually("httpd says why", func() bool {
		return strings.Contains(p.log("apache-error.log"), "the phpsapi fpm of httpd cannot be started: fork: Resource temporarily unavailable")
	})
	p.eventually("the workers of the one before have ended", func() bool {
		return !slices.ContainsFunc(workers, func(pid int) bool { return processes.Title(pid) != "" })
	})
	p.refusedWithin(s, 4*time.Second, "the phpsapi fpm of httpd does not run: fork: Resource temporarily unavailable")
	if err := os.Remove(p.path("full")); err != nil {
		t.Fatal(err)
	}
	if err := httpd.await(func() error {
		if serviceOf(t, httpd.pid) == 0 {
			return fmt.Errorf("httpd has not started another phpsapi fpm")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.get("/a.php", "fine")
}

// refusedWithin checks that a script is answered by 503 so soon, and that httpd logs why.
func (p *place) refusedWithin(s *site, most time.Duration, why string) {
	p.t.Helper()
	began := time.Now()
	status := s.status("/a.php")
	if took := time.Since(began); status != http.StatusServiceUnavailable || took > most {
		p.t.Errorf("status %d after %v, want 503 within %v", status, took, most)
	}
	if log := p.log("apache-error.log"); !strings.Contains(log, why) {
		p.t.Errorf("no %q in the log", why)
	}
}

// A request waits for a service that is started again, but not for one that cannot be.
func TestApachePoolThatIsDown(t *testing.T) {
	p := at(t)
	p.write("www/a.php", `<?php echo 'fine';`)
	p.write("program", `#!/bin/sh
[ ! -e DIR/hangs ] || { echo $$ >DIR/hangs; exec sleep 60; }
[ ! -e DIR/broken ] || { echo 'the engine is missing, says the test' >&2; exit 78; }
exec `+ours+`/phpsapi "$@"
`)
	if err := os.Chmod(p.path("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := inPool()
	address, httpd := p.httpd(mode.mpm, "", strings.ReplaceAll(mode.load, ours+"/phpsapi", "DIR/program")+mpmSettings[mode.mpm]+apacheHandler)
	s := visit(t, address)
	end := func() {
		p.eventually("httpd has a phpsapi fpm", func() bool { return serviceOf(t, httpd.pid) != 0 })
		ends := func() int { return strings.Count(p.log("apache-error.log"), "the phpsapi fpm of httpd has ended") }
		before := ends()
		syscall.Kill(serviceOf(t, httpd.pid), syscall.SIGKILL)
		p.eventually("httpd has seen its end", func() bool { return ends() > before })
	}

	// It is started again: the request waits for that.
	s.get("/a.php", "fine")
	end()
	s.get("/a.php", "fine")

	// It ends as soon as it is started.
	p.write("broken", "")
	end()
	p.eventually("httpd has seen that it fails", func() bool { return strings.Contains(p.log("apache-error.log"), "has ended (exit status 78)") })
	p.refusedWithin(s, time.Second, "the phpsapi fpm of httpd does not run: it ends (exit status 78) before it answers")
	if log := p.log("apache-error.log"); !strings.Contains(log, "the engine is missing, says the test") {
		t.Error("what it says itself is not in the log")
	}
	os.Remove(p.path("broken"))
	p.eventually("it is started again", func() bool { return s.status("/a.php") == http.StatusOK })

	// It neither answers nor ends.
	p.write("hangs", "")
	end()
	p.refusedWithin(s, 8*time.Second, "was not started again within 5 seconds")
	hanging, err := strconv.Atoi(strings.TrimSpace(p.log("hangs")))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(p.path("hangs"))
	syscall.Kill(hanging, syscall.SIGKILL)
	p.eventually("it is started again", func() bool { return s.status("/a.php") == http.StatusOK })
}

// A worker that ends before it has read a request costs nothing: another takes it. Its connection was kept.
func TestApachePoolKeptConnection(t *testing.T) {
	p := at(t)
	p.write("www/pid.php", `<?php echo getmypid();`)
	s, _ := apacheInPool(p, "")
	worker := func() int {
		pid, _ := strconv.Atoi(s.get("/pid.php", ""))
		return pid
	}
	for _, reads := range []string{"gone", "stopped"} {
		was := worker()
		if now := worker(); now != was || was == 0 {
			t.Fatalf("workers %d and %d have answered: the connection was not kept", was, now)
		}
		answer := make(chan string, 1)
		if reads == "stopped" {
			syscall.Kill(was, syscall.SIGSTOP)
			go func() {
				var said []byte
				if response, err := s.browser.Get(s.at("/pid.php")); err == nil {
					said, _ = io.ReadAll(response.Body)
					response.Body.Close()
				}
				answer <- string(said)
			}()
			p.eventually("the request waits for the worker that was stopped", func() bool { return waitsUnread(t, was) })
			syscall.Kill(was, syscall.SIGKILL)
		} else {
			syscall.Kill(was, syscall.SIGKILL)
			p.eventually("the worker is gone", func() bool { return syscall.Kill(was, 0) != nil })
			answer <- strconv.Itoa(worker())
		}
		select {
		case said := <-answer:
			if pid, err := strconv.Atoi(said); err != nil || pid == was {
				t.Errorf("after worker %d was %s: %q", was, reads, said)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no answer after worker %d was %s", was, reads)
		}
	}
}

// waitsUnread reports whether one of the process's sockets has something that was not read.
func waitsUnread(t *testing.T, pid int) bool {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(process)
	all, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, entry := range all {
		n, _ := strconv.Atoi(entry.Name())
		fd, err := unix.PidfdGetfd(process, n, 0)
		if err == unix.EPERM {
			t.Skip("only root may look at a worker's sockets")
		}
		if err != nil {
			continue
		}
		waits, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
		unix.Close(fd)
		if target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, n)); err == nil && waits > 0 && strings.HasPrefix(target, "socket:") {
			return true
		}
	}
	return false
}

// A hundred graceful restarts lose no request.
func TestApachePoolRestarts(t *testing.T) {
	p := at(t)
	p.write("www/a.php", `<?php usleep(random_int(0, 20000)); echo 'fine';`)
	s, httpd := apacheInPool(p, "")
	resumed := func() int { return strings.Count(p.log("apache-error.log"), "resuming normal operations") }
	awaitResumed := func(want int) error { // before that the signal would end httpd
		return httpd.await(func() error {
			if got := resumed(); got < want {
				return fmt.Errorf("httpd has begun %d times, want %d", got, want)
			}
			return nil
		})
	}
	if err := awaitResumed(1); err != nil {
		t.Fatal(err)
	}
	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			browser := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := browser.Get(s.at("/a.php"))
				asked.Add(1)
				text := []byte(nil)
				if err == nil {
					text, err = io.ReadAll(response.Body)
					response.Body.Close()
				}
				if err != nil || string(text) != "fine" {
					failed.Add(1)
					t.Logf("%v %.100s", err, text)
				}
			}
		})
	}
	for i := range 100 {
		syscall.Kill(httpd.pid, syscall.SIGUSR1)
		if err := awaitResumed(i + 2); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	clients.Wait()
	if failed.Load() > 0 || asked.Load() < 100 {
		t.Errorf("of %d requests %d failed", asked.Load(), failed.Load())
	}
	t.Logf("%d requests, %d failed", asked.Load(), failed.Load())
}

// The scripts of a virtual host run as its user.
func TestApachePoolUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has workers with a user of their own")
	}
	p := at(t)
	p.write("www/a.php", `<?php echo posix_getpwuid(posix_geteuid())['name'], ' ', posix_getgrgid(posix_getegid())['name'];`)
	s, _ := apacheInPool(p, `<VirtualHost *:*>
ServerName one.test
DocumentRoot DIR/www
</VirtualHost>
<VirtualHost *:*>
ServerName two.test
DocumentRoot DIR/www
PHPSAPIUser games
</VirtualHost>
<VirtualHost *:*>
ServerName three.test
DocumentRoot DIR/www
PHPSAPIUser games www-data
</VirtualHost>
`)
	for host, want := range map[string]string{"one.test": "www-data www-data", "two.test": "games games", "three.test": "games www-data"} {
		request, _ := http.NewRequest("GET", s.at("/a.php"), nil)
		request.Host = host
		if got := s.page("GET", host, want)(s.browser.Do(request)); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// What is wrong with a pool is said when httpd starts, which it does not.
func TestApachePoolThatCannotStart(t *testing.T) {
	p := at(t)
	mode := inPool()
	p.give("apache")
	for settings, want := range map[string]string{
		"PHPSAPIProgram /nowhere/phpsapi\n": "/nowhere/phpsapi",
		"PHPSAPIPool pm nonsense\n":         "unable to parse value for entry 'pm'",
	} {
		p.write("apache.conf", "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"+mode.load+settings+
			"ServerRoot DIR/\nListen "+processes.Address(t)+"\nPidFile DIR/apache/pid\nDefaultRuntimeDir DIR/apache\n"+ifRoot("User www-data\nGroup www-data\n")+"ErrorLog DIR/start.log\n")
		cmd := exec.Command("timeout", "60", "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", p.path("apache.conf"))
		said, err := cmd.CombinedOutput()
		if all := string(said) + p.log("start.log"); err == nil || !strings.Contains(all, want) {
			t.Errorf("%s: %v, and no %q in:\n%s", settings, err, want, all)
		}
	}
}
