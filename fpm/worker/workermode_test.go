package worker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi"
)

// newScriptPool makes a pool whose workers run a worker script, public/worker.php, for requests for public/index.php.
func newScriptPool(t *testing.T, code string, settings ...sapi.Setting) *pool {
	t.Helper()
	settings = append([]sapi.Setting{{Name: "display_errors", Value: "0"}}, settings...)
	p := newPoolOf(t, func(m *sapi.Module) { m.WorkerMode = true }, nil, settings...)
	script := p.write("public/worker.php", "<?php\n"+code)
	index := p.write("public/index.php", "<?php echo 'index.php itself';")
	p.write("public/other.php", "<?php echo 'other ', file_get_contents('php://input'), ' ', function_exists('frankenphp_handle_request') ? 'defined' : 'undefined';")
	p.script = &contract.WorkerMode{Script: script, For: []string{index}}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pair {
		p.others[i] = os.NewFile(uintptr(pair[i]), "others")
		t.Cleanup(func() { p.others[i].Close() })
	}
	return p
}

// serving answers every request with what an expression gives.
func serving(expression string) string {
	return "$n = 0; while (frankenphp_handle_request(function () use (&$n) { $n++; echo " + expression + "; }));"
}

func index(p *pool, change ...string) *testRequest {
	return get(filepath.Join(p.Dir, "public"), "index.php", change...)
}

func TestWorkerScriptBootsOnceAndAnswersRequestAfterRequest(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, "$boot = uniqid();"+serving(`$GLOBALS['boot'], " ", getmypid(), " $n ", $_GET['q'] ?? '-'`))
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	first := strings.Fields(ask(t, conn, index(p, "QUERY_STRING", "q=a")))
	second := strings.Fields(ask(t, conn, index(p)))
	if len(first) != 4 || len(second) != 4 || first[0] != second[0] || first[1] != second[1] {
		t.Fatalf("got %q, then %q", first, second)
	}
	if first[2] != "1" || first[3] != "a" || second[2] != "2" || second[3] != "-" {
		t.Errorf("got %q, then %q", first, second)
	}
}

func TestRequestForAnotherScriptIsHandedOn(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`"worker $n"`))
	p.spawn()
	p.handed = true
	c := p.spawn()
	for range 3 {
		conn := dial(t, p.Socket)
		r := get(filepath.Join(p.Dir, "public"), "other.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "4")
		r.Body = "body"
		if got := ask(t, conn, r); got != "other body defined" {
			t.Errorf("got %q", got)
		}
		letter, fd, _ := c.receive(t)
		if letter != contract.Park || fd < 0 {
			t.Fatalf("the worker said %c %d, want Park: the next request is for the process that accepted the connection", letter, fd)
		}
		unix.Close(fd)
		conn.Close()
		conn = dial(t, p.Socket)
		if got := ask(t, conn, index(p)); !strings.HasPrefix(got, "worker ") {
			t.Errorf("got %q", got)
		}
		conn.Close()
	}
}

func TestScriptThatDoesNotBootSaysWhy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ code, want string }{
		"uncaught exception":  {"throw new Exception('no database');", "Uncaught Exception: no database in "},
		"undefined function":  {"undefined();", "Call to undefined function undefined()"},
		"syntax error":        {"}", "Unmatched '}' in "},
		"exit with a status":  {"fwrite(STDERR, \"reason\\n\"); exit(3);", "it ended with status 3 before it called frankenphp_handle_request()"},
		"no call of the loop": {"echo 'hello';", "it ended without a call of frankenphp_handle_request()"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newScriptPool(t, test.code)
			c := p.spawn()
			if said := strings.Join(c.said, "\n"); !strings.Contains(said, string(contract.Unbooted)) || !strings.Contains(said, test.want) {
				t.Errorf("the worker said %q, want %q", said, test.want)
			}
			conn := dial(t, p.Socket)
			defer conn.Close()
			r := index(p)
			go r.Send(conn)
			if got := receive(conn); !strings.HasPrefix(got.stdout, "Status: 503 ") {
				t.Errorf("got %v", got)
			}
			c.say(contract.Quit, -1)
			if end := p.exit(); end.Status != 0 {
				t.Errorf("it ended with %v", end.Status)
			}
		})
	}
}

// What the script prints before its first request is for the log, and for no client.
func TestOutputOfTheBootGoesToTheLog(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, "header('X-Boot: yes'); echo \"line 1\\nline\"; echo ' 2';"+serving("'answer'"))
	c := p.spawn()
	said := strings.Join(c.said, "|")
	if !strings.Contains(said, "the worker script printed: line 1|") || !strings.HasSuffix(said, "the worker script printed: line 2") {
		t.Errorf("the worker said %q", said)
	}
	conn := dial(t, p.Socket)
	defer conn.Close()
	r := index(p)
	go r.Send(conn)
	if got := receive(conn); !strings.HasSuffix(got.stdout, "\r\n\r\nanswer") || strings.Contains(got.stdout, "Boot") {
		t.Errorf("got %v", got)
	}
}

