package handover_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// leave waits until a zygote that was started on first use has gone.
func (s *site) leave() {
	s.t.Helper()
	s.await("the zygote leaves when idle", func() bool {
		_, err := os.Lstat(s.socket())
		return os.IsNotExist(err) && len(processes(s.dir)) == 0
	})
	if left, _ := filepath.Glob(s.path("z.sock*")); len(left) > 0 {
		s.t.Errorf("left behind: %q", left)
	}
}

// Many first users at once make one zygote, and all are answered. What phpsapi does to its own scheduling while it starts
// is not what the zygote's children are left with.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := request{env: []string{"PHPSAPI_CGI_ZYGOTE_IDLE=4"}, script: s.script("hello.php", `echo 'hello';
		$status = file_get_contents('/proc/self/status'); preg_match('/Cpus_allowed:\s*(\S+)/', $status, $found);
		header('X-Scheduling: '.$found[1].' '.file_get_contents('/proc/self/timerslack_ns'));`)}
	ordinary := s.run(ours(), "", r).out
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if o := s.run(ours(), s.socket(), r); !strings.HasSuffix(o.out, "hello") || o.end != "exit status 0" {
				t.Errorf("%s", o)
			}
		})
	}
	all.Wait()
	s.warm(ours(), r)
	if o := s.run(ours(), s.socket(), r); !o.handed || o.out != ordinary {
		t.Errorf("by the zygote:\n%s\nthe ordinary way:\n%s", o, ordinary)
	}
	residents := 0
	for _, p := range processes("--zygote-listen") {
		if strings.Contains(p, s.socket()) {
			residents++
		}
	}
	if residents != 1 {
		t.Errorf("%d zygotes: %q", residents, processes(s.socket()))
	}
	s.leave()
}

// --zygote is PHPSAPI_CGI_ZYGOTE for who passes arguments, unless they may come from the URL.
func TestOption(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	script := s.script("hello.php", `echo 'hello';`)
	s.warm(ours(), request{script: script})
	for _, c := range []struct {
		program, query string
		args           []string
		handed         bool
	}{
		{"php-cgi", "a=b", []string{"--zygote", s.socket()}, true},
		{"phpsapi", "", []string{"cgi", "--zygote", s.socket()}, true},
		{"php-cgi", "--zygote+" + s.socket(), []string{"--zygote", s.socket()}, false},
		{"php-cgi", "word", []string{"--zygote", s.socket()}, false},
	} {
		r := request{script: script, env: []string{"QUERY_STRING=" + c.query}, args: c.args}
		answer := func() outcome { return s.run(filepath.Join(binaries, c.program), "", r) }
		if c.handed {
			s.await("the request was handed over", func() bool { return answer().handed })
		}
		if o := answer(); o.handed != c.handed || !strings.HasSuffix(o.out, "hello") {
			t.Errorf("%+v: %v, %s", c, o.handed, o)
		}
	}
}

// After php.ini has changed nobody is answered with what it was.
func TestSettingsChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	scan := s.path("conf.d")
	os.Mkdir(scan, 0o755)
	r := request{script: s.script("ini.php", `echo ini_get('precision'), ' ', ini_get('arg_separator.output');`),
		env: []string{"PHPRC=" + s.path("php.ini"), "PHP_INI_SCAN_DIR=:" + scan, "SEPARATOR=;"}}
	answers := func(want string) {
		t.Helper()
		if o := s.run(ours(), s.socket(), r); !strings.HasSuffix(o.out, want) {
			t.Errorf("%q is not the answer of now:\n%s", want, o)
		}
	}
	s.write("php.ini", "precision=5\narg_separator.output=${SEPARATOR}\n")
	s.warm(ours(), r)
	answers("5 ;")
	s.write("php.ini", "precision=6\narg_separator.output=${SEPARATOR}\n")
	answers("6 ;")
	s.warm(ours(), r)
	answers("6 ;")
	s.write("conf.d/more.ini", "precision=7\n")
	answers("7 ;")
	s.warm(ours(), r)
	answers("7 ;")
	os.Remove(s.path("conf.d/more.ini"))
	answers("6 ;")
	// A variable that php.ini refers to makes another module.
	s.warm(ours(), r)
	r.env = append(r.env[:2:2], "SEPARATOR=|")
	answers("6 |")
	s.warm(ours(), r)
	answers("6 |")
	// So does a php.ini in the current directory.
	r.env = nil
	os.Remove(s.path("php.ini"))
	s.warm(ours(), r)
	s.write("php.ini", "precision=9\n")
	answers("9 &")
	s.warm(ours(), r)
	answers("9 &")
}

// What PHP says when it starts, each request says.
func TestLoudStartup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("hello.php", `echo 'hello';`), env: []string{"PHPRC=" + s.write("php.ini", "display_startup_errors=1\ndisplay_errors=1\nextension=missing\n")}}
	want := s.run(ours(), "", r)
	if !strings.Contains(want.out, "missing") {
		t.Fatalf("nothing is said: %s", want)
	}
	for range 5 {
		if got := s.run(ours(), s.socket(), r); got.out != want.out || got.handed {
			t.Fatalf("got %s\nwant %s", got, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// When the program is replaced, its zygote goes and the new one's comes.
func TestProgramIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	program := s.path("php-cgi")
	install := func() {
		t.Helper()
		from, err := os.Open(filepath.Join(binaries, "phpsapi"))
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		to, err := os.OpenFile(program+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(to, from)
		to.Close()
		if err := os.Rename(program+".new", program); err != nil {
			t.Fatal(err)
		}
	}
	install()
	r := request{script: s.script("parent.php", `echo posix_getppid();`), env: []string{"PHPSAPI_CGI_ZYGOTE_IDLE=2"}}
	s.warm(program, r)
	before := s.run(program, s.socket(), r)
	install()
	if o := s.run(program, s.socket(), r); o.handed || o.end != "exit status 0" {
		t.Errorf("the old program's zygote answered: %s", o)
	}
	s.warm(program, r)
	if after := s.run(program, s.socket(), r); after.out == before.out {
		t.Errorf("it is the old zygote: %s", after)
	}
	s.leave()
}

// systemd listens, and the zygote comes with the first request.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	listener := os.NewFile(uintptr(fd), "listener")
	defer listener.Close()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: s.socket()}); err != nil {
		t.Fatal(err)
	}
	syscall.Listen(fd, 16)
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" cgi --zygote-listen /not/used`, filepath.Join(binaries, "phpsapi"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LISTEN_FDS=1", "PHPSAPI_CGI_ZYGOTE_IDLE=4"}
	cmd.ExtraFiles = []*os.File{listener}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.warm(ours(), request{script: s.script("hello.php", `echo 'hello';`)})
	if err := cmd.Wait(); err != nil {
		t.Errorf("the idle zygote ended by %v", err)
	}
	if _, err := os.Lstat(s.socket()); err != nil {
		t.Errorf("systemd's socket was removed: %v", err)
	}
}

