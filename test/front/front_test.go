package front

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestServesADirectoryWithoutConfiguration(t *testing.T) {
	t.Parallel()
	address, root := serve.Address(t), site(t)
	s := start(t, address, []string{"TMPDIR=" + root}, "--http", address, "--root", root)
	s.want("/", 200, "index ")
	s.want("/page.txt", 200, "text\n")
	s.want("/a/b", 200, "index /a/b ")
	s.want("/sleep.php?ms=1", 200, "slept")
	s.want("/.hidden", 404, "")
	s.Signal(syscall.SIGINT)
	s.said("exiting, bye-bye!", 1)
	if left, _ := filepath.Glob(root + "/phpsapi-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Any process may die: no client notices but the one whose request it had.
func TestProcessesDie(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_POOL_WWW_PM_MAX_CHILDREN=4"}, "--http", address, "--root", site(t))
	pid, _ := strconv.Atoi(s.said(`process (\d+) of generation 1 serves`, 1))
	syscall.Kill(pid, syscall.SIGKILL)
	s.want("/", 200, "index ") // waits in the backlog
	s.said(`WARNING: \[front\] process `+strconv.Itoa(pid)+` of generation 1 exited on signal 9 \(SIGKILL\)`, 1)
	s.said(`of generation 1 serves`, 2)
	l := s.load(4, "/sleep.php?ms=5")
	for range 3 {
		s.want("/kill.php", 502, "")
	}
	if wrong := l.End(); len(wrong) > 0 {
		t.Errorf("%d requests, failed: %v", l.Asked(), wrong)
	}
	s.said(`\[pool www\] child \d+ exited on signal 9 \(SIGKILL\)`, 3)
}

// Workers that accept by HTTP themselves keep handing connections over. A front that was stopped by a signal, and replaced, took them
// until its drain_timeout was over.
func TestStoppedFrontGoesWhenItIsContinued(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_HTTP_LIMITS_DRAIN_TIMEOUT=5m"}, "--http", address, "--root", site(t))
	pid, _ := strconv.Atoi(s.said(`process (\d+) of generation 1 serves`, 1))
	l := s.load(4, "/sleep.php?ms=5")
	syscall.Kill(pid, syscall.SIGSTOP)
	s.said(`was stopped by a signal, and is replaced`, 1)
	s.said(`of generation 1 serves`, 2)
	serve.AllEnd(t, pid)
	if wrong := l.End(); len(wrong) > 0 {
		t.Errorf("%d requests, failed: %v", l.Asked(), wrong)
	}
}

// The master's end, however it comes, is the end of all.
func TestNothingSurvivesTheMaster(t *testing.T) {
	t.Parallel()
	address, root := serve.Address(t), site(t)
	s := start(t, address, []string{"TMPDIR=" + root}, "--http", address, "--root", root)
	_, index := s.Get("/")
	worker, _ := strconv.Atoi(strings.Fields(index)[1])
	front, _ := strconv.Atoi(s.said(`process (\d+) of generation 1 serves`, 1))
	s.Signal(syscall.SIGKILL)
	serve.AllEnd(t, front, worker)
	if left, _ := filepath.Glob(root + "/phpsapi-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// configured makes a php-fpm.conf with one pool and a phpsapi.yaml beside it.
func configured(t *testing.T, yaml string) (conf string) {
	t.Helper()
	dir := site(t)
	user := ""
	if os.Geteuid() == 0 {
		user = "user = www-data\ngroup = www-data\nlisten.owner = www-data\n"
	}
	conf = filepath.Join(dir, "php-fpm.conf")
	files.Write(t, conf, fmt.Sprintf("[global]\nerror_log = %s/log\n[www]\nlisten = %[1]s/sock\n%spm = static\npm.max_children = 2\n", dir, user))
	files.Write(t, filepath.Join(dir, "phpsapi.yaml"), yaml)
	return conf
}

// A program that starts a daemon may wait for the end of its output: no process of the service keeps that open.
func TestDaemonLeavesItsStartersOutput(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: ., access_log: stderr}\n")
	dir := filepath.Dir(conf)
	cmd := command(nil, "-y", conf, "-D", "-g", dir+"/pid")
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	stop := command(nil, "stop", "--pid", dir+"/pid")
	if r, err := http.Get("http://" + address + "/page.txt?logged"); err != nil || r.StatusCode != 200 {
		t.Error(err)
	}
	if out, err := stop.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if log := files.Text(dir + "/log"); !strings.Contains(log, `"GET /page.txt?logged HTTP/1.1" 200 5 `) {
		t.Errorf("a daemon's stderr is its error log:\n%s", log)
	}
}

// Containers write to standard output; stdout is not a file of that name.
func TestAccessLogOnStandardOutput(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), t.TempDir()
	out := filepath.Join(dir, "out")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := command([]string{"PHPSAPI_HTTP_ACCESS_LOG=stdout"}, "--http", address, "--root", site(t))
	cmd.Dir, cmd.Stdout = dir, file
	s := startCommand(t, address, cmd)
	s.want("/page.txt?logged", 200, "text")
	s.Signal(syscall.SIGUSR1)
	s.said("access log file re-opened", 1)
	s.want("/page.txt?again", 200, "text")
	wait.Until(t, "a line on standard output", func() bool {
		text := files.Text(out)
		return strings.Contains(text, "/page.txt?logged ") && strings.Contains(text, "/page.txt?again ")
	})
	if _, err := os.Stat(filepath.Join(dir, "stdout")); err == nil {
		t.Error("there is a file called stdout")
	}
}

// A crash is one line with all that tells which request it was.
func TestCrashNamesItsRequest(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	files.Write(t, filepath.Join(dir, "crash.php"), "<?php posix_kill(getmypid(), 11); sleep(1);")
	s := start(t, address, nil, "--http", address, "--root", dir)
	if status, text := serve.Ask(s.HTTP, s.URL("/crash.php?order=4711"), "X-Request-Id", "id-4711"); status != 502 {
		t.Error(status, text)
	}
	s.said(`WARNING: \[pool www\] child \d+ exited on signal 11 \(SIGSEGV.*\) in request with id id-4711, script '/.*/crash\.php' \(request: "GET /crash\.php\?order=4711"\)`, 1)
	s.said(`WARNING: \[pool www\] request id-4711: GET /crash\.php\?order=4711: script /.*/crash\.php: `, 1)
}

// A worker that ended itself by SIGTERM, or by C's exit, left no word of the request.
func TestQuietEndsNameTheirRequests(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	files.Write(t, filepath.Join(dir, "term.php"), "<?php posix_kill(getmypid(), 15); sleep(10);")
	files.Write(t, filepath.Join(dir, "exit.php"), `<?php if (!extension_loaded("ffi")) exit("no FFI"); FFI::cdef("void _exit(int);")->_exit((int)$_GET["s"]);`)
	for mode, arguments := range map[string][]string{"classic": nil, "worker": {"--worker", filepath.Join(dir, "worker.php")}} {
		files.Write(t, filepath.Join(dir, "worker.php"), `<?php while (frankenphp_handle_request(function () { if ($_SERVER["PATH_INFO"] ?? "") include __DIR__ . $_SERVER["PATH_INFO"]; }));`)
		prefix := ""
		if mode == "worker" {
			prefix = "/worker.php"
			address = serve.Address(t)
		}
		s := start(t, address, nil, append(arguments, "--http", address, "--root", dir, "-d", "ffi.enable=1")...)
		if status, _ := s.Get(prefix + "/term.php?a"); status != 502 {
			t.Errorf("%s: SIGTERM: %d", mode, status)
		}
		s.said(`WARNING: \[pool www\] child \d+ exited on signal 15 \(SIGTERM\) in request .*\?a"\)`, 1)
		s.said(`WARNING: \[pool www\] child \d+ exited on signal 15 \(SIGTERM\) after `, 1)
		for _, code := range []string{"0", "3"} {
			status, body := s.Get(prefix + "/exit.php?s=" + code)
			if body == "no FFI" {
				t.Log("libphp has no FFI")
				break
			}
			if status != 502 {
				t.Errorf("%s: _exit(%s): %d %q", mode, code, status, body)
			}
			s.said(`WARNING: \[pool www\] child \d+ exited with code `+code+` in request .*\?s=`+code+`"\)`, 1)
			s.said(`\[pool www\] child \d+ exited with code `+code+` after `, 1)
		}
		s.Stop()
	}
}

func TestDaemonWithoutConfigurationLeavesItsStartersOutput(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	cmd := command(nil, "--http", address, "--root", dir, "-D", "-g", dir+"/pid")
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	stop, stopErr := command(nil, "stop", "--pid", dir+"/pid").CombinedOutput()
	if err != nil || stopErr != nil {
		t.Errorf("%v %s\n%v %s", err, out, stopErr, stop)
	}
}

func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
	s := start(t, address, nil, "-y", conf, "-F", "-O")
	s.said("ready to handle connections", 1) // a reload that comes before says it once for both
	l := s.load(4, "/")
	for n := 1; n <= 3; n++ {
		s.Signal(syscall.SIGUSR2)
		s.said("ready to handle connections", n+1)
	}
	// Settings that are wrong change nothing.
	yaml := filepath.Join(filepath.Dir(conf), "phpsapi.yaml")
	files.Write(t, yaml, "http: {listen: '"+address+"', root: ., limits: {queu: 5}}\n")
	s.Signal(syscall.SIGUSR2)
	s.said(`reload failed, the old configuration keeps serving: .*phpsapi\.yaml:1: unknown setting http\.limits\.queu; did you mean http\.limits\.queue\?`, 1)
	files.Write(t, yaml, "http: {listen: '"+address+"', root: ., access_log: /proc/nosuch}\n")
	s.Signal(syscall.SIGUSR2)
	s.said(`reload failed, the old configuration keeps serving: http\.access_log /proc/nosuch: no such file or directory`, 1)
	files.Write(t, yaml, "http: {listen: '"+address+"', root: ., index: page.txt, controller: none}\n")
	s.Signal(syscall.SIGUSR2)
	s.said("ready to handle connections", 5)
	// For a moment both fronts answer.
	if err := s.WaitFor(10*time.Second, func() bool { _, body := s.Get("/"); return body == "text\n" }); err != nil {
		t.Error("the new settings:", err)
	}
	s.want("/no/such", 404, "")
	if wrong := l.End(); len(wrong) > 0 || l.Asked() < 10 {
		t.Errorf("%d requests, failed: %v", l.Asked(), wrong)
	}
}

func TestQuitFinishesRequests(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	s := start(t, address, nil, "--http", address, "--root", site(t))
	answer := make(chan int)
	go func() {
		status, _ := serve.Ask(s.HTTP, s.URL("/sleep.php?ms=800"))
		answer <- status
	}()
	wait.Until(t, "a request that runs", func() bool {
		var all control.Running
		s.Tell(&all, "requests")
		return len(all.Requests) == 1
	})
	s.Signal(syscall.SIGQUIT)
	if got := <-answer; got != 200 {
		t.Errorf("got %d", got)
	}
	s.said("exiting, bye-bye!", 1)
}

func TestASitesRootMustBeThere(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {pool: www}\nsites: [{hosts: [localhost], root: /nowhere}]\n")
	out, err := command(nil, "-t", "-y", conf, "--http", address).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "phpsapi.yaml:2: sites: root: stat /nowhere: no such file or directory") {
		t.Errorf("got %v %s", err, out)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	t.Parallel()
	root := site(t)
	for _, tt := range []struct {
		environment, arguments, want string
	}{
		{"", "--http 127.0.0.1:x", `--http: http.listen: "127.0.0.1:x" is not an address`},
		{"", "--root /nosuch", `--root: http.root: stat /nosuch: no such file or directory`},
		{"", "--root " + root + " --set www.pm.max_children=many", `[--set www.pm.max_children] unable to parse value for entry 'pm.max_children'`},
		{"", "--root " + root + " --set blog.pm=static", `--set blog.pm=static: there is no pool blog, the configuration has www`},
		{"", "--http nosuch.invalid:8080 --root " + root, `[front] cannot listen for HTTP on nosuch.invalid:8080: Name or service not known`},
		{"PHPSAPI_POOL_WWW_PM_MAX_CHILDRN=5", "--root " + root, `PHPSAPI_POOL_WWW_PM_MAX_CHILDRN: a pool has no directive PM_MAX_CHILDRN; did you mean PM_MAX_CHILDREN?`},
		{"PHPSAPI_HTTP_LIMITS_IDLE_TIMEOUT=soon", "--root " + root, `PHPSAPI_HTTP_LIMITS_IDLE_TIMEOUT: http.limits.idle_timeout: "soon" is not a time`},
	} {
		out, status := serve.Execute(t, command([]string{tt.environment}, strings.Fields(tt.arguments)...))
		if !strings.Contains(out, tt.want) || status != 78 {
			t.Errorf("%s %s: exit status %d\n%s", tt.environment, tt.arguments, status, out)
		}
	}
	if out, status := serve.Execute(t, serve.FPM("--htpp", "127.0.0.1:80")); !strings.Contains(out, "phpsapi fpm: unknown option --htpp") || status != 64 {
		t.Errorf("a misspelled option: exit status %d\n%s", status, out)
	}
	unreachable := "http.listen is empty, and there is no php-fpm.conf: nobody could reach the service; say --http ADDRESS"
	if out, status := serve.Execute(t, serve.FPM("--http", "", "--root", root)); !strings.Contains(out, unreachable) || status != 78 {
		t.Errorf("no address: exit status %d\n%s", status, out)
	}
}

func TestOriginsAreShownWhereSettingsAreInPlay(t *testing.T) {
	t.Parallel()
	conf := configured(t, "")
	os.Remove(filepath.Join(filepath.Dir(conf), "phpsapi.yaml"))
	show := func(environment string, arguments ...string) string {
		out, err := command([]string{environment}, append([]string{"-tt", "-y", conf}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := show(""); strings.Contains(out, ";") || strings.Contains(out, "phpsapi]") {
		t.Errorf("php-fpm's own lines have changed:\n%s", out)
	}
	out := show("PHPSAPI_POOL_WWW_PM_MAX_REQUESTS=7", "-g", "/x/pid", "--set", "www.pm.max_children=5", "--http", "127.0.0.1:80", "--root", "/")
	for _, want := range []string{
		"\tpm.max_children = 5  ; --set www.pm.max_children\n", "\tpm.max_requests = 7  ; PHPSAPI_POOL_WWW_PM_MAX_REQUESTS\n",
		"\tpm = static  ; " + conf + ":", "\tlog_limit = 1024  ; default\n", "\tpid = /x/pid  ; --pid\n", "\thttp.listen = 127.0.0.1:80  ; --http\n",
		"\thttp.limits.queue = 1000  ; default\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// A service that php-fpm was is one with its own php-fpm.conf still.
func TestPHPFPMWithoutConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	out, status := serve.Execute(t, exec.Command(serve.Program("php-fpm"), "-t", "-y", "/nosuch/php-fpm.conf"))
	if !strings.Contains(out, "failed to open configuration file '/nosuch/php-fpm.conf': No such file or directory (2)") || status != 78 {
		t.Errorf("exit status %d: %s", status, out)
	}
}

func TestTrustedAndOtherRequestIDs(t *testing.T) {
	t.Parallel()
	address, root := serve.Address(t), site(t)
	files.Write(t, filepath.Join(root, "id.php"), `<?php echo $_SERVER["HTTP_X_REQUEST_ID"];`)
	s := start(t, address, []string{"PHPSAPI_HTTP_TRUSTED_PROXIES=127.0.0.0/8"}, "--http", address, "--root", root)
	request, _ := http.NewRequest("GET", s.URL("/id.php"), nil)
	request.Header.Set("X-Request-Id", "mine-1")
	r, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if got := r.Header.Get("X-Request-Id"); got != "mine-1" {
		t.Errorf("got %q", got)
	}
}

// A log that nobody reads any more costs its messages, and no process.
func TestReaderOfTheLogIsGone(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	unread := serve.Unread(t)
	cmd := command([]string{"PHPSAPI_POOL_WWW_PM_MAX_CHILDREN=1", "PHPSAPI_HTTP_ACCESS_LOG=stderr"}, "--http", address, "--root", site(t))
	cmd.Stdout, cmd.Stderr = unread, unread
	p, err := serve.Start("phpsapi fpm", cmd, serve.Accepts("tcp", address), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{&serve.Service{Process: p, T: t, Address: address, HTTP: &http.Client{Timeout: wait.Patience}}}
	t.Cleanup(s.Stop)
	_, first := s.Get("/log.php")
	before := s.Tree()
	if _, second := s.Get("/log.php"); !strings.HasPrefix(first, "logged by ") || first != second {
		t.Errorf("got %q, then %q", first, second)
	}
	s.Signal(syscall.SIGUSR2)
	wait.Until(t, "an answer of the next generation's worker", func() bool {
		status, text := s.Get("/log.php")
		return status == 200 && text != first
	})
	if after := s.Tree(); after[0] != before[0] || s.Ended() != "" {
		t.Errorf("the master ended: %s", s.Ended())
	}
}
