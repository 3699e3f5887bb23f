package front

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// incidents asks the service by its command.
func (s *service) incidents(arguments ...string) (text string, status int) {
	s.T.Helper()
	return s.Operate(append([]string{"incidents"}, arguments...)...)
}

// all returns all incidents of the service, as soon as there are n.
func (s *service) all(n int) *control.Incidents {
	s.T.Helper()
	var all control.Incidents
	if err := s.WaitFor(20*time.Second+time.Duration(n)*200*time.Millisecond, func() bool {
		all = control.Incidents{}
		s.Tell(&all, "incidents", "-n", "0")
		return all.Total >= uint64(n)
	}); err != nil {
		s.T.Fatalf("there are %d incidents, want %d: %v", all.Total, n, err)
	}
	return &all
}

func (s *service) last(n int) *incident.Incident {
	s.T.Helper()
	all := s.all(n)
	if all.Total != uint64(n) {
		s.T.Errorf("there are %d incidents, want %d", all.Total, n)
	}
	return all.Incidents[len(all.Incidents)-1]
}

// idle waits until as many workers are idle, and has the next request come on a new connection: until a worker accepts, the front does,
// and keeps the connection.
func (s *service) idle(workers int) {
	s.T.Helper()
	s.HTTP.CloseIdleConnections()
	wait.Until(s.T, "the workers are idle", func() bool {
		text, _ := s.Operate("status", "--full")
		return strings.Count(text, " Idle ") >= workers
	})
}

// ends are scripts that end their workers.
var ends = map[string]string{
	"segv.php":  "<?php\nfunction deep() {\n\tposix_kill(getmypid(), 11); sleep(5);\n}\ndeep();",
	"null.php":  "<?php\nfunction deep() {\n\treturn FFI::string(FFI::new('char *'), 10);\n}\ndeep();",
	"abort.php": "<?php FFI::cdef('void abort(void);')->abort();",
	"kill.php":  "<?php posix_kill(getmypid(), 9); sleep(5);",
	"term.php":  "<?php posix_kill(getmypid(), 15); sleep(5);",
	"exit.php":  "<?php FFI::cdef('void exit(int);')->exit(3);",
	"_exit.php": "<?php FFI::cdef('void _exit(int);')->_exit(0);",
	"slow.php":  "<?php\nfunction waits() {\n\tsleep(20);\n}\nwaits();",
	"part.php":  "<?php ob_implicit_flush(); echo str_repeat('x', 100000); flush(); usleep(100000); posix_kill(getmypid(), 9); sleep(5);",
	"all.php":   "<?php echo 'done'; fastcgi_finish_request(); posix_kill(getmypid(), 11); sleep(5);",
}

func TestIncidentsAreExplained(t *testing.T) {
	t.Parallel()
	for mode, arguments := range map[string][]string{"by HTTP": nil, "behind the front": {"PHPSAPI_HTTP_DIRECT=off"}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			explained(t, arguments)
		})
	}
}

