package worker

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

// What worker scripts written for FrankenPHP rely on.

// aLot is the deadline of tests that take seconds of CPU time, on a machine that is busy.
const aLot = 5 * time.Minute

// post is a request with a body.
func post(p *pool, contentType, body string, change ...string) *testRequest {
	r := index(p, append([]string{"REQUEST_METHOD", "POST", "CONTENT_TYPE", contentType, "CONTENT_LENGTH", strconv.Itoa(len(body))}, change...)...)
	r.Body = body
	return r
}

// expectAnswers has a worker script answer requests on one connection, and compares the bodies.
func expectAnswers(t *testing.T, p *pool, requests []*testRequest, want ...string) {
	t.Helper()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for i, r := range requests {
		if got := ask(t, conn, r); got != want[i] {
			t.Errorf("request %d: got\n%s, want\n%s\n%s", i+1, got, want[i], p.log())
		}
	}
}

// twice is two plain requests.
func twice(p *pool) []*testRequest { return []*testRequest{index(p), index(p)} }

func TestBootSeesTheEnvironmentAndNoRequest(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$boot = $_SERVER; $env = [getenv('FRANKENPHP_WORKER'), getenv('SCRIPT_NAME')];`+
		serving(`json_encode([array_keys($GLOBALS['boot']), $GLOBALS['boot']['FRANKENPHP_WORKER'], $GLOBALS['env'],
			$_SERVER['FRANKENPHP_WORKER'], getenv('FRANKENPHP_WORKER'), getenv('HTTP_X'), $_SERVER['HTTP_X'], $_SERVER['REQUEST_URI'], $_SERVER['PHP_SELF']])`))
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for _, x := range []string{"a", "b"} {
		var got []any
		if err := json.Unmarshal([]byte(ask(t, conn, index(p, "HTTP_X", x, "REMOTE_ADDR", "192.0.2.1"))), &got); err != nil {
			t.Fatal(err)
		}
		allowed := []string{"LC_ALL", "PATH", "PADDING", "USER", "HOME", "FRANKENPHP_WORKER", "REQUEST_METHOD", "SCRIPT_FILENAME", "SCRIPT_NAME", "PHP_SELF",
			"REQUEST_METHOD", "REQUEST_TIME", "REQUEST_TIME_FLOAT", "argv", "argc"}
		for _, key := range got[0].([]any) {
			if !slices.Contains(allowed, key.(string)) {
				t.Errorf("the boot saw %s", key)
			}
		}
		rest, _ := json.Marshal(got[1:])
		if want := `["1",["1","` + p.script.Script + `"],"1","1","` + x + `","` + x + `","/index.php","/index.php"]`; string(rest) != want {
			t.Errorf("got  %s\nwant %s", rest, want)
		}
	}
}

// $_ENV was made from the variables of the request in which it was first named, and all that followed read them.
func TestEnvHasNothingOfARequest(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`json_encode(array_intersect_key(eval('return $_ENV;'), ['HTTP_X' => 1, 'PATH' => 1]))`),
		sapi.Setting{Name: "variables_order", Value: "EGPCS"})
	p.spawn()
	expectAnswers(t, p, []*testRequest{index(p, "HTTP_X", "secret"), index(p)}, `{"PATH":"\/usr\/bin:\/bin"}`, `{"PATH":"\/usr\/bin:\/bin"}`)
}

const sessionHandler = `class Handler implements SessionHandlerInterface {
	static $said = []; static $data = [];
	function __construct(public $name) {}
	function open($path, $name): bool { self::$said[] = "$this->name open"; return true; }
	function close(): bool { return true; }
	function read($id): string { return self::$data[$id] ?? ''; }
	function write($id, $data): bool { self::$said[] = "$this->name write $id"; self::$data[$id] = $data; return true; }
	function destroy($id): bool { return true; }
	function gc($life): int { return 0; }
}
function used() { if (isset($_GET['id'])) { session_id($_GET['id']); session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; }
	return json_encode([session_module_name(), $_SESSION ?? null, array_splice(Handler::$said, 0)]); }
`

func TestSaveHandlersAreKept(t *testing.T) {
	t.Parallel()
	const set = `(function () { if (isset($_GET['set'])) session_set_save_handler(new Handler('request')); return used(); })()`
	p := newScriptPool(t, sessionHandler+`session_set_save_handler(new Handler('boot'), true);`+serving(set))
	p.spawn()
	expectAnswers(t, p, []*testRequest{index(p, "QUERY_STRING", "id=a"), index(p), index(p, "QUERY_STRING", "id=b"),
		index(p, "QUERY_STRING", "id=a&set=1"), index(p, "QUERY_STRING", "id=a"), index(p)},
		`["user",{"n":1},["boot open"]]`,
		`["user",null,["boot write a"]]`,
		`["user",{"n":1},["boot open"]]`,
		`["user",{"n":2},["boot write b","request open"]]`,
		`["user",{"n":3},["request write a","request open"]]`,
		`["user",null,["request write a"]]`)
}

// Symfony makes its storage in the first request that has a session. From the second on sessions could not be started.
func TestSaveHandlersOfTheFirstRequestAreKept(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		p := newScriptPool(t, sessionHandler+`function used_again() { static $set; $set ??= session_set_save_handler(new Handler('first'), true); return used(); }`+
			serving(`isset($_GET['id']) ? used_again() : session_module_name()`))
		p.script.Strict = strict
		p.spawn()
		expectAnswers(t, p, []*testRequest{index(p), index(p, "QUERY_STRING", "id=a"), index(p, "QUERY_STRING", "id=a"), index(p, "QUERY_STRING", "id=b")},
			`files`, `["user",{"n":1},["first open"]]`, `["user",{"n":2},["first write a","first open"]]`, `["user",{"n":1},["first write a","first open"]]`)
	}
}

func TestSessionThatStartsByItselfHasTheSaveHandlersOfTheBoot(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, sessionHandler+`session_write_close(); session_set_save_handler(new Handler('boot'), true);`+
		serving(`json_encode([session_status(), array_splice(Handler::$said, 0)])`),
		sapi.Setting{Name: "session.auto_start", Value: "1"}, sapi.Setting{Name: "session.save_path", Value: t.TempDir()}, sapi.Setting{Name: "session.use_cookies", Value: "0"})
	p.spawn()
	expectAnswers(t, p, twice(p)[:1], `[2,["boot open"]]`)
}

// A session before the loop, or between two calls, is nobody's.
func TestSessionsOutsideOfRequests(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `ini_set('session.use_cookies', '0'); session_id('boot'); session_start(); $_SESSION['user'] = 'boot';
while (frankenphp_handle_request(function () { echo json_encode([session_status(), session_id(), $_SESSION ?? null]); })) {
	ini_set('session.use_cookies', '0'); session_id('between'); @session_start(['use_cookies' => '0', 'cache_limiter' => '']); $_SESSION['user'] = 'between';
}`, sapi.Setting{Name: "session.save_path", Value: t.TempDir()}, sapi.Setting{Name: "session.use_cookies", Value: "0"})
	p.spawn()
	expectAnswers(t, p, twice(p), `[1,"",null]`, `[1,"",null]`)
}

// A session that could not be written threw its exception into the script.
func TestExceptionAtTheEndOfARequestIsThatRequests(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"session": sessionHandler + `class Bad extends Handler { function write($id, $data): bool { throw new Exception('lost session'); } }` +
			serving(`(function () { session_set_save_handler(new Bad('bad')); session_start(); return $GLOBALS['n']; })()`),
		"output buffer": serving(`(function () { echo $GLOBALS['n']; ob_start(function () { throw new Exception('lost output'); }); })()`),
	} {
		p := newScriptPool(t, code, sapi.Setting{Name: "log_errors", Value: "1"})
		p.spawn()
		conn := dial(t, p.Socket)
		first, second := index(p), index(p)
		first.Keep, second.Keep = true, true
		for i, r := range []*testRequest{first, second} {
			go r.Send(conn)
			got := receive(conn)
			if !strings.HasSuffix(got.stdout, "\r\n\r\n"+strconv.Itoa(i+1)) {
				t.Errorf("%s: got %v; %s", name, got, p.log())
			}
			if said := got.stderr + p.log(); !strings.Contains(said, "Uncaught Exception: lost "+strings.Fields(name)[0]) {
				t.Errorf("%s: it said %s", name, said)
			}
		}
		conn.Close()
	}
}

func TestUploadsAreDeletedAfterTheRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newScriptPool(t, serving(`json_encode([$_FILES['f']['name'] ?? null, is_uploaded_file($_FILES['f']['tmp_name'] ?? ''),
		file_get_contents($_FILES['f']['tmp_name'] ?? 'data:,none'), $_POST, count(glob('`+dir+`/*')),
		isset($_GET['move']) && move_uploaded_file($_FILES['f']['tmp_name'], '`+dir+`/moved')])`),
		sapi.Setting{Name: "upload_tmp_dir", Value: dir})
	p.spawn()
	const body = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\ntext\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n"
	form := func(query string) *testRequest {
		return post(p, "multipart/form-data; boundary=b", body, "QUERY_STRING", query)
	}
	expectAnswers(t, p, []*testRequest{form(""), index(p), form("move=1"), index(p)},
		`["a.txt",true,"text",{"x":"1"},1,false]`, `[null,false,"none",[],0,false]`,
		`["a.txt",true,"text",{"x":"1"},1,true]`, `[null,false,"none",[],1,false]`)
}

func TestBodiesAndStreamsAreEachRequestsOwn(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$kept = fopen('php://temp', 'w+'); $input = fopen('php://input', 'r');`+
		serving(`(function () { global $kept, $input; fwrite($kept, 'x'); $first = fopen('php://input', 'r');
		return json_encode([fread($first, 2), stream_get_contents($first), file_get_contents('php://input'), ftell($kept), $_REQUEST, stream_get_contents($input)]); })()`))
	p.spawn()
	expectAnswers(t, p, []*testRequest{post(p, "text/plain", "body a"), post(p, "application/x-www-form-urlencoded", "b=1"), index(p, "QUERY_STRING", "c=1"), index(p)},
		`["bo","dy a","body a",1,[],""]`, `["b=","1","b=1",2,{"b":"1"},""]`, `["","","",3,{"c":"1"},""]`, `["","","",4,[],""]`)
}

