package front

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// All paths but the script's own were 404, and nothing was logged.
func TestAWorkerScriptOfAnotherNameAnswersForAllPaths(t *testing.T) {
	t.Parallel()
	dir, address := application(t, "v1", ""), serve.Address(t)
	if err := os.Rename(filepath.Join(dir, "index.php"), filepath.Join(dir, "app.php")); err != nil {
		t.Fatal(err)
	}
	s := start(t, address, nil, "-F", "--http", address, "--set", "www.worker="+filepath.Join(dir, "app.php"))
	s.want("/", 200, "v1 ")
	s.want("/any/path?x=1", 200, "v1 ")
	s.want("/other.php", 200, "other ")
	if out, err := command(nil, "-t", "--http", address, "--worker", filepath.Join(dir, "app.php"), "--set", "www.worker.for=../x.php").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), filepath.Join(filepath.Dir(dir), "x.php")+" is not below "+dir+": no request is for it") {
		t.Errorf("%v\n%s", err, out)
	}
}

// looping is a directory with a worker script, which answers with its pid in a loop.
func looping(t *testing.T, loop string) string {
	t.Helper()
	dir := serve.Dir(t)
	files.Write(t, filepath.Join(dir, "index.php"), `<?php
$answer = function () { if (isset($_GET['exit'])) exit('bye'); echo getmypid(); };
`+strings.ReplaceAll(loop, "CALL", "frankenphp_handle_request($answer)"))
	return dir
}

// turnover asks until so many processes have answered, and returns them.
func (s *service) turnover(path string, processes int) (pids []int) {
	s.T.Helper()
	until := time.Now().Add(20 * time.Second)
	for len(pids) < processes {
		status, body := s.Get(path)
		pid, err := strconv.Atoi(body)
		if status != 200 || err != nil || time.Now().After(until) {
			s.T.Fatalf("after %v: got %d %q", pids, status, body)
		}
		if !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A script that ignored that it was to end ran for ever, its successor was not replaced, and a stop took its whole deadline.
func TestALoopThatIgnoresItsEndIsReplacedAndStopped(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, looping(t, "while (true) { CALL; error_log('answered'); }"), "--set", "www.worker.processes=1", "--set", "www.worker.max_requests=3",
		"--set", "global.process_control_timeout=1h")
	pids := s.turnover("/", 5)
	if out, status := s.Operate("reload"); status != 0 {
		t.Errorf("status %d\n%s", status, out)
	}
	s.turnover("/", 2)
	serve.AllEnd(t, pids...)
	s.said(`WARNING: \[pool www\] child \d+: the worker script /.*/index\.php has called frankenphp_handle_request\(\) again after it had returned false, and was ended; leave the loop then`, 2)
	s.Signal(syscall.SIGQUIT)
	if s.WaitFor(20*time.Second, func() bool { return false }); s.Ended() != "exit status 0" {
		t.Errorf("it has ended with %q", s.Ended())
	}
	if n := strings.Count(s.Log(), "has called frankenphp_handle_request() again"); n > 3 {
		t.Errorf("it is said %d times by two generations and a stop", n)
	}
}

// A worker whose script did not end was waited for without a limit, also by a reload.
func TestAScriptThatRunsOnIsEnded(t *testing.T) {
	t.Parallel()
	for name, timeout := range map[string]string{"process_control_timeout": "1s", "without": "0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script, address := filepath.Join(looping(t, "while (CALL) { } while (true) { usleep(1000); }"), "index.php"), serve.Address(t)
			const patient = "PHPSAPI_HTTP_LIMITS_QUEUE_TIMEOUT=30s" // a request waits until the script is ended
			s := start(t, address, []string{patient}, "-F", "--worker", script, "--http", address, "--set", "www.worker.processes=1",
				"--set", "www.worker.max_requests=3", "--set", "global.process_control_timeout="+timeout)
			pids := s.turnover("/", 2)
			if out, status := s.Operate("reload"); status != 0 {
				t.Errorf("status %d\n%s", status, out)
			}
			s.turnover("/", 1)
			s.said(`WARNING: \[pool www\] child \d+ was told to end and has no request, but the worker script /.*/index\.php runs on for 10?s: it gets SIGTERM`, 2)
			serve.AllEnd(t, pids...)
		})
	}
}

// Nothing but a notice for each of them told that an application ends its workers by exit.
func TestAnApplicationThatExitsIsToldOnce(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, looping(t, "while (CALL) { }"), "--set", "www.worker.processes=1")
	const warning = `WARNING: \[pool www\] the last 10 workers ended by exit, each after fewer than 10 requests: each request of that kind costs a boot of /.*/index\.php, `
	for range 12 { // an exit in some requests is not a habit
		for range 10 {
			s.Get("/")
		}
		s.want("/?exit", 200, "bye")
	}
	if strings.Contains(s.Log(), "the last 10 workers") {
		t.Error("an exit after ten requests is said to be a habit")
	}
	for range 25 {
		s.want("/?exit", 200, "bye")
	}
	s.said(warning, 1)
	if n := strings.Count(s.Log(), "the last 10 workers"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}

