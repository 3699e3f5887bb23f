package front

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Any process of the service may be stopped, by a debugger or by swapping: the master answers and obeys.
func TestStoppedProcessesStopNobody(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"php-fpm: zygote", "php-fpm: front", "php-fpm: pool"} {
		t.Run(strings.TrimPrefix(who, "php-fpm: "), func(t *testing.T) {
			t.Parallel()
			address := serve.Address(t)
			conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
			s := start(t, address, nil, "-y", conf, "-F", "-O")
			s.want("/", 200, "index ")
			all := s.Tree()
			for _, pid := range s.Titled(who) {
				syscall.Kill(pid, syscall.SIGSTOP)
			}
			// A request has the pool want a worker where it may.
			if who == "php-fpm: zygote" {
				s.want("/kill.php", 502, "")
				s.want("/", 200, "index ")
			}
			s.Order("status")
			s.Signal(syscall.SIGTERM)
			serve.AllEnd(t, all...)
		})
	}
}

func TestQuitWhileTheZygoteIsStopped(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	s := start(t, address, nil, "-y", configured(t, "http: {listen: '"+address+"', root: .}\n"), "-F", "-O")
	s.want("/", 200, "index ")
	all := s.Tree()
	for _, pid := range s.Titled("php-fpm: zygote") {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	s.Signal(syscall.SIGQUIT)
	serve.AllEnd(t, all...)
	if strings.Contains(s.Log(), "SIGKILL") {
		t.Errorf("workers that had ended were taken for stubborn:\n%s", s.Log())
	}
}

// preload is PHP started as an operator of php-fpm may start it: with a script that is preloaded, here in the zygote
// itself, as with opcache.preload_user it would be in a child of the zygote's.
func preload(t *testing.T, dir, script string) []string {
	t.Helper()
	file := filepath.Join(dir, "preload.php")
	files.Write(t, file, script)
	options := []string{"-n", "-d", "zend_extension=opcache.so", "-d", "extension=posix.so", "-d", "opcache.preload=" + file}
	if os.Geteuid() == 0 {
		options = append(options, "-d", "opcache.preload_user=root")
	}
	return options
}

// hang starts a service in whose start PHP runs a script that does not end, which has written the file hangs. It returns the
// command, the directory of php-fpm.conf, and all processes.
func hang(t *testing.T, script func(dir string) string, mode string) (c *exec.Cmd, dir string, all []int) {
	t.Helper()
	conf := configured(t, "")
	dir = filepath.Dir(conf)
	c = command(nil, append(preload(t, dir, script(dir)), "-y", conf, mode)...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "PHP's start", func() bool { return files.Exists(dir + "/hangs") })
	return c, dir, serve.Tree(c.Process.Pid)
}

// hanging is a script for hang.
func hanging(string) string { return `<?php file_put_contents(__DIR__ . "/hangs", ""); sleep(1000);` }

func TestPHPCrashesWhileItStarts(t *testing.T) {
	t.Parallel()
	conf := configured(t, "")
	extension := serve.Library(t, "abort();")
	for _, mode := range []string{"-F", "-D"} {
		out, err := command(nil, "-n", "-d", "extension="+extension, "-y", conf, mode, "-O").CombinedOutput()
		if err == nil || !strings.Contains(err.Error(), "exit status 70") {
			t.Errorf("%s: %v, want status 70\n%s", mode, err, out)
		}
		if !strings.Contains(string(out), "ERROR: PHP ended with signal 6 (SIGABRT) while it was starting; if it printed messages, they say why\n") {
			t.Errorf("%s: no reason:\n%s", mode, out)
		}
	}
}

// A service that did not start once referred to messages, and there were none.
func TestPreloadThatDoesNotFinishIsNamed(t *testing.T) {
	t.Parallel()
	conf := configured(t, "")
	file := filepath.Join(filepath.Dir(conf), "preload.php")
	for script, want := range map[string]string{
		"<?php exit(0);": "opcache.preload (" + file + ") failed or called exit; ",
		"<?php posix_kill(getmypid(), 9);": map[bool]string{ // opcache preloads in a child only as root
			true:  "PHP could not be started: a process of opcache.preload (" + file + ") ended with signal 9 (SIGKILL); ",
			false: "PHP ended with signal 9 (SIGKILL) while it was starting; ",
		}[os.Geteuid() == 0],
	} {
		options := preload(t, filepath.Dir(conf), script)
		if os.Geteuid() == 0 {
			options = append(options, "-d", "opcache.preload_user=www-data")
			os.Chmod(filepath.Dir(conf), 0o755)
		}
		out, err := command(nil, append(options, "-y", conf, "-F", "-O")...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s\nwant %s", script, err, out, want)
		}
	}
}

func TestTermWhilePHPHangsInItsStart(t *testing.T) {
	t.Parallel()
	c, dir, all := hang(t, hanging, "-F")
	if len(all) < 2 {
		t.Fatal("no zygote")
	}
	c.Process.Signal(syscall.SIGTERM)
	serve.AllEnd(t, all...)
	c.Wait()
	if status := c.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("status %v, want php-fpm's: SIGTERM", status)
	}
	if _, err := os.Stat(dir + "/sock"); err == nil {
		t.Error("the socket is still there")
	}
}

// A zygote has no time to read its control socket while PHP starts, but it must not outlive a master that was killed.
func TestMasterIsKilledWhilePHPHangsInItsStart(t *testing.T) {
	t.Parallel()
	c, _, all := hang(t, hanging, "-F")
	c.Process.Kill()
	c.Wait()
	serve.AllEnd(t, all...)
}

func TestInterruptedStarterLeavesNoDaemon(t *testing.T) {
	t.Parallel()
	c, _, all := hang(t, hanging, "-D")
	if len(all) < 3 {
		t.Fatalf("processes %v: want the command, the daemon and its zygote", all)
	}
	c.Process.Signal(syscall.SIGINT)
	c.Wait()
	serve.AllEnd(t, all...)
}

// A process that PHP's start leaves behind may be another user's: the zygote's control socket is none of its.
func TestPreloadedProcessHasNoSocketOfTheZygote(t *testing.T) {
	t.Parallel()
	c, dir, _ := hang(t, func(dir string) string {
		return `<?php exec("sh -c 'ls -l /proc/$$/fd > ` + dir + `/ls; mv ` + dir + `/ls ` + dir + `/hangs'"); sleep(1000);`
	}, "-F")
	defer c.Wait()
	defer c.Process.Signal(syscall.SIGTERM)
	if list := files.Text(dir + "/hangs"); strings.Contains(list, "socket:") || !strings.Contains(list, " 1 -> ") {
		t.Errorf("it has\n%s", list)
	}
}