// $_REQUEST is made when it is first named, which may be in any request.
func TestRequestVariablesThatAreFirstNamedLate(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`isset($_GET['name']) ? json_encode(eval('return $_REQUEST;')) : 'unnamed'`))
	p.spawn()
	expectAnswers(t, p, []*testRequest{index(p, "QUERY_STRING", "a=1"), index(p, "QUERY_STRING", "name=1"), index(p, "QUERY_STRING", "name=2")},
		`unnamed`, `{"name":"1"}`, `{"name":"2"}`)
}

func TestHeadersAndStatusAreEachRequestsOwn(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `header('X-Boot: 1'); setcookie('boot', '1'); http_response_code(500);`+
		serving(`(function () { if (isset($_GET['set'])) { header('X-A: 1'); setcookie('c', '1'); header('Content-Type: text/plain'); http_response_code(418); }
			return json_encode([http_response_code(), headers_sent(), headers_list(), frankenphp_response_headers()]); })()`),
		sapi.Setting{Name: "expose_php", Value: "0"})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	got := answered(t, conn, p, "QUERY_STRING", "set=1")
	if !strings.HasPrefix(got, "Status: 418\r") || !strings.Contains(got, "X-A: 1") || !strings.Contains(got, "Set-Cookie: c=1") {
		t.Errorf("got %q", got)
	}
	if got, want := answered(t, conn, p), "Content-type: text/html; charset=UTF-8\r\n\r\n[200,false,[],[]]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOutputBuffersOfARequestEndWithIt(t *testing.T) {
	t.Parallel()
	const code = `(function () { echo ob_get_level(), ' '; ob_start(fn($b) => strtoupper($b)); echo 'upper '; ob_start(); echo 'deep'; })()`
	for name, test := range map[string]struct {
		boot, setting, value, want string
	}{
		"none":             {"", "output_buffering", "0", "0 UPPER DEEP"},
		"output_buffering": {"", "output_buffering", "4096", "1 UPPER DEEP"},
		"output_handler":   {"function shout($b) { return strrev($b); } ", "output_handler", "shout", "PEED REPPU 1"},
		"before the loop":  {"ob_start(fn($b) => strrev($b)); echo 'toob';", "output_buffering", "0", "0 UPPER DEEP"},
	} {
		p := newScriptPool(t, test.boot+serving(code), sapi.Setting{Name: test.setting, Value: test.value})
		c := p.spawn()
		expectAnswers(t, p, twice(p), test.want, test.want)
		if said := strings.Join(c.said, "|"); name == "before the loop" && !strings.HasSuffix(said, "the worker script printed: boot") {
			t.Errorf("%s: the worker said %q", name, said)
		}
	}
}