func explained(t *testing.T, environment []string) {
	address, dir := serve.Address(t), site(t)
	for name, text := range ends {
		files.Write(t, filepath.Join(dir, name), text)
	}
	log := filepath.Join(dir, "incidents.log")
	s := start(t, address, append(environment, "PHPSAPI_INCIDENT_LOG="+log), "--http", address, "--root", dir, "-d", "ffi.enable=1",
		"--set", "www.request_terminate_timeout=1s", "--set", "www.pm=static", "--set", "www.pm.max_children=2")
	if text, status := s.incidents(); status != 0 || !strings.HasPrefix(text, "no incidents since ") {
		t.Errorf("before: %d %s", status, text)
	}
	behind := len(environment) > 0
	n := 0
	for _, c := range []struct {
		script   string
		kind     incident.Kind
		what     string
		php, c   string // a part of the stacks, of which the places are PATH; empty: there is none
		client   string
		exitCode int // -1: none
	}{
		{"segv.php", incident.Crash, "exited on signal 11 (SIGSEGV", "posix_kill() PATH:3|deep() PATH:5|{main}", ".so execute_ex+0x", "502", -1},
		{"null.php", incident.Crash, "exited on signal 11 (SIGSEGV", "string() PATH:3|deep() PATH:5", ".so execute_ex+0x", "502", -1},
		{"abort.php", incident.Crash, "exited on signal 6 (SIGABRT", "abort() PATH:1", "libc.so.6 abort+0x", "502", -1},
		{"kill.php", incident.Killed, "exited on signal 9 (SIGKILL)", "", "", "502", -1},
		{"term.php", incident.Killed, "exited on signal 15 (SIGTERM)", "posix_kill() PATH:1", "libc.so.6 kill+0x", "502", -1},
		{"exit.php", incident.Exit, "exited with code 3", "exit() PATH:1", "libc.so.6 exit+0x", "502", 3},
		{"_exit.php", incident.Exit, "exited with code 0", "", "", "502", 0},
		{"slow.php", incident.Timeout, "exited on signal 15 (SIGTERM)", "sleep() PATH:3|waits() PATH:5", "libc.so.6 ", "502", -1},
		{"part.php", incident.Killed, "exited on signal 9 (SIGKILL)", "", "", "part", -1},
		{"all.php", incident.Crash, "exited on signal 11 (SIGSEGV", "posix_kill() PATH:1", "libc.so.6 kill+0x", "all", -1},
	} {
		r, _ := http.NewRequest("GET", s.URL("/"+c.script+"?secret=a%22b"), nil)
		r.Host, r.Header = "example.org", http.Header{"X-Request-Id": {"id-" + c.script}, "Cookie": {"never=told"}}
		response, err := s.HTTP.Do(r)
		if err == nil {
			response.Body.Close()
		}
		if c.client == "502" && (err != nil || response.StatusCode != 502) {
			t.Errorf("%s: got %v, %v", c.script, response, err)
		}
		n++
		i, path := s.last(n), filepath.Join(dir, c.script)
		if c.client == "502" && behind {
			c.client = incident.GotClosed // to the front, which answers 502
		}
		if i.Kind != c.kind || !strings.HasPrefix(i.What, c.what) || i.Client != c.client || (i.ExitCode == nil) != (c.exitCode < 0) ||
			i.ExitCode != nil && *i.ExitCode != c.exitCode || i.Number != uint64(n) {
			t.Errorf("%s: got %+v", c.script, i)
		}
		if i.Method != "GET" || i.Host != "example.org" || i.URI != "/"+c.script+"?secret=a%22b" || i.Script != path || i.RequestID != "id-"+c.script ||
			i.Pool != "www" || i.Generation != 1 || i.Engine == "" || i.Pid == 0 || i.Memory < 1<<20 || i.Duration == nil || i.ScriptEnded != 1 {
			t.Errorf("%s: the request: %+v", c.script, i)
		}
		if wait := i.QueueWait; (wait != nil) != behind || wait != nil && (*wait < 0 || *wait > 10) {
			t.Errorf("%s: it waited for %v", c.script, wait)
		}
		for _, stack := range []struct{ want, got string }{{c.php, strings.Join(i.PHPStack, "|")}, {c.c, strings.Join(i.CStack, "|")}} {
			if want := strings.ReplaceAll(stack.want, "PATH", path); !strings.Contains(stack.got, want) || want == "" && stack.got != "" {
				t.Errorf("%s: a stack: got %s, want %s", c.script, stack.got, want)
			}
		}
		// php-fpm's line comes first.
		s.said(fmt.Sprintf(`(?:WARNING|NOTICE): \[pool www\] child %d %s.* after [\d.]+ seconds from start\n(.*\n)*?.*WARNING: \[pool www\] child %[1]d %[2]s.* in request with id id-%s, script '.*'.*; incident %d, `,
			i.Pid, regexp.QuoteMeta(c.what), regexp.QuoteMeta(c.script), n), 1)
	}
	checkIncidentLog(t, log, n)
	if text := s.Log(); strings.Contains(text, "never=told") {
		t.Error("a cookie is in the log")
	}
	text, status := s.incidents("-n", "2")
	if want := regexp.MustCompile(`^9\. .*, killed: pool www, pid \d+, generation 1, PHP \d\.\d\n  exited on signal 9 \(SIGKILL\), with [\d.]+ MB of memory at most\n` +
		`  GET example\.org/part\.php\?secret=a%22b \(id-part\.php\)\n  script /.*/part\.php\n  it took .*; the client got a part of the response\n\n10\. (.*\n)*` +
		`  PHP #0 posix_kill\(\) .*all\.php:1\n(.*\n)*\n2 of 10 incidents; /.*/incidents\.log has all of them\n$`); status != 0 || !want.MatchString(text) {
		t.Errorf("%d %s", status, text)
	}
	if text, status := s.incidents("--pool", "shop"); status != 1 || !strings.Contains(text, "there is no pool shop; ") {
		t.Errorf("another pool: %d %s", status, text)
	}
	if text, status := s.incidents("-n", "-1"); status != 64 {
		t.Errorf("-1: %d %s", status, text)
	}
}

