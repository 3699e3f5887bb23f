//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// TestMakeRun has `make run` serve the demonstration site from a clean clone and ends it as Ctrl-C does. Where the
// tests run as root, once as root and once as the servers' user, for whom root has built the program.
func TestMakeRun(t *testing.T) {
	p := at(t)
	clone := p.path("clone")
	said, err := exec.Command("sh", "-c", `git clone -q --no-hardlinks ../.. "$0" && git -C ../.. diff --binary HEAD | git -C "$0" apply --allow-empty`, clone).CombinedOutput()
	if err != nil {
		t.Fatalf("no clone: %v: %s", err, said)
	}
	// As under /root, where root's programs may look and www-data's may not.
	if err := os.Chmod(clone, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Run("builds", func(t *testing.T) { makeRun(t, clone, nil) })
	if os.Geteuid() != 0 {
		return
	}
	t.Run("as "+servant(), func(t *testing.T) {
		p.give("clone")
		account, err := user.Lookup(servant())
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		makeRun(t, clone, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, "--assume-old=build")
	})
}

// makeRun is `make run` with further arguments, by a user.
func makeRun(t *testing.T, clone string, as *syscall.Credential, args ...string) {
	p := at(t)
	p.give("data")
	p.give("temporary")
	if err := os.Chmod(p.path("temporary"), 0o777|os.ModeSticky); err != nil { // the front is another user than the workers
		t.Fatal(err)
	}
	address := processes.Address(t)
	cmd := exec.Command("make", append(args, "run", "ADDRESS="+address)...)
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "PHPSAPI_DEMO_DATA="+p.path("data"), "TMPDIR="+p.path("temporary"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	log, err := os.Create(p.path("make.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	defer func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		for pid, line := range processesOf(t, filepath.Join(clone, "phpsapi")) {
			t.Errorf("make run left process %d: %s", pid, line)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	running := &program{place: p, name: "make", pid: cmd.Process.Pid, done: ended}
	if err := running.awaitFor(patience, func() error {
		if !strings.Contains(p.log("make.log"), "http://"+address) {
			return fmt.Errorf("it does not say where it serves:\n%s", p.log("make.log"))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := running.await(accepts(address)); err != nil {
		t.Fatal(err)
	}
	s := visit(t, address)
	s.get("/", "<title>Notes · phpsapi</title>")
	s.get("/style.css", "font")
	events, err := s.browser.Get(s.at("/stream.php?events")) // whose script has seconds to go
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()

	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatalf("it did not end by Ctrl-C:\n%s", p.log("make.log"))
	}
	if accepts(address)() == nil {
		t.Errorf("%s is still served", address)
	}
	if left, err := os.ReadDir(p.path("temporary")); err != nil || len(left) > 0 {
		t.Errorf("make run left files: %v %v", left, err)
	}
	// INT is php-fpm's word for an end at once: the events end, and the log may say so.
	p.wanted = []string{"no answer from a worker: it ended within the response"}
	if bad := trouble(p.log("make.log"), p.wanted); bad != "" {
		t.Errorf("make run said %q; all of it:\n%s", bad, p.log("make.log"))
	}
}

// processesOf are the processes that run a program, with their command lines.
func processesOf(t *testing.T, program string) map[int]string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && strings.TrimSuffix(name, " (deleted)") == program {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "cmdline"))
			found[pid] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
	return found
}