func TestInterimHeadsOfAWorkerScript(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`(function () { header('Link: </a.css>'); return headers_send(103); })()`), sapi.Setting{Name: "expose_php", Value: "0"})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for range 2 {
		r := index(p)
		r.Flags, r.Keep = fastcgi.Interim, true
		go r.Send(conn)
		if got, want := receive(conn).stdout, "Status: 103\r\nLink: </a.css>\r\n\r\nLink: </a.css>\r\nContent-type: text/html; charset=UTF-8\r\n\r\n1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Output after the answer's end reaches nobody, and is not an abort of the next request.
func TestFinishedRequestOfAWorkerScript(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$after = 0;`+serving(`(function () { global $after; echo json_encode([$after, connection_status()]);
		fastcgi_finish_request(); echo str_repeat('x', 100000); flush(); header('X-Late: 1'); $after++; return 'late'; })()`))
	p.spawn()
	expectAnswers(t, p, []*testRequest{index(p), index(p), index(p)}, "[0,0]", "[1,0]", "[2,0]")
}

// Between two calls the superglobals are still those of the request, and what is printed is for nobody.
func TestWorkBetweenTwoCalls(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$seen = [];
while (frankenphp_handle_request(function () { echo json_encode($GLOBALS['seen']); })) {
	echo str_repeat('between', 10000); flush(); ob_start(); echo 'more';
	$seen = [$_GET, $_SERVER['REQUEST_URI'], file_get_contents('php://input'), headers_sent(), http_response_code(), fastcgi_finish_request(), connection_status()];
}
echo 'end';`)
	p.caught = true
	c := p.spawn()
	expectAnswers(t, p, []*testRequest{post(p, "text/plain", "body", "QUERY_STRING", "a=1"), index(p)},
		`[]`, `[{"a":"1"},"\/index.php","",true,200,false,0]`)
	said := c.quits(t)
	p.exit()
	out := make([]byte, 1000)
	n, _ := unix.Read(c.output[0], out)
	if shown := strings.ReplaceAll(string(out[:max(n, 0)]), "\x00fscf\x00", ""); shown != "" || strings.Contains(said, "between") {
		t.Errorf("it was printed: %q; said: %q", shown, said)
	}
}

