package handover_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// PHP that hangs while a zygote starts it holds up neither other requests nor the resident's end.
func TestPHPHangsWhileItStarts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	mark := s.path("mark")
	hang := serve.Library(t, `if (strstr(program_invocation_name, "zygote")) { close(creat("`+mark+`", 0644)); for (;;) pause(); }`)
	hangs := request{script: s.script("hello.php", `echo 'hello';`), args: []string{"-d", "extension=" + hang}}
	for range 2 {
		if o := s.run(ours(), s.socket(), hangs); !strings.HasSuffix(o.out, "hello") || o.handed {
			t.Errorf("a request of the settings with which PHP hangs: %s", o)
		}
	}
	s.await("PHP hangs", func() bool { _, err := os.Stat(mark); return err == nil })
	s.warm(ours(), request{script: hangs.script})
}

// PHP that crashes while a zygote starts it is said once, and costs no request.
func TestPHPCrashesWhileItStarts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	resident := s.listen(filepath.Join(binaries, "phpsapi"))
	crash := serve.Library(t, `if (strstr(program_invocation_name, "zygote")) abort();`)
	r := request{script: s.script("hello.php", `echo 'hello';`), args: []string{"-d", "extension=" + crash}}
	const told = "PHP ended with signal 6 (SIGABRT) while it was starting"
	s.await("the resident tells of the crash", func() bool {
		if o := s.run(ours(), s.socket(), r); !strings.HasSuffix(o.out, "hello") || o.handed {
			t.Errorf("a request beside the crash: %s", o)
		}
		return strings.Contains(resident.log.String(), told)
	})
	for range 5 {
		s.run(ours(), s.socket(), r)
	}
	if n := strings.Count(resident.log.String(), told); n != 1 {
		t.Errorf("told %d times:\n%s", n, resident.log)
	}
}

// A zygote that is stopped holds up no request for long: one that its child has answered, one that comes afterwards, and
// the resident's end.
func TestZygoteIsStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	resident := s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("hello.php", `echo 'hello';`)}
	waits := request{script: s.script("waits.php", `touch(__DIR__ . '/began'); while (!file_exists(__DIR__ . '/go')) usleep(1000); echo 'done';`)}
	s.warm(ours(), r)
	zygotes := children(resident.cmd.Process.Pid)
	before := make(chan outcome)
	go func() { before <- s.run(ours(), s.socket(), waits) }()
	s.await("the script runs", func() bool { _, err := os.Stat(s.path("began")); return err == nil })
	for _, zygote := range zygotes {
		s.stop(zygote)
	}
	s.write("go", "")
	if o := s.run(ours(), s.socket(), r); !strings.HasSuffix(o.out, "hello") || o.end != "exit status 0" {
		t.Errorf("a request afterwards: %s", o)
	}
	if o := <-before; !strings.HasSuffix(o.out, "done") || !o.handed {
		t.Errorf("the request that was answered already: %s", o)
	}
	for _, zygote := range zygotes {
		if syscall.Kill(zygote, 0) == nil {
			s.await("the zygote is ended", func() bool { return syscall.Kill(zygote, 0) != nil })
		}
	}
	s.warm(ours(), r)
	for _, zygote := range children(resident.cmd.Process.Pid) {
		s.stop(zygote) // the resident ends all the same, and leaves nothing
	}
}
