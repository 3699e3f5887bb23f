package operate

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

// serve makes this process a master that answers every client so, and then leaves the connection open or not.
func serve(t *testing.T, open bool, answers ...control.Answer) {
	t.Helper()
	name, err := control.OwnName()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			control.ReadRequest(conn)
			for _, a := range answers {
				control.Write(conn, a)
			}
			if open {
				t.Cleanup(func() { conn.Close() })
			} else {
				conn.Close()
			}
		}
	}()
}

func TestOutcomesAreTold(t *testing.T) {
	pool := json.RawMessage(`{"pool":"www","process manager":"static","idle processes":2,"active processes":1,"total processes":3,
		"max active processes":2,"listen queue":4,"listen queue len":511,"accepted conn":1234,"slow requests":5,"processes":[
		{"pid":77,"state":"Running","start since":90061,"requests":9,"request duration":1500,"request method":"GET","request uri":"/\u001b[31mx","script":"/x.php"}]}`)
	report := &control.Report{Pid: 42, Version: "1", PHP: "8.2", Config: "/c", State: "normal", StartSince: 90061,
		LastReload: &control.Ending{Why: "no reason", Lines: []string{"ERROR: a line"}},
		Generations: []control.Generation{{Generation: 3, State: control.Serving,
			Front: &control.Front{Pid: 43, State: control.Serving, Addresses: "http://127.0.0.1:80",
				Pools: []control.FrontPool{{Name: "www", Busy: 1, Queue: 2, Longest: 1500, MaxQueue: 3, Refused: 4}}}, Pools: []json.RawMessage{pool}}}}
	stopping := *report
	stopping.State = "finishing"
	leaving := *report
	leaving.FinishingIn = 3.5
	reload := func(o *Operator) int { return o.Reload(false) }
	drained := func(o *Operator) int { return o.Reload(true) }
	stop := func(o *Operator) int { return o.Stop(false) }
	status := func(o *Operator) int { return o.Status(true) }
	asJSON := func(o *Operator) int { o.JSON = true; return o.Status(false) }
	diff := func(o *Operator) int { return o.ConfigDiff() }
	level := func(o *Operator) int { return o.LogLevel("debug") }
	pause := func(o *Operator) int { return o.Pause("www") }
	drain := func(o *Operator) int { return o.Drain("www") }
	scale := func(o *Operator) int { return o.Scale("www", 3) }
	requests := func(o *Operator) int { return o.Requests("") }
	kill := func(o *Operator) int { return o.Kill(77, false) }
	running := control.RunningRequest{Pid: 77, Pool: "www", Generation: 3, Stage: "Running", Duration: 1.5, Method: "GET", Host: "example.org",
		URI: "/\x1b[31mx", Script: "/x.php", Client: "192.0.2.7", RequestID: "60fd"}
	for name, c := range map[string]struct {
		command  func(*Operator) int
		answers  []control.Answer
		open     bool
		status   int
		out, err string // patterns
	}{
		"reloaded": {reload, []control.Answer{{Done: true, Generation: 4}}, false, 0, `^reloaded: generation 4 serves \(master \d+\)\n$`, `^$`},
		"reloaded, the old finishes": {reload, []control.Answer{{Done: true, Generation: 4, Progress: &control.Progress{Workers: 2, Requests: 1}}}, false, 0,
			`\nthe old configuration finishes 1 request under way\n$`, `^$`},
		"drained": {drained, []control.Answer{{Generation: 4}, {Progress: &control.Progress{Workers: 3, Requests: 2}}, {Done: true, Generation: 4}}, false, 0,
			`^reloaded: .*\nthe workers of the old configuration have ended\n$`, `^waiting for the old configuration: 2 requests under way, workers: 3\n$`},
		"not drained in time": {drained, []control.Answer{{Generation: 4}}, true, 1, `^reloaded`, `the old workers have not finished within`},
		"bad configuration": {reload, []control.Answer{{Done: true, Reason: control.BadConfig, Why: "x:1: unknown", Lines: []string{"ERROR: x"}}}, false, 78,
			`^$`, `^ERROR: x\nphpsapi fpm reload: failed, the old configuration keeps serving: x:1: unknown\n$`},
		"failed":    {reload, []control.Answer{{Done: true, Reason: control.Failed, Why: "no engine"}}, false, 1, `^$`, `keeps serving: no engine\n$`},
		"refused":   {reload, []control.Answer{{Done: true, Reason: control.Refused, Why: "the service is finishing"}}, false, 1, `^$`, `^phpsapi fpm reload: the service is finishing\n$`},
		"denied":    {stop, []control.Answer{{Done: true, Reason: control.Denied, Why: "only root may"}}, false, 77, `^$`, `master \d+ refuses: only root may\n$`},
		"killed":    {reload, nil, false, 1, `^$`, `master \d+ ended before it answered; see its error log\n$`},
		"silent":    {reload, nil, true, 1, `^$`, `no outcome within .*; the reload continues`},
		"slow stop": {stop, []control.Answer{{Progress: &control.Progress{Workers: 1, Requests: 1}}}, true, 1, `^$`, `^waiting for master \d+: 1 request .*\n.* has not ended within`},
		"status":    {status, []control.Answer{{Done: true, Status: report}}, false, 0, `(?s)^master 42, phpsapi 1 for PHP 8\.2, /c\nstate normal, .* \(1d1h1m1s\)\nlast reload failed .*: no reason\n  ERROR: a line\n\ngeneration 3, serving, since [^\n]*\nfront 43, serving, http://127\.0\.0\.1:80\n  pool www: requests in the pool 1, waiting in the front 2 \(oldest 1\.5s, most so far 3\), refused 4\n.*www +static +2 +1 +3 +2 +4/511 +0 +1234 +5 +0\n.*77 +Running +1d1h1m1s +9 +1\.5ms .* GET /\.\[31mx +/x\.php\n$`, `^$`},
		"leaving":   {status, []control.Answer{{Done: true, Status: &leaving}}, false, 0, `state normal and not ready, finishing in 3\.5s \(shutdown_delay\), running since`, `^$`},
		"finishing": {status, []control.Answer{{Done: true, Status: &stopping}}, false, 1, `state finishing`, `master \d+ is finishing\n$`},
		"JSON":      {asJSON, []control.Answer{{Done: true, Status: report}}, false, 0, `(?s)^\{\n  "pid": 42,.*"accepted conn": 1234`, `^$`},
		"requests": {requests, []control.Answer{{Done: true, Requests: &control.Running{Requests: []control.RunningRequest{running, {Pid: 78, Pool: "b", Stage: "Reading headers"}}}}}, false, 0,
			`^pid +pool .*\n77 +www +3 +Running +1\.500s +192\.0\.2\.7 +GET example\.org/\.\[31mx +/x\.php +60fd\n78 +b +0 +Reading headers +0\.000s +- +- +- +-\n$`, `^$`},
		"no requests":      {requests, []control.Answer{{Done: true, Requests: &control.Running{}}}, false, 0, `^no worker has a request\n$`, `^$`},
		"requests of none": {requests, []control.Answer{{Done: true, Reason: control.Refused, Why: "there is no pool x; the service has www"}}, false, 1, `^$`, `^phpsapi fpm requests: there is no pool x; the service has www\n$`},
		"killed a request": {kill, []control.Answer{{Done: true, Killed: &control.Killed{Request: running, How: "on signal 15 (SIGTERM)", Incident: 3}}}, false, 0,
			`^worker 77 exited on signal 15 \(SIGTERM\), incident 3: GET example\.org/\.\[31mx in pool www, after 1\.500s\n$`, `^$`},
		"ended by itself": {kill, []control.Answer{{Done: true, Killed: &control.Killed{Request: running}}}, false, 0, `^the request ended by itself, and worker 77 continues: `, `^$`},
		"an older master": {kill, []control.Answer{{Done: true, Reason: control.Refused, Why: `unknown command "kill"`}}, false, 1, `^$`, `^phpsapi fpm kill: unknown command "kill"\n$`},
		"paused": {pause, []control.Answer{{Done: true, Steered: &control.Steered{Pool: "www", Paused: true, Workers: 1, Requests: 1, Limit: 5, Configured: 5}}}, false, 0,
			`^pool www takes no connections, until phpsapi fpm resume www or the next reload; it finishes 1 request under way\n$`, `^$`},
		"drained pool": {drain, []control.Answer{{Progress: &control.Progress{Workers: 2, Requests: 1}}, {Done: true, Steered: &control.Steered{Pool: "www", Paused: true, Limit: 5, Configured: 5}}}, false, 0,
			`^pool www is drained: it has no workers and takes no connections, until phpsapi fpm resume www or the next reload\n$`, `^waiting for pool www: 1 request under way, workers: 2\n$`},
		"not drained": {drain, []control.Answer{{Progress: &control.Progress{Workers: 2, Requests: 1}}}, true, 1, `^$`, `no outcome within 1\.5s; what was asked for continues, and the error log of master \d+ tells how it ends; wait longer with --timeout\n$`},
		"scaled": {scale, []control.Answer{{Done: true, Steered: &control.Steered{Pool: "www", Workers: 5, Limit: 3, Configured: 5}}}, false, 0,
			`^pool www may have 3 workers until the next reload, then 5 again; it has 5, of which 2 leave after their request\n$`, `^$`},
		"changed": {diff, []control.Answer{{Done: true, Diff: &control.Diff{Config: "/c", Added: []string{"new"}, Removed: []string{"old"}, Changes: []control.Change{
			{Section: "www", Name: "a", Running: new("1"), Files: new(""), Place: "/c:3"}, {Section: "www", Name: "b", Running: new("\x1b[31m")}}}}}, false, 0,
			`^\[www\]\n  a = 1 -> ""  ; /c:3\n  b = \.\[31m -> \(not set\)\n\[new\] is a new pool\n\[old\] is there no more: a reload ends the pool\n$`, `^$`},
		"not changed": {diff, []control.Answer{{Done: true, Diff: &control.Diff{Config: "/c"}}}, false, 0, `^a reload would change nothing: the service runs with what /c has\n$`, `^$`},
		"not read":    {diff, []control.Answer{{Done: true, Reason: control.BadConfig, Why: "x:1: unknown", Lines: []string{"ERROR: x"}}}, false, 78, `^$`, `^ERROR: x\nphpsapi fpm config diff: x:1: unknown\n$`},
		"log level":   {level, []control.Answer{{Done: true, Logging: &control.Logging{Level: "debug", Configured: "notice"}}}, false, 0, `^messages are logged from the level debug on until the next reload, then from notice on\n$`, `^$`},
		"not a word":  {status, []control.Answer{{Done: true}}, false, 70, `^$`, `answered without a status`},
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, c.open, c.answers...)
			var out, err strings.Builder
			o := &Operator{Target: Target{Pid: os.Getpid()}, Out: &out, Err: &err, Timeout: 30 * time.Second}
			if c.open {
				o.Timeout = 1500 * time.Millisecond
			}
			if got := c.command(o); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if !regexp.MustCompile(c.out).MatchString(out.String()) || !regexp.MustCompile(c.err).MatchString(err.String()) {
				t.Errorf("out:\n%s\nerr:\n%s", out.String(), err.String())
			}
		})
	}
}