const burn = `function burn($seconds) { $use = fn() => getrusage()['ru_utime.tv_sec'] + getrusage()['ru_utime.tv_usec'] / 1e6 + getrusage()['ru_stime.tv_sec'] + getrusage()['ru_stime.tv_usec'] / 1e6;
	for ($end = $use() + $seconds; $use() < $end;) { } return 'burnt'; }
`

// The time limit is of each request, from its beginning, and the boot's is none of theirs.
func TestTimeLimitIsOfEachRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ boot, setting string }{
		"by the setting":   {"", "1"},
		"before the loop":  {"set_time_limit(1);", "30"},
		"in all of a boot": {"set_time_limit(1); burn(0.55);", "30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newScriptPool(t, burn+test.boot+serving(`burn((float) $_GET['s']) . ini_get('max_execution_time')`),
				sapi.Setting{Name: "max_execution_time", Value: test.setting}, sapi.Setting{Name: "log_errors", Value: "1"})
			p.spawn()
			conn := dial(t, p.Socket)
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(aLot))
			for range 2 {
				if got := ask(t, conn, index(p, "QUERY_STRING", "s=0.55")); got != "burnt1" {
					t.Errorf("got %q", got)
				}
			}
			r := index(p, "QUERY_STRING", "s=20")
			go r.Send(conn)
			got := receive(conn)
			if !strings.HasPrefix(got.stdout, "Status: 500 ") || !strings.Contains(got.stderr, "Maximum execution time of 1 second exceeded") {
				t.Errorf("got %v", got)
			}
			if end := p.exit(); !end.Status.Exited() {
				t.Errorf("it ended with %v", end.Status)
			}
		})
	}
}

