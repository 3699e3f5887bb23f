package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// application is a directory with a worker script, which boots for boot and answers with the version it was booted with, and
// does to itself what the query says.
func application(t *testing.T, version, boot string) string {
	t.Helper()
	dir := serve.Dir(t)
	setApplication(t, dir, version, boot)
	files.Write(t, filepath.Join(dir, "other.php"), `<?php echo "other ", getmypid();`)
	return dir
}

func setApplication(t testing.TB, dir, version, boot string) {
	t.Helper()
	code := `<?php
` + boot + `
while (frankenphp_handle_request(function () {
	if (isset($_GET['kill'])) posix_kill(getmypid(), 9);
	if (isset($_GET['exit'])) exit('bye');
	if (isset($_GET['ms'])) usleep(1000 * (int)$_GET['ms']);
	if (isset($_GET['user'])) { session_start(); $_SESSION['user'] ??= $_GET['user']; echo $_SESSION['user'], ' '; }
	echo '` + version + ` ', getmypid();
}));`
	// As deployments do: nobody sees half of it.
	files.Write(t, filepath.Join(dir, "new"), code)
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "index.php")); err != nil {
		t.Fatal(err)
	}
}

// serveApplication starts phpsapi fpm with an application.
func serveApplication(t *testing.T, dir string, arguments ...string) *service {
	t.Helper()
	address := serve.Address(t)
	return start(t, address, nil, append([]string{"-F", "--worker", filepath.Join(dir, "index.php"), "--http", address}, arguments...)...)
}

func TestApplicationBootsOnceAndOtherScriptsRunBesideIt(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, application(t, "v1", "error_log('booted');"), "--set", "www.worker.processes=1")
	_, first := s.Get("/any/path?x=1")
	for range 20 {
		s.want("/", 200, first)
	}
	_, other := s.Get("/other.php")
	if !strings.HasPrefix(other, "other ") || strings.TrimPrefix(other, "other ") == strings.TrimPrefix(first, "v1 ") {
		t.Errorf("got %q, and from the worker script %q", other, first)
	}
	s.said("worker script printed|booted", 1)
	if n := strings.Count(s.Log(), "booted"); n != 1 {
		t.Errorf("it booted %d times", n)
	}
}

// A reload replaces the old workers when the new ones have booted; if they do not boot, the old ones continue.
func TestReloadsAndFailingReloadsLoseNothing(t *testing.T) {
	t.Parallel()
	dir := application(t, "v0", "")
	s := serveApplication(t, dir)
	s.reloadsUnderLoad(dir, s.load(16, "/?ms=1"), 10)
}

// reloadsUnderLoad reloads n times with a new application, and after each time with one that does not boot.
func (s *service) reloadsUnderLoad(dir string, l *serve.Load, times int) {
	t := s.T
	t.Helper()
	for n := 2; n < 2+times; n++ {
		setApplication(t, dir, fmt.Sprintf("v%d", n), "")
		if out, status := s.Operate("reload"); status != 0 {
			t.Errorf("status %d\n%s", status, out)
		}
		s.want("/", 200, fmt.Sprintf("v%d ", n))
		setApplication(t, dir, "broken", "throw new Exception('no database');")
		out, status := s.Operate("reload")
		if status == 0 || !strings.Contains(out, "could not be booted: Uncaught Exception: no database in "+dir+"/index.php:2") {
			t.Errorf("a reload with a broken application: status %d\n%s", status, out)
		}
		s.want("/", 200, fmt.Sprintf("v%d ", n))
	}
	if wrong := l.End(); len(wrong) > 0 {
		t.Errorf("of %d requests went wrong: %v", l.Asked(), wrong)
	}
	t.Logf("%d requests", l.Asked())
}

// A boot that takes too long leaves the old workers serving.
func TestReloadWhoseBootHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "")
	s := serveApplication(t, dir, "--set", "www.worker.boot_timeout=1s")
	s.want("/", 200, "v1 ")
	setApplication(t, dir, "v2", "sleep(100);")
	out, status := s.Operate("reload")
	if status == 0 || !strings.Contains(out, "did not call frankenphp_handle_request() within 1s (boot_timeout)") {
		t.Errorf("status %d\n%s", status, out)
	}
	s.want("/", 200, "v1 ")
}

