package handover_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a script finds, says and leaves must not depend on whether a zygote's child ran it.
func TestSame(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	for name, r := range requests(s) {
		t.Run(name, func(t *testing.T) {
			s := &site{t, s.dir}
			want := s.same(r, !unlike[name])
			var got outcome
			answer := func() bool { got = s.run(ours(), s.socket(), r); return got.handed }
			if ordinary[name] {
				if answer() {
					t.Error("it was handed over")
				}
			} else {
				s.await("the request was handed over", answer)
			}
			if clean(got) != want {
				t.Errorf("handed over:\n%.2000s\nthe ordinary way:\n%.2000s", clean(got), want)
			}
			if _, err := os.Lstat("/tmp/evil"); err == nil {
				t.Error("/tmp/evil was made")
			}
		})
	}
}

// unlike are the requests that stock php-cgi answers in another way, which is wrong: its child says the head a second time, an empty path ends
// it by an error of PHP's, it says why a stream failed by an errno that is older, and reads a negative number of bytes until the end.
var unlike = map[string]bool{"child": true, "empty script": true, "translated, empty": true, "Action, empty": true, "dots at the end": true,
	"negative length": true}

// ordinary are the requests that are not for a zygote.
var ordinary = map[string]bool{"usage": true}

func TestOpcacheIsWarm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("opcache.php", `echo opcache_get_status()['opcache_statistics']['hits'] ?? 'off';`)}
	s.warm(ours(), r)
	old := time.Now().Add(-time.Hour)
	os.Chtimes(r.script, old, old) // opcache leaves alone what was just written
	s.run(ours(), s.socket(), r)
	before := s.run(ours(), s.socket(), r)
	after := s.run(ours(), s.socket(), r)
	if !strings.Contains(before.out, "off") && before.out == after.out {
		t.Errorf("opcache's hits do not grow: %s, %s", before, after)
	}
	if strings.Contains(after.out, "off") {
		t.Error("opcache is off")
	}
}

// A client that goes away takes its child with it.
func TestClientIsKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("long.php", `file_put_contents('pid', getmypid()); while (true) { usleep(1000); }`)}
	s.warm(ours(), request{script: s.script("hello.php", `echo 1;`)})
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, syscall.SIGUSR1} {
		os.Remove(s.path("pid"))
		cmd := s.command(ours(), s.socket(), r)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		s.await("the script runs", func() bool { pid = number(s.path("pid")); return pid > 0 })
		if pid == cmd.Process.Pid {
			t.Fatal("it was not handed over")
		}
		cmd.Process.Signal(sig)
		cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v: the client ended by %v", sig, cmd.ProcessState)
		}
		s.await("the child is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	}
	// A script may have asked for the signal.
	caught := request{script: s.script("caught.php", `pcntl_async_signals(true); $go = true; pcntl_signal(SIGTERM, function () use (&$go) { $go = false; });
		file_put_contents('pid', getmypid()); while ($go) { usleep(1000); } echo 'caught';`)}
	os.Remove(s.path("pid"))
	cmd := s.command(ours(), s.socket(), caught)
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.await("the script runs", func() bool { return number(s.path("pid")) > 0 })
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "caught") {
		t.Errorf("%v: %s", err, out.String())
	}
}