// An upgrade that has not read the order breaks the connection off: the stop was told to be done, or waited for ever.
func TestStopThatWasBrokenOffIsAskedAgain(t *testing.T) {
	name, err := control.OwnName()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan control.Request, 2)
	go func() {
		for _, answers := range [][]control.Answer{nil, {{Done: true, Reason: control.Refused, Why: "by the second program"}}} {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			request, _ := control.ReadRequest(conn)
			asked <- request
			for _, a := range answers {
				control.Write(conn, a)
			}
			conn.Close()
		}
	}()
	var out, told strings.Builder
	o := &Operator{Target: Target{Pid: os.Getpid()}, Out: &out, Err: &told, Timeout: 30 * time.Second}
	if status := o.Stop(true); status != exitFailed || !strings.Contains(told.String(), "by the second program") {
		t.Errorf("status %d, %s%s", status, out.String(), told.String())
	}
	for range 2 {
		select {
		case r := <-asked:
			if r.Command != control.Stop || !r.Now {
				t.Errorf("asked for %+v", r)
			}
		default:
			t.Error("it was not asked twice")
		}
	}
}

// A stop that aborted requests ended with the same words as one that did not.
func TestAbortedRequestsAreTold(t *testing.T) {
	var err strings.Builder
	p := &progress{o: &Operator{Err: &err}, of: "master 1"}
	for i, c := range []struct {
		told control.Progress
		want string
	}{
		{control.Progress{Workers: 2, Requests: 1}, ""},
		{control.Progress{Workers: 2, Requests: 1, Cut: 1}, ", 1 request was aborted"},
		{control.Progress{Workers: 1}, ", 1 request was aborted"},
		{control.Progress{Workers: 2, Requests: 2, Cut: 2}, ", 2 requests were aborted"},
	} {
		p.show(control.Answer{Progress: &c.told})
		if got := p.aborted(); got != c.want {
			t.Errorf("%d: got %q, want %q", i, got, c.want)
		}
	}
}