// answered returns the whole answer to a request on a kept connection.
func answered(t *testing.T, conn net.Conn, p *pool, change ...string) string {
	t.Helper()
	r := index(p, change...)
	r.Keep = true
	go r.Send(conn)
	got := receive(conn)
	if got.err != nil {
		t.Fatal(got)
	}
	return got.stdout
}

func TestExceptionOfOneRequestLeavesTheScriptRunning(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`isset($_GET['throw']) ? throw new Exception('oops') : "fine $n"`))
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := answered(t, conn, p, "QUERY_STRING", "throw"); !strings.HasPrefix(got, "Status: 500 ") {
		t.Errorf("got %q", got)
	}
	if got := answered(t, conn, p); !strings.HasSuffix(got, "fine 2") || strings.HasPrefix(got, "Status") {
		t.Errorf("then got %q", got)
	}
}

// exit() and a fatal error end the script: what it has printed reaches the client, and the worker ends.
func TestScriptThatEndsWithinARequestAnswersIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ code, head, body string }{
		"exit":        {"exit('bye')", "", "bye"},
		"fatal error": {"eval('class A {} class A {}')", "Status: 500 ", ""},
		"memory":      {"str_repeat('x', PHP_INT_MAX)", "Status: 500 ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			code := "register_shutdown_function(function () { echo ' shutdown'; });" + serving(test.code)
			p := newScriptPool(t, code)
			p.spawn()
			conn := dial(t, p.Socket)
			defer conn.Close()
			got := answered(t, conn, p)
			if !strings.HasPrefix(got, test.head) || !strings.HasSuffix(got, "\r\n\r\n"+test.body+" shutdown") {
				t.Errorf("got %q; %s", got, p.log())
			}
			if end := p.exit(); !end.Status.Exited() {
				t.Errorf("it ended with %v", end.Status)
			}
		})
	}
}

// The time limit is each request's, with a body and without. One that is set between two requests begins with the second.
func TestTimeLimitIsEachRequestsOwn(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "body"} {
		p := newScriptPool(t, `$f = function () { if ($_GET) while (true); echo ini_get('max_execution_time'); };
			while (frankenphp_handle_request($f)) { set_time_limit(1); for ($end = hrtime(true) + 5.5e8; hrtime(true) < $end;); }`,
			sapi.Setting{Name: "max_execution_time", Value: "20"}, sapi.Setting{Name: "display_errors", Value: "1"})
		p.spawn()
		conn := dial(t, p.Socket)
		defer conn.Close()
		for _, want := range []string{"20", "1", "1"} { // the time between two requests would be too long by now
			if got := ask(t, conn, index(p)); got != want {
				t.Fatalf("a limit of %q, want %s", got, want)
			}
		}
		r := index(p, "QUERY_STRING", "q=busy", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", strconv.Itoa(len(body)))
		r.Body = body
		go r.Send(conn)
		if got := receive(conn); !strings.Contains(got.stdout, "Maximum execution time of 1 second exceeded") {
			t.Errorf("got %v", got)
		}
	}
}

// Without a time limit the timer of a request's input, or of the boot's, must not end the script in a later request.
func TestTimerOfTheInputEndsWithIt(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`(function () {
		$used = fn() => ($u = getrusage())['ru_utime.tv_sec'] + $u['ru_utime.tv_usec'] / 1e6;
		for ($end = $used() + 0.25; $used() < $end; md5(str_repeat('x', 100000)));
		return 'done';
	})()`), sapi.Setting{Name: "max_execution_time", Value: "0"}, sapi.Setting{Name: "max_input_time", Value: "1"})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for n := range 5 {
		r := index(p)
		if n == 1 {
			r = index(p, "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "4")
			r.Body = "body"
		}
		if got := ask(t, conn, r); got != "done" {
			t.Fatalf("request %d: got %q; %s", n, got, p.log())
		}
	}
}

func TestSuperglobalsAreEachRequestsOwn(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, "$_ENV['kept'] = 1;"+serving(
		`json_encode([$_GET, $_POST, $_COOKIE, $_REQUEST, $_SERVER['HTTP_X'] ?? null, $_SERVER['PHP_AUTH_USER'] ?? null, $_FILES, $_ENV['kept'], file_get_contents('php://input')])`),
		sapi.Setting{Name: "variables_order", Value: "GPCS"})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	r := index(p, "REQUEST_METHOD", "POST", "QUERY_STRING", "g=1", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "3",
		"HTTP_COOKIE", "c=1", "HTTP_X", "x", "HTTP_AUTHORIZATION", "Basic dTpw")
	r.Body = "p=1"
	if got, want := ask(t, conn, r), `[{"g":"1"},{"p":"1"},{"c":"1"},{"g":"1","p":"1","c":"1"},"x","u",[],1,"p=1"]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := ask(t, conn, index(p)), `[[],[],[],[],null,null,[],1,""]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A session that one request has begun was the next one's.
func TestSessionOfOneRequestIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`(function () { if (isset($_GET['user'])) { session_start(); $_SESSION['user'] = $_GET['user']; }
		return json_encode([session_status(), session_id() !== '', $_SESSION ?? null]); })()`),
		sapi.Setting{Name: "session.save_path", Value: t.TempDir()})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got, want := ask(t, conn, index(p, "QUERY_STRING", "user=a")), `[2,true,{"user":"a"}]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := ask(t, conn, index(p)), `[1,false,null]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := ask(t, conn, index(p, "QUERY_STRING", "user=b")), `[2,true,{"user":"b"}]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A client could end a worker by a body with too many variables: the script's error handler threw, where nothing catches it.
func TestMalformedBodyDoesNotEndTheScript(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, "set_error_handler(function ($n, $text) { throw new ErrorException($text); });"+
		serving(`json_encode([$n, count($_POST), error_get_last()['message'] ?? null])`),
		sapi.Setting{Name: "max_input_vars", Value: "2"})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	r := index(p, "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "11")
	r.Body = "a=1&b=2&c=3"
	if got := ask(t, conn, r); !strings.HasPrefix(got, `[1,3,"frankenphp_handle_request(): Input variables exceeded 2.`) {
		t.Errorf("got %s", got)
	}
	r = index(p, "REQUEST_METHOD", "POST", "CONTENT_TYPE", "multipart/form-data", "CONTENT_LENGTH", "3")
	r.Body = "a=1"
	if got := ask(t, conn, r); !strings.HasPrefix(got, `[2,0,"`) {
		t.Errorf("got %s", got)
	}
	if got, want := ask(t, conn, index(p)), `[3,0,null]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWorkerAsksForASuccessor(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`$n`))
	p.script.MaxRequests = 2
	c := p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for i := range 4 {
		if got := ask(t, conn, index(p)); got != fmt.Sprint(i+1) {
			t.Errorf("got %s", got)
		}
	}
	if letter, _, text := c.receive(t); letter != contract.Retire || text != "max_requests" {
		t.Errorf("the worker said %c%s", letter, text)
	}
	c.say(contract.Quit, -1)
	if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
		t.Errorf("the worker said %c, want Park of the kept connection", letter)
	}
	if end := p.exit(); end.Status != 0 {
		t.Errorf("it ended with %v", end.Status)
	}
}

// A kept connection whose requests were for the worker script and for others in turn was closed after every second answer.
func TestConnectionThatWasHandedOnComesBack(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`"worker $n"`))
	first := p.spawn()
	p.handed = true
	other := p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for i := range 3 {
		if got, want := ask(t, conn, index(p)), fmt.Sprint("worker ", i+1); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		if got := ask(t, conn, get(filepath.Join(p.Dir, "public"), "other.php")); !strings.HasPrefix(got, "other ") {
			t.Fatalf("got %q", got)
		}
		letter, fd, _ := other.receive(t)
		if letter != contract.Park || fd < 0 {
			t.Fatalf("the worker said %c %d, want Park", letter, fd)
		}
		first.say(contract.WhenIdle, -1)
		first.receive(t)
		first.say(contract.Connection, fd)
		unix.Close(fd)
	}
}

// From the switch of a deployment's link to the reload behind it, requests for the link's new target got an error.
func TestLinkThatIsSwitchedIsAnsweredByTheOldScript(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`"worker $n"`))
	p.write("next/index.php", "<?php echo 'next';")
	link := filepath.Join(p.Dir, "current")
	if err := os.Symlink("public", link); err != nil {
		t.Fatal(err)
	}
	p.script.For = []string{filepath.Join(link, "index.php")}
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := ask(t, conn, index(p)); got != "worker 1" {
		t.Errorf("got %q", got)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("next", link); err != nil {
		t.Fatal(err)
	}
	for i, dir := range []string{"next", "public"} {
		if got, want := ask(t, conn, get(filepath.Join(p.Dir, dir), "index.php")), fmt.Sprint("worker ", i+2); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Go's runtime crashed on a Fiber's stack.
func TestLoopInAFiberIsRefused(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, "(new Fiber(function () { frankenphp_handle_request(function () {}); }))->start();")
	c := p.spawn()
	if said := strings.Join(c.said, "\n"); !strings.Contains(said, "was called in a Fiber: call it outside of one") {
		t.Errorf("the worker said %q", said)
	}
}