// checkIncidentLog looks at a file with that many lines.
func checkIncidentLog(t *testing.T, log string, n int) {
	t.Helper()
	text := ""
	wait.Until(t, "lines of the incident log", func() bool {
		text = files.Text(log)
		return strings.Count(text, "\n") >= n
	})
	if info, err := os.Stat(log); err != nil || info.Mode() != 0o600 {
		t.Error(info, err)
	}
	for k, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var i incident.Incident
		if err := json.Unmarshal([]byte(line), &i); err != nil || i.Number != uint64(k+1) {
			t.Errorf("line %d: %v, %s", k+1, err, line)
		}
		if strings.Contains(line, "never=told") {
			t.Errorf("a cookie is in line %d", k+1)
		}
	}
}

// A script that ends one worker after the other is named, and the master does not grow.
func TestManyIncidents(t *testing.T) {
	t.Parallel()
	const many = incident.MaxKept + 100
	address, dir := serve.Address(t), site(t)
	files.Write(t, filepath.Join(dir, "kills.php"), "<?php posix_kill(getmypid(), 9); sleep(5);")
	log := filepath.Join(dir, "incidents.log")
	s := start(t, address, []string{"PHPSAPI_INCIDENT_LOG=" + log}, "--http", address, "--root", dir, "--set", "www.pm=static", "--set", "www.pm.max_children=4")
	l := s.load(4, "/kills.php")
	all := s.all(many)
	l.End()
	if len(all.Incidents) != incident.MaxKept || len(all.Scripts) != 1 || all.Scripts[0].Ended < many || all.Scripts[0].Script != filepath.Join(dir, "kills.php") {
		t.Errorf("%d are kept; %+v", len(all.Incidents), all.Scripts)
	}
	if n := strings.Count(s.Log(), "/kills.php' has ended 5 workers in the last 10 minutes"); n != 1 || strings.Count(s.Log(), " has ended ") != 1 {
		t.Errorf("it is said %d times", n)
	}
	if text, _ := s.incidents("-n", "1"); !strings.Contains(text, "scripts that have ended workers again and again") {
		t.Error(text)
	}
	checkIncidentLog(t, log, many)
}

