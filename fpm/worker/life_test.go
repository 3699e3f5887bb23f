package worker

import (
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// ask sends a request on a kept connection and gives what came on STDOUT behind the head.
func ask(t *testing.T, conn net.Conn, r *testRequest) string {
	t.Helper()
	r.Keep = true
	go r.Send(conn)
	got := receive(conn)
	if got.err != nil {
		t.Fatal(got)
	}
	_, body, _ := strings.Cut(got.stdout, "\r\n\r\n")
	return body
}

func TestIdleKeptConnectionDoesNotPinTheWorker(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("pid.php", "<?php echo getmypid();")
	first, second := dial(t, p.Socket), dial(t, p.Socket)
	defer first.Close()
	defer second.Close()
	if ask(t, first, get(p.Dir, "pid.php")) == "" {
		t.Error("no answer on the first connection")
	}
	// The worker keeps the first connection and serves the second at once; it hands the first to the master.
	if ask(t, second, get(p.Dir, "pid.php")) == "" {
		t.Error("no answer on the second connection")
	}
	letter, parked, _ := c.receive(t)
	if letter != contract.Park || parked < 0 {
		t.Fatalf("the worker said %c %d, want Park and a descriptor", letter, parked)
	}
	// Its next request makes it readable: the master hands it to a worker that is idle.
	r := get(p.Dir, "pid.php")
	r.Keep = true
	r.Send(first)
	c.say(contract.WhenIdle, -1)
	if letter, _, _ := c.receive(t); letter != contract.Idle {
		t.Fatalf("the worker said %c, want Idle", letter)
	}
	c.say(contract.Connection, parked)
	unix.Close(parked)
	if got := receive(first); got.err != nil || !strings.Contains(got.stdout, "\r\n\r\n") {
		t.Errorf("on the parked connection: %v", got)
	}
	if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
		t.Errorf("the worker said %c, want Park of the second", letter)
	}
	c.say(contract.WhenIdle, -1)
	c.receive(t)
	c.say(contract.Nothing, -1)
	if ask(t, first, get(p.Dir, "pid.php")) == "" {
		t.Error("no answer after Nothing")
	}
}

// A worker that is woken for a new connection is the only one woken for it, whatever else has come by then.
func TestNewConnectionDoesNotWaitForWhatElseComes(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]func(c *child, slow func()){
		"a request on the kept connection": func(_ *child, slow func()) { slow() },
		"the end":                          func(c *child, _ func()) { syscall.Kill(c.pid, syscall.SIGQUIT) },
	} {
		p := newPool(t, nil)
		c := p.spawn()
		p.write("pid.php", "<?php echo getmypid();")
		p.write("slow.php", "<?php sleep(60); echo 'slow';")
		kept := dial(t, p.Socket)
		defer kept.Close()
		ask(t, kept, get(p.Dir, "pid.php"))
		c.stop(t)
		more(c, func() {
			r := get(p.Dir, "slow.php")
			r.Keep = true
			r.Send(kept)
		})
		fresh := dial(t, p.Socket)
		defer fresh.Close()
		time.AfterFunc(50*time.Millisecond, func() { syscall.Kill(c.pid, syscall.SIGCONT) })
		if got := ask(t, fresh, get(p.Dir, "pid.php")); got != strconv.Itoa(c.pid) {
			t.Errorf("%s: got %q", name, got)
		}
		if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
			t.Errorf("%s: the worker said %c, want Park", name, letter)
		}
	}
}

func TestQuitFinishesTheRequestAndParks(t *testing.T) {
	t.Parallel()
	for name, quit := range map[string]func(*child){
		"message": func(c *child) { c.say(contract.Quit, -1) },
		"signal":  func(c *child) { syscall.Kill(c.pid, syscall.SIGQUIT) },
	} {
		p := newPool(t, nil)
		c := p.spawn()
		p.write("slow.php", "<?php touch(__DIR__ . '/begun'); $end = microtime(true) + 0.3; while (microtime(true) < $end) usleep(1000); echo 'done';")
		conn := dial(t, p.Socket)
		defer conn.Close()
		go func() {
			wait.Until(t, "the request", func() bool { _, err := os.Stat(p.Dir + "/begun"); return err == nil })
			quit(c)
		}()
		if got := ask(t, conn, get(p.Dir, "slow.php")); got != "done" {
			t.Errorf("%s: got %q", name, got)
		}
		if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
			t.Errorf("%s: the worker said %c, want Park", name, letter)
		}
		if e := p.exit(); e.Pid != c.pid || !e.Status.Exited() || e.Status.ExitStatus() != 0 {
			t.Errorf("%s: the worker ended with %v; log %s", name, e.Status, p.log())
		}
	}
}