// A zygote that hangs, or whose processes die, costs no request.
func TestZygoteFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	resident := s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("hello.php", `echo 'hello';`)}
	s.warm(ours(), r)
	for _, pid := range children(resident.cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for range 10 {
		if o := s.run(ours(), s.socket(), r); !strings.HasSuffix(o.out, "hello") || o.end != "exit status 0" {
			t.Errorf("the zygote was killed: %s", o)
		}
	}
	s.warm(ours(), r)
	s.stop(resident.cmd.Process.Pid)
	o := s.run(ours(), s.socket(), r)
	resident.cmd.Process.Signal(syscall.SIGCONT)
	if !strings.HasSuffix(o.out, "hello") || o.end != "exit status 0" || o.handed {
		t.Errorf("the resident was stopped: %s", o)
	}
	s.warm(ours(), r)
}

// stop stops a process and waits until each of its threads has: one that goes on a little could take a request, with its
// descriptors, and stop with them.
func (s *site) stop(pid int) {
	s.t.Helper()
	syscall.Kill(pid, syscall.SIGSTOP)
	s.await("every thread is stopped", func() bool {
		states, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, state := range states {
			text, err := os.ReadFile(state)
			if err == nil && !strings.Contains(string(text), ") T ") {
				return false
			}
		}
		return err == nil && len(states) > 0
	})
}