// A client that leaves ended the script, with all that it had booted.
func TestClientThatLeavesDoesNotEndTheScript(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$aborted = 0;`+serving(`(function () { global $aborted, $n; if (!isset($_GET['long'])) return json_encode([$n, $aborted, connection_aborted(), ignore_user_abort()]);
		for ($i = 0; $i < 2000 && !connection_aborted(); $i++) { echo str_repeat('x', 10000); flush(); } $aborted += connection_aborted(); })()`))
	p.spawn()
	conn := dial(t, p.Socket)
	r := index(p, "QUERY_STRING", "long=1")
	go r.Send(conn)
	conn.Read(make([]byte, 100))
	conn.Close()
	expectAnswers(t, p, []*testRequest{index(p)}, "[2,1,0,1]")
}

// Fatal errors end the script: what it has printed reaches the client, with the status that it has by then.
func TestFatalErrorsWithOutput(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`eval('class A {} class A {}')`:                       "Status: 500 ",
		`(function () { echo 'x'; flush(); undefined(); })()`: "",
		`(function () { ini_set('memory_limit', memory_get_usage(true) + (1 << 20)); return str_repeat('x', 1 << 28); })()`: "Status: 500 ",
	} {
		p := newScriptPool(t, serving(code))
		p.spawn()
		conn := dial(t, p.Socket)
		if got := answered(t, conn, p); !strings.HasPrefix(got, want) || (want == "" && !strings.HasSuffix(got, "\r\n\r\nx")) {
			t.Errorf("%s: got %q", code, got)
		}
		conn.Close()
	}
}

func TestDieAnswersWithItsText(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `class Kept { function __destruct() { echo ' destructor'; } } $kept = new Kept;
register_shutdown_function(function () { echo ' shutdown'; });`+serving(`(function () { http_response_code(403); echo 'no '; ob_start(); echo 'buffered '; try { die('dead'); } finally { echo 'never'; } })()`))
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := answered(t, conn, p); !strings.HasPrefix(got, "Status: 403 ") || !strings.HasSuffix(got, "\r\n\r\nno buffered dead shutdown destructor") {
		t.Errorf("got %q", got)
	}
}

// Shutdown functions and destructors are run when the script ends, once: they are not of any request.
func TestShutdownFunctionsRunAtTheScriptsEnd(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `class Temporary { function __destruct() { echo ' destructor'; } }
class Kept { function __destruct() { error_log('kept destructor'); } } $kept = new Kept;`+
		serving(`(function () { register_shutdown_function(function () { error_log('shutdown'); echo 'for nobody'; }); new Temporary; return $GLOBALS['n']; })()`))
	c := p.spawn()
	expectAnswers(t, p, twice(p), " destructor1", " destructor2")
	if strings.Contains(p.log(), "shutdown") {
		t.Errorf("before its end it says %s", p.log())
	}
	c.quits(t)
	p.exit()
	if log := p.log(); strings.Count(log, "shutdown") != 2 || strings.Count(log, "kept destructor") != 1 {
		t.Errorf("at its end it says %s", log)
	}
}

// A handler is any callable. It is given no arguments, and what it returns is not looked at.
func TestHandlersOfAllKinds(t *testing.T) {
	t.Parallel()
	const code = `
function named() { echo 'function'; return false; }
class A { static function still() { echo 'static'; return 0; } function method() { echo 'method'; } function __invoke() { echo 'invoked'; } }
function generated() { echo 'never'; yield 1; }
$handlers = ['named', 'A::still', ['A', 'still'], [new A, 'method'], new A, named(...), fn() => print 'arrow', function (...$a) { echo count($a); }, function ($a = 'default') { echo $a; },
	'generated', fn(int $needed) => 1, fn() => throw new Error('thrown'), function () { try { frankenphp_handle_request('named'); } catch (Throwable $e) { echo get_class($e), ' ', $e->getMessage(); } }];
$results = [];
for (;;) { foreach ($handlers as $h) { if (!frankenphp_handle_request($h)) exit; $results[] = 1; } }`
	p := newScriptPool(t, code)
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for i, want := range []string{"function", "static", "static", "method", "invoked", "function", "arrow", "0", "default", "", "500", "500",
		"Exception frankenphp_handle_request() was called by the handler of a request: call it again after it has returned", "function"} {
		got := answered(t, conn, p)
		_, body, _ := strings.Cut(got, "\r\n\r\n")
		if strings.HasPrefix(got, "Status: 500 ") {
			body = "500"
		}
		if body != want {
			t.Errorf("handler %d: got %q, want %q; %s", i, got, want, p.log())
		}
	}
}

func TestWrongHandlersAreRefused(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$said = [];
foreach ([['nobody'], [], [fn() => 1, 2]] as $arguments) { try { frankenphp_handle_request(...$arguments); } catch (Throwable $e) { $said[] = get_class($e); } }`+
		serving(`json_encode($GLOBALS['said'])`))
	p.spawn()
	expectAnswers(t, p, twice(p)[:1], `["TypeError","ArgumentCountError","ArgumentCountError"]`)
}