func TestIdleWorkerQuits(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	syscall.Kill(c.pid, syscall.SIGQUIT)
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
		t.Errorf("SIGQUIT: %v", e.Status)
	}
	c = p.spawn()
	unix.Shutdown(c.control, unix.SHUT_RDWR) // the master is gone
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
		t.Errorf("master gone: %v", e.Status)
	}
}

func TestSignalsHaveTheirDefaults(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGSEGV, syscall.SIGBUS} {
		c := p.spawn()
		syscall.Kill(c.pid, sig)
		if e := p.exit(); e.Pid != c.pid || !e.Status.Signaled() || e.Status.Signal() != sig {
			t.Errorf("after %v the worker ended with %v", sig, e.Status)
		}
	}
	p.write("slow.php", "<?php sleep(10);")
	c := p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	go get(p.Dir, "slow.php").Send(conn)
	time.Sleep(100 * time.Millisecond)
	syscall.Kill(c.pid, syscall.SIGTERM)
	if e := p.exit(); !e.Status.Signaled() || e.Status.Signal() != syscall.SIGTERM {
		t.Errorf("in a request: %v", e.Status)
	}
}

func TestMaxRequests(t *testing.T) {
	t.Parallel()
	p := newPool(t, func(c *conf.Pool) { c.MaxRequests = 3 })
	c := p.spawn()
	p.write("x.php", "<?php echo 'x';")
	conn := dial(t, p.Socket)
	defer conn.Close()
	for range 3 {
		if got := ask(t, conn, get(p.Dir, "x.php")); got != "x" {
			t.Fatalf("got %q", got)
		}
	}
	if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
		t.Errorf("the worker said %c, want Park: its client's connection is kept", letter)
	}
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
		t.Errorf("ended with %v", e.Status)
	}
}

func TestRequestSettingsDoNotLeak(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("x.php", `<?php echo ini_get("precision"), ini_get("memory_limit"), ini_get("open_basedir"), var_export(ini_set("memory_limit", "65M"), true), getmypid();`)
	conn := dial(t, p.Socket)
	defer conn.Close()
	before := ask(t, conn, get(p.Dir, "x.php"))
	for range 3 {
		set := ask(t, conn, get(p.Dir, "x.php", "PHP_VALUE", "precision=3\nprecision=4", "PHP_ADMIN_VALUE", "memory_limit=50M\nopen_basedir=/"))
		if !strings.HasPrefix(set, "450M/false") {
			t.Errorf("with settings: %q", set)
		}
		if after := ask(t, conn, get(p.Dir, "x.php")); after != before {
			t.Errorf("before %q, after %q", before, after)
		}
	}
}

// What cannot be taken back ends with its worker.
func TestWorkerThatARequestSpoiledIsGone(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("x.php", `<?php echo function_exists("system") ? "there" : "not there";`)
	r := get(p.Dir, "x.php", "PHP_ADMIN_VALUE", "disable_functions=system")
	if got := r.do(t, p.Socket); !strings.HasSuffix(got.stdout, "not there") {
		t.Errorf("got %v", got)
	}
	if e := p.exit(); e.Pid != c.pid || e.Status.ExitStatus() != 0 {
		t.Errorf("ended with %v", e.Status)
	}
}

func TestForkedChildLeavesTheConnectionAlone(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("fork.php", `<?php $p = pcntl_fork(); if (!$p) { echo str_repeat("child", 10000); flush(); error_log("c"); exit(7); }
		pcntl_waitpid($p, $s); echo "parent ", pcntl_wexitstatus($s);`)
	conn := dial(t, p.Socket)
	defer conn.Close()
	for range 2 {
		if got := ask(t, conn, get(p.Dir, "fork.php")); got != "parent 7" {
			t.Errorf("got %.200q", got)
		}
	}
}