func TestWhatIsNoMasterIsTold(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	run := func(argv ...string) int {
		c := exec.Command("sleep", "60")
		c.Args = argv
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		return c.Process.Pid
	}
	other, stock := run("sleep", "60"), run("php-fpm: master process (/etc/php-fpm.conf)", "60")
	for name, c := range map[string]struct {
		target Target
		want   string
	}{
		"no pid file":   {Target{PidFile: dir + "/none"}, "there is no pid file " + dir + "/none: the service is not running"},
		"empty":         {Target{PidFile: file("empty", "")}, "does not hold a pid"},
		"nonsense":      {Target{PidFile: file("nonsense", "-1\n")}, "does not hold a pid"},
		"stale":         {Target{PidFile: file("stale", fmt.Sprint(gone.Process.Pid))}, "does not exist: the pid file is stale: the service is not running"},
		"another":       {Target{PidFile: file("another", fmt.Sprint(other))}, "is not a php-fpm master: the pid file is stale"},
		"another's pid": {Target{Pid: other}, fmt.Sprintf("process %d is not a php-fpm master\n", other)},
		"php-fpm": {Target{PidFile: file("stock", fmt.Sprintf("%d\n", stock))},
			fmt.Sprintf("is stock php-fpm (/usr/bin/sleep), which has no control socket; signals work: kill -USR2 %d reloads", stock)},
		"by configuration": {Target{Named: true, Locate: func() (string, string) { return "/c", dir + "/none" }}, "there is no pid file"},
		"without any":      {Target{Named: true, Locate: func() (string, string) { return "/c", "" }}, "no service with the configuration /c is running"},
	} {
		var out, err strings.Builder
		o := &Operator{Target: c.target, Out: &out, Err: &err, Timeout: 30 * time.Second}
		if status := o.Status(false); status != exitUnavailable || !strings.Contains(err.String(), c.want) || out.Len() > 0 {
			t.Errorf("%s: status %d, %q, %q", name, status, out.String(), err.String())
		}
	}
}