// A service whose application does not boot at first says so to its clients, and serves as soon as it does.
func TestApplicationThatCannotBootIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "throw new Exception('no database');")
	s := serveApplication(t, dir)
	s.want("/", 503, "The application could not be started")
	s.want("/other.php", 200, "other ")
	s.said("could not be booted: Uncaught Exception: no database", 2)
	setApplication(t, dir, "v1", "")
	until := time.Now().Add(20 * time.Second)
	for {
		status, body := s.Get("/")
		if status == 200 && strings.HasPrefix(body, "v1 ") {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("got %d %q", status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	// In the end nobody else answers.
	answered := 0
	for answered < 100 && time.Now().Before(until) {
		if answered++; !strings.HasPrefix(func() string { _, body := s.Get("/"); return body }(), "v1 ") {
			answered = 0
		}
	}
	if answered < 100 {
		t.Error("workers that could not boot answer still")
	}
}

// Boots that end silently, by a signal for example, are spaced out as those that fail, also while a client waits.
func TestBootsThatEndWithoutAWordAreSpacedOut(t *testing.T) {
	t.Parallel()
	for _, pm := range []string{"static", "ondemand"} {
		t.Run(pm, func(t *testing.T) {
			t.Parallel()
			began, answer := time.Now(), make(chan int)
			dir := application(t, "v1", "posix_kill(getmypid(), 9);")
			s := serveApplication(t, dir, "--set", "www.pm="+pm, "--set", "www.pm.max_children=1")
			go func() {
				status, _ := s.Get("/")
				answer <- status
			}()
			s.said(`exited on signal 9 \(SIGKILL\) \(before the worker script had booted\)`, 5)
			if took := time.Since(began); took < 2400*time.Millisecond { // 0.1 + 0.4 + 0.9 + 1 s
				t.Errorf("five boots in %v", took)
			}
			setApplication(t, dir, "v1", "")
			if status := <-answer; status != 200 {
				t.Errorf("got %d", status)
			}
		})
	}
}

// A request that kills its worker is lost, and no other one.
func TestCrashCostsOneRequest(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, application(t, "v1", ""), "--set", "www.worker.processes=3")
	l := s.load(16, "/")
	for range 10 {
		s.want("/?kill", 502, "")
		s.want("/?exit", 200, "bye")
	}
	if wrong := l.End(); len(wrong) > 0 {
		t.Errorf("of %d requests went wrong: %v", l.Asked(), wrong)
	}
	s.said(`exited on signal 9 \(SIGKILL\) in request .* \(request: "GET /index.php\?kill"\)`, 10)
}

// Workers are replaced after max_requests by others that have booted before.
func TestSuccessorsAreBootedBeforeWorkersEnd(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, application(t, "v1", "usleep(300000);"), "--set", "www.worker.processes=2", "--set", "www.worker.max_requests=50")
	seen := map[string]bool{}
	var mu sync.Mutex
	var clients sync.WaitGroup
	until := time.Now().Add(20 * time.Second)
	for range 4 {
		client := &http.Client{Timeout: 20 * time.Second}
		clients.Go(func() {
			for time.Now().Before(until) {
				began := time.Now()
				r, err := client.Get(s.URL("/"))
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(r.Body)
				r.Body.Close()
				if r.StatusCode != 200 {
					t.Errorf("got %d %q after %v", r.StatusCode, body, time.Since(began))
				}
				mu.Lock()
				seen[string(body)] = true
				enough := len(seen) >= 8
				mu.Unlock()
				if enough {
					return
				}
			}
		})
	}
	clients.Wait()
	if len(seen) < 8 {
		t.Errorf("%d workers answered", len(seen))
	}
	if strings.Contains(s.Log(), "WARNING") {
		t.Error("something was warned of")
	}
}

// longer is by how much the longest tests are longer in make e2e.
var longer = 1

// Clients with sessions of their own never see another's, whichever workers answer them, and whatever else comes: bodies that
// cannot be parsed, and requests that kill their worker.
func TestSessionsOfManyUsersAreKeptApart(t *testing.T) {
	t.Parallel()
	sessions := serve.Dir(t)
	s := serveApplication(t, application(t, "v1", "set_error_handler(function ($n, $text) { throw new ErrorException($text); });"), "--set", "www.worker.processes=3", "--set", "www.php_value[session.save_path]="+sessions)
	if err := os.Chmod(sessions, 0o777); err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for user := range 8 {
		clients.Go(func() {
			jar, _ := cookiejar.New(nil)
			client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
			for i := range 250 * longer {
				if i%100 == 50 {
					if r, err := client.Post(s.URL("/"), "multipart/form-data", strings.NewReader("x")); err != nil || r.StatusCode != 200 {
						t.Errorf("a body that cannot be parsed: %v, %v", r, err)
					} else {
						r.Body.Close()
					}
				}
				if i%1000 == 999 {
					if r, err := client.Get(s.URL("/?kill")); err != nil || r.StatusCode != 502 {
						t.Errorf("a request that kills its worker: %v, %v", r, err)
					} else {
						r.Body.Close()
					}
				}
				r, err := client.Get(s.URL(fmt.Sprintf("/?user=%d", user)))
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(r.Body)
				r.Body.Close()
				if !strings.HasPrefix(string(body), fmt.Sprintf("%d v1 ", user)) {
					t.Errorf("user %d got %q in request %d", user, body, i)
					return
				}
				if i%50 == 49 { // and one without a cookie
					r, err := http.Get(s.URL(fmt.Sprintf("/?user=new%d", user)))
					if err != nil {
						t.Error(err)
						return
					}
					body, _ := io.ReadAll(r.Body)
					r.Body.Close()
					if !strings.HasPrefix(string(body), fmt.Sprintf("new%d v1 ", user)) {
						t.Errorf("a new user got %q", body)
					}
				}
			}
		})
	}
	clients.Wait()
}