// pm was said to come from a line that says another, and env to be a default.
func TestWhatWorkerModeSetsHasItsPlaces(t *testing.T) {
	t.Parallel()
	dir := looping(t, "while (CALL) { }")
	conf, yaml := filepath.Join(dir, "php-fpm.conf"), filepath.Join(dir, "phpsapi.yaml")
	files.Write(t, conf, "[www]\nuser = www-data\nlisten = "+dir+"/sock\npm = dynamic\npm.max_children = 5\npm.start_servers = 2\npm.min_spare_servers = 1\npm.max_spare_servers = 3\nenv[A] = b\n")
	files.Write(t, yaml, "pools:\n  www:\n    worker:\n      script: index.php\n      processes: 8\n      env:\n        APP_ENV: prod\n")
	for _, test := range []struct{ options, place string }{{"-tt", yaml + ":5: worker: processes"}, {"-tt --set www.worker.processes=8", "--set www.worker.processes"}} {
		out, err := command(nil, append([]string{"-y", conf}, strings.Fields(test.options)...)...).CombinedOutput()
		for _, want := range []string{"pm = static  ; " + test.place, "pm.max_children = 8  ; " + test.place, "pm.start_servers = 2  ; " + conf + ":6",
			"env[APP_ENV] = prod  ; " + yaml + ":6: worker: env", "env[A] = b  ; " + conf + ":9"} {
			if err != nil || !strings.Contains(string(out), "\t"+want+"\n") {
				t.Errorf("%s: %v: not %q in\n%s", test.options, err, want, out)
			}
		}
	}
}

// An exception in phpsapi_before_fork() was logged with its trace as lines without time and level, twice.
func TestAnExceptionBeforeTheForkIsOneLine(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, looping(t, "phpsapi_before_fork(function () { throw new Exception(\"no more\\nof it\"); }); while (CALL) { }"),
		"--set", "www.worker.snapshot=5", "--set", "www.worker.processes=1")
	s.turnover("/", 1)
	s.said(`\] WARNING: \[pool www\] no snapshot, each worker boots the application: a callback of phpsapi_before_fork\(\) has thrown: Uncaught Exception: no more\.of it in /.*/index\.php:3\n`, 1)
	s.said(`\] NOTICE: PHP message: PHP Warning:  Uncaught Exception: no more of it in /.*/index\.php:3 Stack trace: #0 .*\n`, 1)
	for line := range strings.Lines(s.Log()) {
		if !strings.HasPrefix(line, "[") {
			t.Errorf("a line of the log without its time: %s", line)
		}
	}
}

// PHP said "Failed opening required ... in Unknown on line 0".
func TestAScriptThatItsUserCannotReadIsToldSo(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("root alone starts workers of another user")
	}
	for snapshot, lead := range map[string]string{"0": `ERROR: \[pool www\] child \d+: the worker script .* could not be booted: `, "5": `WARNING: \[pool www\] no snapshot, each worker boots the application: the application could not be booted: `} {
		for _, of := range []string{"script", "directory"} {
			t.Run(of+" "+snapshot, func(t *testing.T) {
				t.Parallel()
				dir := application(t, "v1", "")
				private := filepath.Join(dir, "private")
				if err := os.Mkdir(private, 0o755); err != nil {
					t.Fatal(err)
				}
				script := filepath.Join(private, "boot.php")
				files.Write(t, script, `<?php while (frankenphp_handle_request(function () { echo 'v2'; }));`)
				blamed := map[string]string{"script": script, "directory": private}[of]
				if err := os.Chmod(blamed, 0o600); err != nil {
					t.Fatal(err)
				}
				address := serve.Address(t)
				s := start(t, address, nil, "-F", "--http", address, "--worker", script, "--root", dir, "--set", "www.worker.for=../index.php",
					"--set", "www.worker.snapshot="+snapshot, "--set", "www.worker.processes=1")
				s.want("/", 503, "The application could not be started")
				s.said(lead+"the pool's user cannot read it: /.*: permission denied", 1)
				s.said("could not be booted: the pool's user cannot read it: "+blamed+": permission denied", 1)
				if strings.Contains(s.Log(), "Failed opening") {
					t.Error("PHP has tried it")
				}
				s.want("/other.php", 200, "other ")
				if err := os.Chmod(blamed, 0o755); err != nil {
					t.Fatal(err)
				}
				s.said("could not be booted", 1)
				wait.Until(t, "the application", func() bool { status, body := s.Get("/"); return status == 200 && body == "v2" })
			})
		}
	}
}

// What is hardly meant is said at the start, with its place.
func TestDoubtfulWorkerSettingsAreTold(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	file := filepath.Join(dir, "phpsapi.yaml")
	files.Write(t, filepath.Join(dir, "worker.php"), `<?php while (frankenphp_handle_request(function () { echo "answered"; }));`)
	if os.Geteuid() == 0 {
		os.Chmod(filepath.Join(dir, "worker.php"), 0o600)
	}
	files.Write(t, file, "pools:\n  www:\n    worker: {script: worker.php, max_requests: 10, snapshot: 5}\n")
	s := start(t, address, nil, "--settings", file, "--http", address, "--root", dir)
	place := `WARNING: ` + regexp.QuoteMeta(file) + `:3: pools: www: worker: `
	s.said(place+`max_requests has no effect beside snapshot`, 1)
	if os.Geteuid() == 0 {
		s.said(place+`script: the pool's user www-data may not read `+dir+`/worker\.php \(mode 0600\); give it that right`, 1)
	}
}