// A body that the script does not read must not become the next request (CVE-2026-129289).
func TestUnreadBodyIsDrained(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("x.php", `<?php echo $_SERVER["HTTP_N"] ?? "-", fopen("php://input", "r") ? fread(fopen("php://input", "r"), 3) : "";`)
	p.write("unread.php", `<?php echo $_SERVER["HTTP_N"];`)
	conn := dial(t, p.Socket)
	defer conn.Close()
	for _, n := range []string{"1", "2"} {
		for _, file := range []string{"x.php", "unread.php"} {
			r := get(p.Dir, file, "REQUEST_METHOD", "PUT", "HTTP_N", n, "CONTENT_LENGTH", "100000")
			r.Body = strings.Repeat("\x01\x01\x00\x01\x00\x08\x00\x00", 12500)
			if got := ask(t, conn, r); !strings.HasPrefix(got, n) {
				t.Errorf("got %q", got)
			}
		}
	}
	// Too much of it closes the connection, with a line for the log.
	r := get(p.Dir, "x.php", "REQUEST_METHOD", "PUT", "HTTP_N", "3", "CONTENT_LENGTH", "10") // PHP reads no more itself
	r.Body, r.Keep = strings.Repeat("x", 10000000), true
	go r.Send(conn)
	if got := receive(conn); got.err != nil || !strings.HasSuffix(got.stdout, "3xxx") {
		t.Errorf("got %v", got)
	}
	if letter, _, text := c.receive(t); letter != contract.Log || !strings.Contains(text, "left unread") {
		t.Errorf("the worker said %c %q, want Log", letter, text)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if got := get(p.Dir, "x.php").do(t, p.Socket); !strings.Contains(got.stdout, "-") {
		t.Errorf("the next client: %v", got)
	}
}

func TestMalformedRequestIsReported(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
	if letter, _, text := c.receive(t); letter != contract.Log || !strings.Contains(text, "not a FastCGI 1 record") {
		t.Errorf("the worker said %c %q, want Log", letter, text)
	}
}

func TestFinishedRequestFreesItsClient(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.spawn()
	p.write("finish.php", `<?php echo "early"; fastcgi_finish_request(); usleep(2000000); file_put_contents(__DIR__ . "/late", "x"); echo "late";`)
	for _, keep := range []bool{false, true} {
		r := get(p.Dir, "finish.php")
		r.Keep = keep
		conn := dial(t, p.Socket)
		defer conn.Close()
		began := time.Now()
		go r.Send(conn)
		got := receive(conn)
		if took := time.Since(began); took > 1500*time.Millisecond || !strings.HasSuffix(got.stdout, "early") {
			t.Errorf("keep %v: %v after %v", keep, got, took)
		}
		if keep {
			if got := ask(t, conn, get(p.Dir, "finish.php")); got != "early" {
				t.Errorf("next request on the connection: %q", got)
			}
		} else if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("then %v, want the connection closed", err)
		}
	}
	wait.Until(t, "the script to continue", func() bool { _, err := os.Stat(p.Dir + "/late"); return err == nil })
}

func TestClientThatLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("abort.php", `<?php ignore_user_abort(true); for ($i = 0; $i < 1000 && !connection_aborted(); $i++) { echo "x"; flush(); usleep(10000); }
		file_put_contents(__DIR__ . "/aborted", connection_aborted() . " " . ($i < 1000));`)
	conn := dial(t, p.Socket)
	get(p.Dir, "abort.php").Send(conn)
	conn.Read(make([]byte, 10))
	conn.Close()
	wait.Until(t, "the client's end to be noticed", func() bool {
		b, err := os.ReadFile(p.Dir + "/aborted")
		if len(b) > 0 && string(b) != "1 1" {
			t.Fatalf("got %q", b)
		}
		return err == nil && len(b) > 0
	})
}