func TestIncidentLogIsReopenedAndMayBeFull(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	log := filepath.Join(dir, "incidents.log")
	conf := filepath.Join(dir, "phpsapi.yaml")
	files.Write(t, conf, "incident_log: incidents.log\n")
	s := start(t, address, nil, "--settings", conf, "--http", address, "--root", dir)
	s.want("/kill.php", 502, "")
	s.last(1)
	checkIncidentLog(t, log, 1)
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGUSR1)
	s.said("incident log file re-opened", 1)
	s.want("/kill.php", 502, "")
	s.last(2)
	wait.Until(t, "the new file", func() bool {
		return strings.Contains(files.Text(log), `"number":2,`)
	})
	checkIncidentLog(t, log+".1", 1)

	// What takes nothing loses its lines, and nothing else.
	files.Write(t, conf, "incident_log: /dev/full\n")
	s.Signal(syscall.SIGUSR2)
	s.said("ready to handle connections", 2)
	for n := range 3 {
		s.want("/kill.php", 502, "")
		s.last(3 + n)
	}
	s.want("/", 200, "index")
	s.said(`ERROR: the incident log /dev/full has not taken 1 line: no space left on device; `, 1)

	// A reload that cannot open it is refused.
	files.Write(t, conf, "incident_log: nowhere/incidents.log\n")
	s.Signal(syscall.SIGUSR2)
	s.said(`ERROR: .*/phpsapi\.yaml:1: incident_log: .*/nowhere/incidents\.log cannot be opened: no such file or directory`, 1)
	s.said(`reload failed`, 1)
	s.want("/", 200, "index")
}

func TestIncidentsOfWorkerScripts(t *testing.T) {
	t.Parallel()
	dir := site(t)
	script := filepath.Join(dir, "worker.php")
	files.Write(t, script, `<?php while (frankenphp_handle_request(function () {
	if (isset($_GET["fatal"])) trigger_error("as asked", E_USER_ERROR);
	if (isset($_GET["exit"])) exit("bye");
	if (isset($_GET["crash"])) { posix_kill(getmypid(), 11); sleep(5); }
	echo "fine";
}));`)
	address := serve.Address(t)
	s := start(t, address, nil, "--worker", script, "--http", address, "--root", dir, "--set", "www.worker.processes=1")
	s.want("/worker.php", 200, "fine")
	for n, c := range []struct {
		query  string
		status int
		kind   incident.Kind
		client string
		why    string
	}{
		{"fatal", 500, incident.Fatal, "all", "as asked in " + script + " on line 2"},
		{"exit", 200, incident.ScriptExit, "all", ""},
		{"crash", 502, incident.Crash, "502", ""},
	} {
		s.idle(1)
		if status, body := s.Get("/worker.php?" + c.query); status != c.status {
			t.Errorf("%s: %d %s", c.query, status, body)
		}
		if i := s.last(n + 1); i.Kind != c.kind || i.Client != c.client || i.Error != c.why || i.URI != "/worker.php?"+c.query || i.Script != script {
			t.Errorf("%s: got %+v", c.query, i)
		}
		s.want("/worker.php", 200, "fine")
	}
	files.Write(t, script, "<?php throw new Exception('typo');")
	s.Signal(syscall.SIGUSR2)
	s.said("reload failed", 1)
	if i := s.last(4); i.Kind != incident.Boot || !strings.Contains(i.Error, "Uncaught Exception: typo") || i.Script != script || i.Generation != 2 {
		t.Errorf("the boot: %+v", i)
	}
}

// A boot that fails is an incident: that of a snapshot, in which no worker has died, and that of a worker, which is not one more.
func TestBootsThatFailAreIncidents(t *testing.T) {
	t.Parallel()
	dir, address := site(t), serve.Address(t)
	script := filepath.Join(dir, "worker.php")
	files.Write(t, script, "<?php\nfunction boots() {\n\tposix_kill(getmypid(), 11); sleep(5);\n}\nboots();")
	s := start(t, address, nil, "--worker", script, "--http", address, "--root", dir, "--set", "www.worker.processes=1", "--set", "www.worker.snapshot=1")
	all := s.all(2)
	if i := all.Incidents[0]; i.Kind != incident.Boot || i.Pid != 0 || i.Script != script || !strings.Contains(i.Error, "signal 11 (SIGSEGV) while it was booting") {
		t.Errorf("the snapshot: %+v", i)
	}
	if i := all.Incidents[1]; i.Kind != incident.Crash || i.Pid == 0 || i.Script != script || i.Method != "" || i.Client != "" ||
		len(i.PHPStack) < 2 || i.PHPStack[1] != "boots() "+script+":5" {
		t.Errorf("a worker: %+v", i)
	}
}