func TestHeadersAndFilteredInputAreEachRequestsOwn(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`json_encode([getallheaders()['X-A'] ?? null, frankenphp_request_headers()['X-B'] ?? null, filter_input(INPUT_GET, 'n', FILTER_VALIDATE_INT),
		filter_input(INPUT_POST, 'p'), filter_input(INPUT_COOKIE, 'c'), filter_input(INPUT_SERVER, 'HTTP_X_A'), filter_has_var(INPUT_GET, 'n')])`))
	p.spawn()
	expectAnswers(t, p, []*testRequest{
		post(p, "application/x-www-form-urlencoded", "p=q", "QUERY_STRING", "n=5", "HTTP_X_A", "a", "HTTP_COOKIE", "c=d"),
		index(p, "HTTP_X_B", "b"), index(p, "QUERY_STRING", "n=x")},
		`["a",null,5,"q","d","a",true]`, `[null,"b",null,null,null,null,false]`, `[null,null,false,null,null,null,true]`)
}

func TestCompressionOfEachRequest(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`str_repeat("answer $n ", 100)`), sapi.Setting{Name: "zlib.output_compression", Value: "1"})
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for i, encoding := range []string{"gzip", "", "gzip", "gzip", ""} {
		got := answered(t, conn, p, "HTTP_ACCEPT_ENCODING", encoding)
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if strings.Contains(head, "Content-Encoding: gzip") != (encoding == "gzip") {
			t.Errorf("request %d: got %q", i+1, head)
		}
		if encoding == "gzip" {
			r, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			plain, _ := io.ReadAll(r)
			body = string(plain)
		}
		if want := strings.Repeat("answer "+strconv.Itoa(i+1)+" ", 100); body != want {
			t.Errorf("request %d: got %q", i+1, body)
		}
	}
}

