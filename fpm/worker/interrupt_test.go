package worker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi"
)

// softly is the soft time-out of tests: long enough for an ordinary request on a busy machine.
const softly = 300 * time.Millisecond

// newSoftPool makes a pool with that time-out, and a worker.
func newSoftPool(t *testing.T, settings ...sapi.Setting) (*pool, *child) {
	t.Helper()
	settings = append([]sapi.Setting{{Name: "display_errors", Value: "0"}}, settings...)
	p := newPoolOf(t, func(m *sapi.Module) { m.Interrupts = true }, nil, settings...)
	p.soft = softly
	return p, p.spawn()
}

// A script is told that its request takes too long, wherever it is in PHP code, and can answer. If it does not, it ends as by any error,
// with its shutdown functions and destructors.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	const caught = "Status: 504 Gateway Timeout\r\n"
	answer := func(code string) string {
		return `<?php try { ` + code + ` } catch (Phpsapi\RequestTimeout $e) { http_response_code(504); echo get_class($e), " ", get_parent_class($e), " ", $e->getMessage(), " ", $e->getLine(); }`
	}
	// Where it does not matter what the script does meanwhile, it leaves the processor to other tests.
	tests := []struct{ name, code, status, body string }{
		{"in a loop", answer("while (true);"), caught, `Phpsapi\RequestTimeout Error Maximum request time of 300ms exceeded 1`},
		{"between short functions of C", answer("while (true) usleep(1000);"), caught, `Phpsapi\RequestTimeout`},
		{"in calls", answer("function f($n) { return $n > 0 ? f($n - 1) : 0; } while (true) f(50);"), caught, `Phpsapi\RequestTimeout`},
		{"in a callback of C", answer("$a = range(1, 1000); usort($a, fn() => usleep(1000) ?? 1);"), caught, `Phpsapi\RequestTimeout`},
		{"behind a long function of C", answer("usleep(500000); while (true);"), caught, `Phpsapi\RequestTimeout`},
		{"in a generator", answer("foreach ((function () { while (true) yield 1; })() as $x);"), caught, `Phpsapi\RequestTimeout`},
		{"in a fiber", answer("(new Fiber(function () { while (true) usleep(1000); }))->start();"), caught, `Phpsapi\RequestTimeout`},
		{"in an included file", answer(`include __DIR__ . "/loop.inc";`), caught, `Phpsapi\RequestTimeout`},
		{"not as an Exception", `<?php try { while (true) usleep(1000); } catch (Exception $e) { echo "no"; } catch (Error $e) { echo "an Error"; }`, "Content-type", "an Error"},
		{"finally", `<?php try { while (true) usleep(1000); } finally { echo "finally"; }`, "Content-type", "finally"},
		{"nobody catches it", `<?php class D { function __destruct() { echo " destructor"; } } $d = new D; register_shutdown_function(function () { echo "shutdown ", error_get_last()["type"] ?? "none"; }); while (true) usleep(1000);`,
			"Status: 500", "shutdown 1 destructor"},
		{"an exception handler", `<?php set_exception_handler(function ($e) { http_response_code(504); echo "handled ", get_class($e); }); while (true) usleep(1000);`, caught, `handled Phpsapi\RequestTimeout`},
		{"once", `<?php $n = 0; $end = microtime(true) + 1; while (microtime(true) < $end) { try { while (microtime(true) < $end) usleep(1000); } catch (Error $e) { $n++; } } echo "thrown $n";`, "Content-type", "thrown 1"},
		{"shutdown functions have all time", `<?php register_shutdown_function(function () { $end = microtime(true) + 0.6; while (microtime(true) < $end) usleep(1000); echo "all"; });`, "Content-type", "all"},
		{"short", `<?php echo "short";`, "Content-type", "short"},
	}
	for _, jit := range []string{"off", "tracing"} {
		t.Run("jit "+jit, func(t *testing.T) {
			t.Parallel()
			p, _ := newSoftPool(t, sapi.Setting{Name: "zend_extension", Value: "opcache"}, sapi.Setting{Name: "opcache.jit", Value: jit},
				sapi.Setting{Name: "opcache.jit_buffer_size", Value: "16M"})
			p.write("loop.inc", "<?php while (true);")
			conn := dial(t, p.Socket)
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute))
			for i, test := range tests {
				name := fmt.Sprintf("%d.php", i)
				p.write(name, test.code)
				r := get(p.Dir, name)
				r.Keep = true
				go r.Send(conn)
				got := receive(conn)
				head, body, _ := strings.Cut(got.stdout, "\r\n\r\n")
				if got.err != nil || !strings.Contains(head+"\r\n", test.status) || !strings.HasPrefix(body, test.body) {
					t.Errorf("%s: got %v", test.name, got)
				}
			}
		})
	}
}