// A web server's client that leaves in the middle of an upload is an everyday event: the script sees what came, and the
// log is not for it.
func TestClientThatLeavesWhileSendingIsNotReported(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("short.php", `<?php file_put_contents(__DIR__ . "/short", strlen(file_get_contents("php://input")));`)
	conn := dial(t, p.Socket)
	w := fastcgi.NewRequestWriter(conn, make([]byte, 64<<10))
	w.Begin(1, fastcgi.BeginRequest{Role: fastcgi.RoleResponder, Flags: fastcgi.KeepConn})
	r := get(p.Dir, "short.php", "REQUEST_METHOD", "PUT", "CONTENT_LENGTH", "100000")
	for i := 0; i+1 < len(r.Params); i += 2 {
		w.Param(r.Params[i], r.Params[i+1])
	}
	w.EndParams()
	w.Write(make([]byte, 5000))
	w.Flush()
	conn.Close()
	// What the worker says next is about the next client.
	next := dial(t, p.Socket)
	defer next.Close()
	io.WriteString(next, "GET / HTTP/1.0\r\n\r\n")
	if letter, _, text := c.receive(t); letter != contract.Log || !strings.Contains(text, "not a FastCGI 1 record") {
		t.Errorf("the worker said %c %q", letter, text)
	}
	if got, _ := os.ReadFile(p.Dir + "/short"); string(got) != "5000" {
		t.Errorf("the script saw %q bytes", got)
	}
}