// Settings of a request would be those of all that follow.
func TestSettingsOfARequestHaveNoEffect(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`ini_get('precision')`))
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for _, name := range []string{"PHP_VALUE", "PHP_ADMIN_VALUE"} {
		r := index(p, name, "precision=5")
		r.Keep = true
		go r.Send(conn)
		if got := receive(conn); !strings.HasSuffix(got.stdout, "\r\n\r\n14") || !strings.Contains(got.stderr, "PHP_VALUE and PHP_ADMIN_VALUE of a request have no effect") {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// A child that a handler forks takes none of the requests, and none of the answers.
func TestForkInAHandler(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`(function () { $pid = pcntl_fork(); if ($pid == 0) { echo 'child'; return 'child'; } pcntl_waitpid($pid, $status); return 'parent ' . $GLOBALS['n']; })()`))
	p.spawn()
	expectAnswers(t, p, twice(p), "parent 1", "parent 2")
}

func TestPeakOfMemoryIsOfEachRequest(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, serving(`isset($_GET['much']) ? strlen(str_repeat('x', 50 << 20)) : (int) (memory_get_peak_usage(true) / (32 << 20))`))
	p.spawn()
	expectAnswers(t, p, []*testRequest{index(p, "QUERY_STRING", "much=1"), index(p)}, "52428800", "0")
}

// A worker script that does not boot says why to STDERR, which web servers' front ends do not define.
func TestStderrIsDefinedInWorkerScripts(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `fwrite(STDERR, "from the boot\n");`+serving(`(function () { fwrite(STDERR, "from a request\n"); return get_resource_type(STDERR); })()`))
	p.spawn()
	expectAnswers(t, p, twice(p), "stream", "stream")
	if log := p.log(); strings.Count(log, "from the boot") != 1 || strings.Count(log, "from a request") != 2 {
		t.Errorf("standard error has %q", log)
	}
}

func TestManyRequestsDoNotGrowMemory(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		p := newScriptPool(t, serving(`(function () { session_id('a'); session_start(); header("X-A: 1"); setcookie('a', 'b'); ob_start(); putenv("A=$GLOBALS[n]"); ini_set('precision', '5');
			set_error_handler(fn() => true); restore_error_handler(); date_default_timezone_set('UTC'); return json_encode([memory_get_usage(true), memory_get_usage(), $_POST, $_FILES]); })()`),
			sapi.Setting{Name: "session.save_path", Value: t.TempDir()}, sapi.Setting{Name: "session.cache_limiter", Value: ""})
		p.script.Strict = strict
		p.spawn()
		conn := dial(t, p.Socket)
		conn.SetDeadline(time.Now().Add(aLot))
		var at [2][2]float64
		for i := range 10000 {
			got := ask(t, conn, post(p, "application/x-www-form-urlencoded", "p=1", "HTTP_COOKIE", "c=1", "QUERY_STRING", "q=1"))
			if i == 999 || i == 9999 {
				var usage []any
				if err := json.NewDecoder(bytes.NewReader([]byte(got))).Decode(&usage); err != nil {
					t.Fatal(got)
				}
				at[i/9000] = [2]float64{usage[0].(float64), usage[1].(float64)}
			}
		}
		conn.Close()
		if at[0][0] != at[1][0] || at[1][1]-at[0][1] > 1000 {
			t.Errorf("strict %v: after 1000 and after 10000 requests PHP has %v bytes", strict, at)
		}
	}
}