// The master hears of it while the script runs, also of one whose client has its answer.
func TestMasterHearsOfTheTimeout(t *testing.T) {
	t.Parallel()
	p, c := newSoftPool(t)
	p.write("a.php", `<?php echo "answered"; fastcgi_finish_request(); while (true);`)
	if got := get(p.Dir, "a.php").do(t, p.Socket); got.err != nil || !strings.HasSuffix(got.stdout, "answered") {
		t.Errorf("got %v", got)
	}
	for {
		letter, _, text := c.receive(t)
		if letter == contract.Interrupted {
			i, ok := contract.ParseInterruption(text)
			if !ok || i.Why != contract.InterruptedForTime || i.After <= 0 || i.Method != "GET" || filepath.Base(i.Script) != "a.php" {
				t.Errorf("the worker tells %q", text)
			}
			break
		}
		if letter == 0 {
			t.Fatal("the worker is gone")
		}
	}
}

// Handlers of signals by pcntl are called as well, and a process that the script forks is not told.
func TestTimeoutBesidePCNTL(t *testing.T) {
	t.Parallel()
	p, _ := newSoftPool(t, sapi.Setting{Name: "extension", Value: "posix"})
	p.write("a.php", `<?php
pcntl_async_signals(true);
$alarms = 0;
pcntl_signal(SIGUSR1, function () use (&$alarms) { $alarms++; });
$child = pcntl_fork();
if ($child == 0) { try { $end = microtime(true) + 1; while (microtime(true) < $end); file_put_contents(__DIR__ . "/child", "in time"); } catch (Error $e) { file_put_contents(__DIR__ . "/child", "told"); } posix_kill(getmypid(), SIGKILL); }
try { while (true) { posix_kill(getmypid(), SIGUSR1); usleep(10000); } } catch (Phpsapi\RequestTimeout $e) { echo "told, ", $alarms > 3 ? "alarmed" : "not alarmed"; }
pcntl_waitpid($child, $status);
echo ", child ", file_get_contents(__DIR__ . "/child");`)
	if got := get(p.Dir, "a.php").do(t, p.Socket); got.err != nil || !strings.HasSuffix(got.stdout, "told, alarmed, child in time") {
		t.Errorf("got %v", got)
	}
}

// Where no time-out is set, there is neither the class nor a thread.
func TestNoTimeoutUnlessItIsSet(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", `<?php echo class_exists('Phpsapi\RequestTimeout') ? "there" : "not there";`)
	if got := get(p.Dir, "a.php").do(t, p.Socket); !strings.HasSuffix(got.stdout, "not there") {
		t.Errorf("got %v", got)
	}
	soft, with := newSoftPool(t)
	soft.write("a.php", "<?php")
	get(soft.Dir, "a.php").do(t, soft.Socket)
	// Go's runtime may have one more at any time.
	n, m := tasks(t, c.pid), tasks(t, with.pid)
	for range 4 {
		n, m = min(n, tasks(t, p.spawn().pid)), min(m, tasks(t, soft.spawn().pid))
	}
	if m != n+1 {
		t.Errorf("of five workers each the least has %d threads, and %d if they watch their requests", n, m)
	}
}

// In worker mode the handler is told. If it does not catch the error, the script continues all the same.
func TestTimeoutInWorkerMode(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `$n = 0; while (frankenphp_handle_request(function () use (&$n) {
	$n++;
	if (isset($_GET['catch'])) { try { while (true); } catch (Phpsapi\RequestTimeout $e) { http_response_code(504); echo "caught $n"; } return; }
	if (isset($_GET['loop'])) { while (true); }
	echo "answered $n";
}));`)
	p.zygote.Close()
	q := newPoolOf(t, func(m *sapi.Module) { m.WorkerMode, m.Interrupts = true, true }, nil, sapi.Setting{Name: "display_errors", Value: "0"})
	q.script, q.others, q.Dir, q.soft = p.script, p.others, p.Dir, softly
	q.spawn()
	for _, c := range []struct{ query, status, body string }{{"catch=1", "Status: 504", "caught 1"}, {"loop=1", "Status: 500", ""}, {"", "Content-type", "answered 3"}} {
		got := index(q, "QUERY_STRING", c.query).do(t, q.Socket)
		head, body, _ := strings.Cut(got.stdout, "\r\n\r\n")
		if got.err != nil || !strings.Contains(head, c.status) || body != c.body {
			t.Errorf("%q: got %v", c.query, got)
		}
	}
}

// waitsPHP runs for ten seconds, or a short time, and says at its end what it has seen of its client.
const waitsPHP = `<?php
if (isset($_GET['ignore'])) ignore_user_abort(true);
register_shutdown_function(function () { file_put_contents(__DIR__ . "/end.new", "status " . connection_status() . " after " . ($GLOBALS["seen"] ?? "nothing")); rename(__DIR__ . "/end.new", __DIR__ . "/end"); });
touch(__DIR__ . "/begun");
$end = microtime(true) + (isset($_GET["short"]) ? 0.5 : 10);
while (microtime(true) < $end) { usleep(1000); if (connection_aborted()) { $seen = "connection_aborted()"; break; } }
$seen ??= "all";`