func TestGetValuesAndUnknownRole(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("x.php", "<?php echo 'x';")
	conn := dial(t, p.Socket)
	defer conn.Close()
	w := fastcgi.NewRequestWriter(conn, make([]byte, 4096))
	w.GetValues(fastcgi.MpxsConns, fastcgi.MaxConns)
	b := make([]byte, 1000)
	n, err := conn.Read(b)
	if want := "\x01\x0a\x00\x00\x00\x12\x06\x00\x0f\x01FCGI_MPXS_CONNS0"; err != nil || !strings.HasPrefix(string(b[:n]), want) {
		t.Errorf("got %q, %v", b[:n], err)
	}
	if got := ask(t, conn, get(p.Dir, "x.php")); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestTitleAndEnvironment(t *testing.T) {
	t.Setenv("LEAK", "1")
	p := newPool(t, func(c *conf.Pool) {
		c.ClearEnv = true
		c.Env = []conf.KeyValue{{Key: "MINE", Value: "x y"}}
		c.Chdir = conf.Text{Value: "/usr", Set: true}
		c.RlimitFiles = 99
	})
	c := p.spawn()
	p.write("x.php", `<?php echo getenv("MINE"), "|", getenv("PATH", true), "|", trim(shell_exec("ulimit -n; ulimit -c")), "|", readlink("/proc/self/cwd");`)
	got := get(p.Dir, "x.php").do(t, p.Socket)
	if !strings.Contains(got.stdout, "\r\n\r\nx y||99\n") {
		t.Errorf("got %v", got)
	}
	title, err := os.ReadFile("/proc/" + strconv.Itoa(c.pid) + "/cmdline")
	if err != nil || !strings.HasPrefix(string(title), "php-fpm: pool www\x00") {
		t.Errorf("title %q, %v", title, err)
	}
}

func TestTraceTellsWhereAScriptIs(t *testing.T) {
	t.Parallel()
	p := newPool(t, func(c *conf.Pool) { slowLog(c); c.RequestSlowlogTraceDepth = 20 })
	p.traced = true
	c := p.spawn()
	path := p.write("slow.php", `<?php
function inner($n) {
	usleep(3000000);
}
class A {
	function method() { array_map('inner', [1]); }
}
include 'inc.php';
`)
	inc := p.write("inc.php", "<?php\n\n(new A)->method();\n")
	conn := dial(t, p.Socket)
	defer conn.Close()
	go get(p.Dir, "slow.php").Send(conn)
	ask := func() (lines, why string) {
		unix.Sendmsg(c.trace, []byte{contract.Trace}, nil, nil, 0)
		b := make([]byte, contract.MaxMessage)
		for {
			n, err := unix.Read(c.trace, b)
			switch {
			case err != nil || n < 1:
				t.Fatalf("no answer: %v", err)
			case b[0] == contract.TraceLines:
				lines += string(b[1:n])
				continue
			case b[0] != contract.Trace:
				t.Fatalf("answer %q", b[:n])
			}
			return lines, string(b[1:n])
		}
	}
	got, why := "", ""
	wait.Until(t, "a trace of usleep()", func() bool {
		got, why = ask()
		return strings.Contains(got, "usleep()")
	})
	if why != "" {
		t.Errorf("it could not: %s", why)
	}
	got = regexp.MustCompile(`0x[0-9a-f]{16}`).ReplaceAllString(got, "0x")
	want := "script_filename = " + path + "\n" +
		"[0x] usleep() " + path + ":3\n" +
		"[0x] inner() " + path + ":6\n" +
		"[0x] array_map() " + path + ":6\n" +
		"[0x] method() " + inc + ":3\n" +
		"[0x] [INCLUDE_OR_EVAL]() " + path + ":8\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	receive(conn)
	wait.Until(t, "a trace without a request", func() bool {
		_, why := ask()
		return why == "no request is running"
	})
}

// A stack that changes while it is read must harm neither the worker nor the reader.
func TestTraceOfABusyScript(t *testing.T) {
	t.Parallel()
	p := newPool(t, func(c *conf.Pool) { slowLog(c); c.RequestSlowlogTraceDepth = 1000 })
	p.traced = true
	c := p.spawn()
	p.write("busy.php", `<?php
function deeper($n) { return $n > 0 ? array_sum(array_map('deeper', [$n - 1])) + strlen(str_repeat("x", $n)) : 0; }
$end = microtime(true) + 1; $sum = 0;
while (microtime(true) < $end) { $sum = deeper(40); eval("\$f$sum = function () { return deeper(5); }; \$f$sum();"); }
echo $sum;`)
	conn := dial(t, p.Socket)
	defer conn.Close()
	go get(p.Dir, "busy.php").Send(conn)
	for range 300 {
		unix.Sendmsg(c.trace, []byte{contract.Trace}, nil, nil, 0)
		for b := make([]byte, contract.MaxMessage); b[0] != contract.Trace; {
			if n, err := unix.Read(c.trace, b); err != nil || n < 1 {
				t.Fatalf("no answer: %v", err)
			}
		}
	}
	if got := receive(conn); !strings.HasSuffix(got.stdout, "\r\n\r\n820") {
		t.Errorf("got %v", got)
	}
}

// Without catch_workers_output standard error leads nowhere.
func TestPanicsTraceIsSentToTheMaster(t *testing.T) {
	t.Parallel()
	p := newPool(t, func(c *conf.Pool) { c.Name = panics })
	p.conf.Prefix, p.crashes = conf.Text{Value: p.Dir, Set: true}, true
	c := p.spawn()
	p.write("panic", "")
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 2 {
		t.Errorf("it ended with %v", e.Status)
	}
	if got, err := io.ReadAll(c.crash); !strings.Contains(string(got), "panic: as asked") || !strings.Contains(string(got), "main_test.go") {
		t.Errorf("got %q, %v", got, err)
	}
}

// A worker that was told to leave after it had said that it is idle lost the connection that it was brought.
func TestConnectionThatIsBroughtBehindQuitIsServed(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", "<?php echo 'a';")
	first, second := dial(t, p.Socket), dial(t, p.Socket)
	defer first.Close()
	defer second.Close()
	ask(t, first, get(p.Dir, "a.php"))
	ask(t, second, get(p.Dir, "a.php"))
	_, parked, _ := c.receive(t)
	c.say(contract.WhenIdle, -1)
	c.say(contract.Quit, -1)
	if letter, _, _ := c.receive(t); letter != contract.Idle {
		t.Fatalf("the worker said %c, want Idle", letter)
	}
	c.say(contract.Connection, parked)
	unix.Close(parked)
	if got := ask(t, first, get(p.Dir, "a.php")); got != "a" {
		t.Errorf("got %q", got)
	}
	if end := p.exit(); end.Status != 0 {
		t.Errorf("it ended with %v", end.Status)
	}
}