// The worker takes the place of one that has ended; nothing of its own is said but that.
func TestScriptThatLeavesTheLoopEndsTheWorker(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$n = 0; while ($n < 2 && frankenphp_handle_request(function () use (&$n) { echo ++$n; })) { }`)
	p.spawn()
	c := p.workers[0]
	expectAnswers(t, p, twice(p), "1", "2")
	if letter, _, text := c.receive(t); letter != contract.Retire || text != scoreboard.ByExit.String() {
		t.Errorf("the worker said %c%s, want its wish for a successor", letter, text)
	}
	if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
		t.Errorf("the worker said %c, want Park of the kept connection", letter)
	}
	if end := p.exit(); !end.Status.Exited() || end.Status.ExitStatus() != 0 {
		t.Errorf("it ended with %v", end.Status)
	}
}

// A script that ignored that there are no more requests kept a processor busy for ever. One that does not ignore it runs to its end.
func TestScriptThatIgnoresTheEndIsEnded(t *testing.T) {
	t.Parallel()
	const answer = `frankenphp_handle_request(function () { echo 'answer'; })`
	for name, test := range map[string]struct {
		code, marks string
		heedless    bool
	}{
		"while (true)":   {`while (true) { ` + answer + `; mark('.'); } mark('end');`, "..shutdown", true},
		"caught":         {`while (true) { try { ` + answer + `; mark('.'); } catch (Throwable $e) { mark('caught'); } finally { } }`, "..shutdown", true},
		"while":          {`while (` + answer + `) { mark('.'); } mark('end');`, ".endshutdown", false},
		"do while":       {`do { $more = ` + answer + `; mark('.'); } while ($more); mark('end');`, "..endshutdown", false},
		"FrankenPHP's":   {`for ($n = 0; !$n || $n < 9; ++$n) { $keepRunning = ` + answer + `; mark('.'); if (!$keepRunning) break; } mark('end');`, "..endshutdown", false},
		"once more only": {answer + `; ` + answer + `; ` + answer + `; mark('end');`, "shutdown", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newScriptPool(t, "function mark($m) { file_put_contents(__DIR__ . '/marks', $m, FILE_APPEND); } register_shutdown_function('mark', 'shutdown');"+test.code)
			p.spawn()
			c := p.workers[0]
			conn := dial(t, p.Socket)
			if got := ask(t, conn, index(p)); got != "answer" {
				t.Errorf("got %q", got)
			}
			conn.Close()
			c.say(contract.Quit, -1)
			if end := p.exit(); !end.Status.Exited() || end.Status.ExitStatus() != 0 {
				t.Errorf("it ended with %v", end.Status)
			}
			var said []byte
			for {
				letter, _, _ := c.receive(t)
				if letter == 0 {
					break
				}
				said = append(said, letter)
			}
			if n := bytes.Count(said, []byte{contract.Heedless}); n > 1 || (n == 1) != test.heedless {
				t.Errorf("the worker said %q", said)
			}
			if marks, err := os.ReadFile(filepath.Join(p.Dir, "public/marks")); err != nil || string(marks) != test.marks {
				t.Errorf("the script got to %q, %v, want %q", marks, err, test.marks)
			}
		})
	}
}

// A process that the loop forks has no requests to answer: if it ignored that it ran for ever.
func TestForkedProcessThatIgnoresTheEndIsEnded(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$how = ''; while (true) {
		frankenphp_handle_request(function () { echo $GLOBALS['how']; });
		if ($how == '' && $pid = pcntl_fork()) {
			pcntl_waitpid($pid, $status);
			$how = 'ended with ' . pcntl_wexitstatus($status);
		}
	}`)
	p.spawn()
	expectAnswers(t, p, twice(p), "", "ended with 0")
}
