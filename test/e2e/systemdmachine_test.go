//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/client"
	processes "github.com/phpsapi/phpsapi/test/serve"
)

// A distribution is a Debian with the PHP that it has.
type distribution struct{ release, php string }

var (
	bookworm = distribution{"bookworm", "8.2"} // Debian 12, as this machine
	trixie   = distribution{"trixie", "8.4"}   // Debian 13
)

// packages are in the system that debian makes, beside a Debian's least. The headers of another PHP than this machine's are there, too: see program.
func (d distribution) packages() []string {
	all := []string{"systemd", "systemd-sysv", "php" + d.php + "-fpm", "libphp" + d.php + "-embed", "logrotate", "procps"}
	if d != bookworm {
		all = append(all, "php"+d.php+"-dev")
	}
	return all
}

// debianAge is how old a system may be that was made before, in build/e2e.
const debianAge = 30 * 24 * time.Hour

var debianImages = map[distribution]string{} // of Docker, for all tests

// docker runs a command of docker and returns what it says.
func docker(patience time.Duration, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", arguments...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// debian returns the image of a Debian whose process 1 is systemd, with the packages of PHP that phpsapi works with. It is made by
// debootstrap if none is left of another run. The test is skipped if that cannot be had.
func debian(t *testing.T, d distribution) string {
	t.Helper()
	if out, err := docker(time.Minute, "version"); err != nil {
		t.Skipf("no Docker engine: %v\n%s", err, out)
	}
	if debianImages[d] != "" {
		return debianImages[d]
	}
	archive, err := filepath.Abs(fmt.Sprintf("../../build/e2e/debian-%.4x.tar", sha256.Sum256([]byte(strings.Join(d.packages(), " ")))))
	if err != nil {
		t.Fatal(err)
	}
	if file, err := os.Stat(archive); err != nil || time.Since(file.ModTime()) > debianAge {
		if os.Geteuid() != 0 {
			t.Skip("only root can make a Debian by debootstrap")
		}
		if _, err := exec.LookPath("debootstrap"); err != nil {
			t.Skip("no debootstrap: apt-get install debootstrap")
		}
		if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, "../fresh/image", append([]string{d.release, archive}, d.packages()...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("a Debian cannot be made: %v\n%s", err, out)
		}
	}
	name := fmt.Sprintf("phpsapi-e2e-%s-%d", d.release, os.Getpid())
	if out, err := docker(5*time.Minute, "import", archive, name); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	debianImages[d] = name
	return name
}

// removeDebian removes what debian has made of Docker's.
func removeDebian() {
	for _, image := range debianImages {
		docker(time.Minute, "rmi", "--force", image)
	}
}

// machine is a container whose process 1 is systemd. It has no network. Its /run/php is the directory php of this machine.
type machine struct {
	*testing.T
	name, php string
}

// boot starts a machine with Debian 12, and waits until systemd has.
func boot(t *testing.T) *machine {
	t.Helper()
	return bootOf(t, bookworm)
}

func bootOf(t *testing.T, d distribution) *machine {
	t.Helper()
	image := debian(t, d)
	m := &machine{t, "phpsapi-e2e-" + filepath.Base(processes.Dir(t)), processes.Dir(t)}
	t.Cleanup(func() {
		if t.Failed() {
			m.Log(m.try("journalctl --no-pager -n 100 -u 'php*'; tail -n 50 /var/log/php*"))
		}
		docker(time.Minute, "rm", "--force", "--volumes", m.name)
	})
	var out string
	var err error
	// Docker itself may lack a capability, and then cannot give all of them.
	for _, rights := range [][]string{{"--privileged"}, {"--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--security-opt", "seccomp=unconfined",
		"--security-opt", "apparmor=unconfined"}} {
		arguments := append([]string{"run", "--detach", "--name", m.name, "--network", "none", "--cgroupns", "private", "--tmpfs", "/run:exec",
			"--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "--volume", m.php + ":/run/php", "--env", "container=docker"}, rights...)
		if out, err = docker(time.Minute, append(arguments, image, "/lib/systemd/systemd")...); err == nil {
			break
		}
		docker(time.Minute, "rm", "--force", m.name)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m.eventually("systemd runs", func() bool {
		state, _ := m.run("systemctl is-system-running")
		return state == "running" || state == "degraded"
	})
	m.do("mkdir -p /srv/www && echo '<?php usleep(2000); echo \"from \", posix_getppid() > 0, \" \", PHP_SAPI;' >/srv/www/index.php")
	return m
}

// run runs commands of the shell in the machine, and returns what they say and their exit status.
func (m *machine) run(commands string) (string, int) {
	out, err := docker(2*time.Minute, "exec", m.name, "bash", "-c", commands)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Sprint(out, err), -1
	}
	if exit != nil {
		return out, exit.ExitCode()
	}
	return out, 0
}

func (m *machine) try(commands string) string {
	out, _ := m.run(commands)
	return out
}

// do is run for commands that must not fail.
func (m *machine) do(commands string) string {
	m.Helper()
	out, status := m.run(commands)
	if status != 0 {
		m.Fatalf("%s\nexits with %d:\n%s", commands, status, out)
	}
	return out
}

// put puts a text into a file of the machine, in place of the file that was there.
func (m *machine) put(file string, text []byte, mode os.FileMode) {
	m.Helper()
	own := filepath.Join(m.TempDir(), "file")
	if err := os.WriteFile(own, text, mode); err != nil {
		m.Fatal(err)
	}
	if out, err := docker(time.Minute, "cp", own, m.name+":"+file+".new"); err != nil {
		m.Fatalf("%v\n%s", err, out)
	}
	m.do("mv " + file + ".new " + file)
}

// property is one that systemd has of a unit.
func (m *machine) property(unit, name string) string {
	m.Helper()
	return m.do("systemctl show --property=" + name + " --value " + unit)
}

// is wants properties of a unit, each written as NAME=VALUE.
func (m *machine) is(unit string, properties ...string) {
	m.Helper()
	for _, p := range properties {
		name, want, _ := strings.Cut(p, "=")
		if got := m.property(unit, name); got != want {
			m.Errorf("%s: %s is %q, want %q\n%s", unit, name, got, want, m.try("systemctl status --no-pager "+unit))
		}
	}
}

func (m *machine) eventually(what string, so func() bool) {
	m.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.Fatalf("not within a minute: %s", what)
		}
	}
}

// visitor returns a client of a pool's socket in /run/php, which has its answers from phpsapi or php-fpm.
func (m *machine) visitor(socket string, kept bool) func() error {
	c := &client.FastCGI{Dial: func() (net.Conn, error) { return net.Dial("unix", filepath.Join(m.php, socket)) }, Kept: kept}
	request := client.Encode("/srv/www", "index.php", "", kept)
	m.Cleanup(c.Close)
	return func() error {
		if err := c.Ask(request); err != nil {
			return err
		}
		if !bytes.HasSuffix(c.Answer, []byte("\r\n\r\nfrom 1 fpm-fcgi")) {
			return fmt.Errorf("the answer is %q", c.Answer)
		}
		return nil
	}
}

// asks wants an answer.
func (m *machine) asks(socket string) {
	m.Helper()
	if err := m.visitor(socket, false)(); err != nil {
		m.Error(err)
	}
}

// underLoad does something while four clients ask, the second and fourth on kept connections, before and after. None of their requests
// may fail.
func (m *machine) underLoad(socket string, do func()) {
	m.Helper()
	var stop atomic.Bool
	var asked atomic.Int64
	var clients sync.WaitGroup
	for i := range 4 {
		ask := m.visitor(socket, i%2 == 1)
		clients.Go(func() {
			for !stop.Load() {
				if err := ask(); err != nil {
					m.Errorf("a request of client %d: %v", i, err)
					return
				}
				asked.Add(1)
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	more := func() {
		for then := asked.Load(); asked.Load() < then+40 && !m.Failed(); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	more()
	do()
	more()
	stop.Store(true)
	clients.Wait()
	m.Logf("%d requests", asked.Load())
}