// Without a pid file the one master of the configuration is found.
func TestMasterIsFoundByItsConfiguration(t *testing.T) {
	serve(t, false, control.Answer{Done: true, Status: &control.Report{State: "normal", Config: "/some/fpm.conf"}})
	for config, want := range map[string]int{"/some/fpm.conf": exitOK, "/some/../some/fpm.conf": exitOK, "/other/fpm.conf": exitUnavailable} {
		var out, err strings.Builder
		o := &Operator{Target: Target{Named: true, Locate: func() (string, string) { return config, "/nowhere/pid" }}, Out: &out, Err: &err, Timeout: 30 * time.Second}
		o.JSON = true
		if status := o.Status(false); status != want {
			t.Errorf("%s: status %d, want %d: %s", config, status, want, err.String())
		}
	}
}

// A master that had no title yet was listed with its pid and the words of its command line in one.
func TestMastersAreNamedByWhatTellsThemApart(t *testing.T) {
	for title, want := range map[string]string{
		"php-fpm: master process (/etc/php-fpm.conf)": "7 (/etc/php-fpm.conf)",
		"/usr/bin/phpsapi fpm -y a\nb.conf":           "7 (/usr/bin/phpsapi fpm -y a.b.conf)",
		"":                                            "7",
	} {
		if got := named(7, title); got != want {
			t.Errorf("%q: got %q, want %q", title, got, want)
		}
	}
	cmd := exec.Command("sleep", "20")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	// At first the kernel has not set its arguments yet.
	wait.Until(t, "a command line", func() bool { return title(cmd.Process.Pid) != "" })
	if got := title(cmd.Process.Pid); got != "sleep 20" {
		t.Errorf("the command line is told as %q", got)
	}
}