// awaits waits for a file of the pool's, and returns what is in it.
func (p *pool) awaits(t *testing.T, name string) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(p.Dir, name)); err == nil {
			os.Remove(filepath.Join(p.Dir, name))
			return string(text)
		}
	}
	t.Fatalf("there is no file %s", name)
	return ""
}

// takeBack sends FastCGI's ABORT_REQUEST, and leaves the connection open.
func takeBack(c net.Conn) { c.Write([]byte("\x01\x02\x00\x01\x00\x00\x00\x00")) }

func TestClientThatLeaves(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, query string
		check       time.Duration
		http        bool
		leave       func(conn net.Conn)
		want        string
	}{
		{"closes", "", 20 * time.Millisecond, false, func(c net.Conn) { c.Close() }, "status 1 after nothing"},
		{"closes, and the script ignores it", "ignore=1", 20 * time.Millisecond, false, func(c net.Conn) { c.Close() }, "status 1 after connection_aborted()"},
		{"closes one side", "short=1", 20 * time.Millisecond, false, func(c net.Conn) { c.(*net.UnixConn).CloseWrite() }, "status 0 after all"},
		{"takes it back", "", 20 * time.Millisecond, false, takeBack, "status 1 after nothing"},
		{"takes it back, and the script ignores it", "ignore=1", 20 * time.Millisecond, false, takeBack, "status 1 after connection_aborted()"},
		{"takes it back, and nobody looks", "short=1", 0, false, takeBack, "status 0 after all"},
		{"takes another one back", "short=1", 20 * time.Millisecond, false, func(c net.Conn) { c.Write([]byte("\x01\x02\x00\x07\x00\x00\x00\x00")) }, "status 0 after all"},
		{"sends the next", "short=1", 20 * time.Millisecond, false, func(c net.Conn) { c.Write([]byte("\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00")) }, "status 0 after all"},
		{"closes, and nobody looks", "short=1", 0, false, func(c net.Conn) { c.Close() }, "status 0 after all"},
		{"stays", "short=1", 20 * time.Millisecond, false, func(net.Conn) {}, "status 0 after all"},
		{"closes HTTP", "", 20 * time.Millisecond, true, func(c net.Conn) { c.Close() }, "status 1 after nothing"},
		{"resets HTTP", "ignore=1", 20 * time.Millisecond, true, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }, "status 1 after connection_aborted()"},
		{"closes HTTP, and nobody looks", "short=1", 0, true, func(c net.Conn) { c.Close() }, "status 0 after all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPoolOf(t, func(m *sapi.Module) { m.Interrupts = true }, nil)
			p.client = test.check
			if test.http {
				p.speakHTTP(nil)
			}
			c := p.spawn()
			p.write("a.php", waitsPHP)
			for range 2 {
				var conn net.Conn
				if test.http {
					v := p.web.visit(t)
					v.ask("GET /a.php?"+test.query, "")
					conn = v.Conn
				} else {
					conn = dial(t, p.Socket)
					r := get(p.Dir, "a.php")
					r.Params[5] = test.query
					r.Keep = true
					go r.Send(conn)
				}
				p.awaits(t, "begun")
				test.leave(conn)
				if got := p.awaits(t, "end"); got != test.want {
					t.Errorf("the script saw %q, want %q", got, test.want)
				}
				conn.Close()
			}
			for test.check > 0 && strings.Contains(test.want, "status 1") {
				letter, _, text := c.receive(t)
				if letter == contract.Interrupted && strings.HasPrefix(text, contract.InterruptedForClient+" ") {
					break
				}
				if letter == 0 {
					t.Fatal("the worker is gone")
				}
			}
		})
	}
}

// A client that has its whole answer may go: the script that works on is not ended.
func TestClientThatLeavesAfterItsAnswer(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		p := newPoolOf(t, func(m *sapi.Module) { m.Interrupts = true }, nil)
		p.client = 10 * time.Millisecond
		p.spawn()
		p.write("a.php", `<?php echo "answer"; fastcgi_finish_request(); $f = []; for ($i = 0; $i < 20; $i++) $f[] = fopen("/dev/null", "r"); $end = microtime(true) + 0.3; while (microtime(true) < $end); file_put_contents(__DIR__ . "/end.new", "all " . connection_status()); rename(__DIR__ . "/end.new", __DIR__ . "/end");`)
		conn := dial(t, p.Socket)
		r := get(p.Dir, "a.php")
		r.Keep = keep
		go r.Send(conn)
		receive(conn)
		conn.Close()
		if got := p.awaits(t, "end"); got != "all 0" {
			t.Errorf("keep %v: the script saw %q", keep, got)
		}
	}
}