// Nobody else's zygote is used, and nobody else is served.
func TestForeigners(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be somebody else")
	}
	const nobody = 65534
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("hello.php", `echo posix_geteuid();`)}
	s.warm(ours(), r)
	os.Chmod(s.socket(), 0o666)
	cmd := s.command(ours(), s.socket(), r)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.Output()
	if err != nil || !strings.HasSuffix(string(out), "65534") || isHanded(cmd.ProcessState) {
		t.Errorf("nobody's request: %v, %s", err, out)
	}
	// One who does not look whose zygote it is.
	refused := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with its identity
		syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody)
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
		if err == nil {
			err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: s.socket()})
		}
		if err == nil {
			var n int
			if n, err = syscall.Read(fd, make([]byte, 100)); n > 0 {
				err = fmt.Errorf("%d bytes came", n)
			}
		}
		refused <- err
	}()
	if err := <-refused; err != nil {
		t.Errorf("a foreigner's connection: %v", err)
	}
	// Where others could put their own socket, none is trusted and none is made.
	os.Chmod(s.dir, 0o777)
	if o := s.run(ours(), s.socket(), r); o.handed || !strings.HasSuffix(o.out, "0") {
		t.Errorf("in a directory of everybody's: %s", o)
	}
	other := request{script: r.script}
	if o := s.run(ours(), s.path("other.sock"), other); o.handed || !strings.HasSuffix(o.out, "0") {
		t.Errorf("in a directory of everybody's: %s", o)
	}
	if found, _ := filepath.Glob(s.path("other.sock*")); len(found) > 0 {
		t.Errorf("made there: %q", found)
	}
	os.Chmod(s.dir, 0o755)
	for path, want := range map[string]string{"relative.sock": "absolute", s.path("hello.php"): "is not a socket", s.path(strings.Repeat("x", 200)): "at most 107 bytes"} {
		said, err := exec.Command(filepath.Join(binaries, "phpsapi"), "cgi", "--zygote-listen", path).CombinedOutput()
		if err == nil || !strings.Contains(string(said), want) {
			t.Errorf("%s: %v, %s", path, err, said)
		}
		os.Remove(path + ".lock")
	}
}

// A zygote's child cannot go where a client is: into its namespaces.
func TestOtherNamespaces(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make namespaces")
	}
	s := newSite(t)
	s.listen(filepath.Join(binaries, "phpsapi"))
	r := request{script: s.script("hello.php", `echo 'hello';`)}
	s.warm(ours(), r)
	for _, kind := range []string{"mount", "net", "ipc", "uts", "cgroup"} {
		t.Run(kind, func(t *testing.T) {
			apart := "unshare --" + kind
			if kind == "mount" { // in a chroot unshare cannot make the mounts private, as it does else
				apart += " --propagation unchanged"
			}
			if out, err := exec.Command("sh", "-c", apart+" true").CombinedOutput(); err != nil {
				t.Skipf("%s: %s", apart, out)
			}
			r.shell = `[ "$APART" ] || APART=1 exec ` + apart + ` "$0" "$@"`
			if o := s.run(ours(), s.socket(), r); o.handed || !strings.HasSuffix(o.out, "hello") {
				t.Errorf("handed over: %v, %s", o.handed, o)
			}
		})
	}
}

// Neither many requests nor many at once leave something behind.
func TestThousandRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := request{script: s.script("hello.php", `echo 'hello';`), env: []string{"PHPSAPI_CGI_ZYGOTE_IDLE=3"}}
	for zygote, requests := range map[string]int{"": 100, s.socket(): 1000} {
		if zygote != "" {
			s.warm(ours(), r)
		}
		var all sync.WaitGroup
		places := make(chan struct{}, 50)
		for range requests {
			places <- struct{}{}
			all.Go(func() {
				if o := s.run(ours(), zygote, r); !strings.HasSuffix(o.out, "hello") || o.end != "exit status 0" || o.err != "" {
					t.Errorf("zygote %q: %s", zygote, o)
				}
				<-places
			})
		}
		all.Wait()
	}
	s.leave()
}

// A resident whose log nobody reads any more loses its messages, and continues. So does its client.
func TestReaderOfTheLogIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	resident := exec.Command(filepath.Join(binaries, "phpsapi"), "cgi", "--zygote-listen", s.socket())
	server := serve.RunUnread(t, resident)
	s.await("the zygote listens", func() bool { _, err := os.Lstat(s.socket()); return err == nil })
	loud := request{script: s.script("log.php", `error_log('one'); error_log('two'); echo posix_getppid();`),
		env: []string{"PHPRC=" + s.write("loud.ini", "extension=missing\n")}}
	quiet := request{script: loud.script}
	for _, r := range []request{loud, quiet} {
		s.run(ours(), s.socket(), r) // it makes the zygote, and the loud one a message
	}
	s.warm(ours(), quiet)
	s.await("the zygote that says something has ended", func() bool { return len(children(server.Pid())) == 1 })
	for range 2 {
		cmd := s.command(ours(), s.socket(), quiet)
		cmd.Stderr = serve.Unread(t)
		out, err := cmd.Output()
		if zygotes := children(server.Pid()); err != nil || len(zygotes) != 1 || !strings.HasSuffix(string(out), fmt.Sprint(zygotes[0])) {
			t.Errorf("%v, %s, of the zygotes %v", err, out, zygotes)
		}
	}
	server.Signal(syscall.SIGTERM)
	if status := server.End(); status != 0 {
		t.Errorf("the resident ended by %v", status)
	}
}