// A body that PHP cannot parse ended workers of others' worker modes: the application's error handler threw.
func TestMalformedBodiesEndNoWorker(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, application(t, "v1", "set_error_handler(function ($n, $text) { throw new ErrorException($text); });"))
	before := strings.Count(s.Log(), "child")
	for range 20 {
		for contentType, body := range map[string]string{"multipart/form-data": "x", "multipart/form-data; boundary=b": "--b\r\nrubbish",
			"application/x-www-form-urlencoded": strings.Repeat("a[]=1&", 2000)} {
			r, err := http.Post(s.URL("/"), contentType, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode != 200 {
				t.Errorf("%s: got %d", contentType, r.StatusCode)
			}
		}
	}
	if after := strings.Count(s.Log(), "exited"); after > 0 || before > 10 {
		t.Errorf("%d workers ended", after)
	}
}

func TestWorkerModeThatCannotBe(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "")
	for name, test := range map[string]struct{ argument, want string }{
		"no such script": {"www.worker=" + dir + "/none.php", "--set www.worker: worker: script: the worker script " + dir + "/none.php cannot be found: no such file or directory"},
		"a directory":    {"www.worker=" + dir, "worker: script: " + dir + " is not a file: write the path of a worker script"},
		"no script":      {"www.worker.processes=3", "worker: no script is set: write script: PATH, the worker script"},
		"wrong key":      {"www.worker.proceses=3", "did you mean worker.processes?"},
		"wrong number":   {"www.worker.processes=many", `--set www.worker.processes: `},
		"wrong reset":    {"www.worker.reset=all", `"all" is not one of compatible, strict`},
		"chroot":         {"www.chroot=" + dir, "has a chroot (" + dir + "), in which no worker script can be run: remove one"},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := []string{"-t", "--set", test.argument, "--http", serve.Address(t)}
			if name == "chroot" {
				arguments = append(arguments, "--set", "www.worker="+dir+"/index.php")
			}
			out, err := command(nil, arguments...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), test.want) {
				t.Errorf("%v\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}

// With --watch a change of the application is served soon, and one that does not boot is told and changes nothing.
func TestChangeOfAFileReloadsTheApplication(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "")
	s := serveApplication(t, dir, "--watch")
	s.want("/", 200, "v1 ")
	s.said("a change of a file in "+dir+" reloads the service", 1)
	change := func(version string) {
		t.Helper()
		setApplication(t, dir, version, "")
		wait.Until(t, version, func() bool { _, body := s.Get("/"); return strings.HasPrefix(body, version+" ") })
	}
	change("v2")
	setApplication(t, dir, "broken", "throw new Exception('typo');")
	s.said("reload failed, .*Uncaught Exception: typo", 1)
	s.want("/", 200, "v2 ")
	change("v3")
	// A change that mends a boot that hangs was not looked at until boot_timeout.
	setApplication(t, dir, "hanging", "error_log('it hangs'); sleep(100);")
	s.said("it hangs", 1)
	s.want("/", 200, "v3 ")
	change("v4")
}

// A crash named the request and not what PHP was doing.
func TestCrashTellsWhatPHPWasDoing(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "function deep() { array_map(fn ($signal) => posix_kill(getmypid(), $signal), [11]); sleep(5); }")
	files.Write(t, dir+"/crash.php", "<?php\nfunction other() {\n\tposix_kill(getmypid(), 11); sleep(5);\n}\nother();")
	s := serveApplication(t, dir, "--set", "www.worker.processes=1", "--set", "www.catch_workers_output=no")
	s.want("/crash.php", 502, "")
	s.said(`it crashed while PHP was in`, 1)
	s.said(`#0 posix_kill\(\) `+dir+`/crash.php:3`, 1)
	s.said(`#1 other\(\) `+dir+`/crash.php:5`, 1)
}

// A request that had come with one that ended the worker's script was never answered, and requests that come together were answered
// by one worker, even if it was to answer one only.
func TestPipelinedRequestsOutliveTheirWorker(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{"plain": nil, "snapshot": {"--set", "www.worker.snapshot=1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveApplication(t, booted(t, ""), append(more, "--set", "www.worker.processes=1")...)
			s.want("/", 200, "n=")
			conn, err := net.Dial("tcp", s.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			const pairs = 3
			for range pairs {
				io.WriteString(conn, "GET /?exit HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
			}
			for r, i := bufio.NewReader(conn), 0; i < 2*pairs; i++ {
				response, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatalf("response %d: %v", i, err)
				}
				body, err := io.ReadAll(response.Body)
				if want := [...]string{"bye", "n=1 "}[i%2]; err != nil || !strings.HasPrefix(string(body), want) {
					t.Errorf("response %d: got %q, %v, want %q", i, body, err, want)
				}
			}
		})
	}
}
