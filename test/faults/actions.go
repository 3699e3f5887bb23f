package main

import (
	"fmt"
	"strings"
)

// unasked is for an action that leaves to a worker in worker mode what changes the ends of others, as the application's own would.
const unasked end = "not asked for"

// action is what a script does to its worker. Each is asked for by every door.
type action struct {
	name   string
	code   string
	ends   end // answered, failed, or closed: the worker ends, whose client by HTTP gets 502
	worker end // in worker mode; empty: the same
	may    end // another way in which it may end
	pcntl  bool
	once   bool // it takes long, or a worker is not as others afterwards
	alone  bool
}

// actions are the scripts. What is answered must be what php-fpm answers.
var actions = []action{
	{name: "exit", code: `echo "text"; exit;`, ends: answered},
	{name: "exit in a shutdown function", code: `register_shutdown_function(function () { echo "shutdown"; exit(3); }); echo "text"; exit;`, ends: answered},
	{name: "exit in a destructor", code: `$o = new class { function __destruct() { echo "destructor"; exit; } }; $o = null; echo "never";`, ends: answered},
	{name: "exit in a destructor at the end", code: `$GLOBALS['kept'] = new class { function __destruct() { echo "destructor"; exit; } }; echo "text"; exit;`, ends: answered},
	{name: "exit in an error handler", code: `set_error_handler(function () { echo "handler"; exit; }); echo $undefined; echo "never";`, ends: answered},
	{name: "exit in an exception handler", code: `set_exception_handler(function () { echo "handler"; exit; }); throw new Exception('x');`, ends: answered, worker: unasked},
	{name: "exit in an autoloader", code: `spl_autoload_register(function () { echo "autoloader"; exit; }); new NoSuchClass();`, ends: answered},
	{name: "exit in an output callback", code: `ob_start(function ($text) { exit; }); echo "text"; ob_end_flush(); echo "more"; exit;`, ends: answered},
	{name: "exit in a session handler", code: `session_set_save_handler(new class implements SessionHandlerInterface {
		function open($p, $n): bool { return true; } function close(): bool { return true; } function read($i): string { return ''; }
		function write($i, $d): bool { echo "write"; exit; } function destroy($i): bool { return true; } function gc($m): int { return 0; } }, true);
		@session_start(); $_SESSION['x'] = 1; echo "text"; exit;`, ends: answered},
	{name: "exit when headers leave", code: `header_register_callback(function () { exit; }); echo "text"; exit;`, ends: answered},
	{name: "exit in a comparison, by C", code: `$a = [3, 1, 2]; usort($a, function () { echo "compared"; exit; });`, ends: answered},
	{name: "exit in a generator", code: `foreach ((function () { yield 1; exit; })() as $x) { echo $x; }`, ends: answered},

	{name: "recursion without end", code: `ini_set('memory_limit', '32M'); $f = function () use (&$f) { return $f() + 1; }; $f();`, ends: failed},
	{name: "recursion without end, by C", code: `ini_set('memory_limit', '1G'); $f = function ($x) use (&$f) { return array_map($f, [$x]); }; $f(1);`, ends: closed},
	{name: "memory_limit exhausted", code: `ini_set('memory_limit', '16M'); $a = []; while (true) { $a[] = str_repeat('x', 100000); }`, ends: failed},
	{name: "memory_limit exhausted in a shutdown function", code: `ini_set('memory_limit', '16M'); register_shutdown_function(function () { $a = [];
		while (true) { $a[] = str_repeat('x', 100000); } }); echo "text"; exit;`, ends: failed},
	{name: "memory_limit exhausted twice", code: `ini_set('memory_limit', '16M'); register_shutdown_function(function () { str_repeat('x', 1 << 30); });
		str_repeat('x', 1 << 30);`, ends: failed},
	{name: "time limit reached", code: `set_time_limit(1); while (true);`, ends: failed, once: true},
	{name: "exception in a shutdown function", code: `register_shutdown_function(function () { throw new Exception('shutdown'); }); echo "text"; exit;`, ends: failed},
	{name: "exceptions in two shutdown functions", code: `for ($i = 0; $i < 2; $i++) { register_shutdown_function(function () { throw new Error('shutdown'); }); } echo "text"; exit;`, ends: failed},
	{name: "exception in a destructor at the end", code: `$GLOBALS['kept'] = new class { function __destruct() { throw new Exception('destructor'); } }; echo "text"; exit;`, ends: failed},
	{name: "output buffers left open", code: `for ($i = 0; $i < 100; $i++) { ob_start(); echo $i; } exit;`, ends: answered},
	{name: "output buffers left open with callbacks", code: `for ($i = 0; $i < 5; $i++) { ob_start(function ($text) use ($i) { return "<$i $text>"; }); } echo "text"; exit;`, ends: answered},
	{name: "exception in an output callback", code: `ob_start(function ($text) { throw new Exception('callback'); }); echo "text"; exit;`, ends: failed},
	{name: "directory removed", code: `$d = sys_get_temp_dir() . '/gone' . getmypid(); mkdir($d); chdir($d); rmdir($d); echo "text"; exit;`, ends: answered},
	{name: "umask, locale, time zone", code: `umask(0777); setlocale(LC_ALL, 'C.UTF-8'); date_default_timezone_set('Asia/Tokyo'); putenv('TZ=Asia/Tokyo'); error_reporting(0); echo "text"; exit;`, ends: answered},

	{name: "SIGSEGV", code: `posix_kill(getmypid(), 11); sleep(1);`, ends: closed},
	{name: "SIGKILL", code: `posix_kill(getmypid(), 9); sleep(1);`, ends: closed},
	{name: "SIGTERM", code: `posix_kill(getmypid(), 15); sleep(1);`, ends: closed},
	{name: "SIGABRT", code: `posix_kill(getmypid(), 6); sleep(1);`, ends: closed},
	{name: "all descriptors closed", code: `$c = FFI::cdef('int close(int);'); for ($i = 0; $i < 1024; $i++) { $c->close($i); } echo "text"; exit;`, ends: closed},
	{name: "all descriptors but the standard ones closed", code: `$c = FFI::cdef('int close(int);'); for ($i = 3; $i < 1024; $i++) { $c->close($i); } echo "text"; exit;`, ends: closed},
	{name: "the standard descriptors closed", code: `$c = FFI::cdef('int close(int);'); for ($i = 1; $i < 3; $i++) { $c->close($i); } echo "text"; exit;`, ends: answered, may: closed, once: true, alone: true}, // the next connection has the number 1
	{name: "descriptors used up", code: `$f = []; while ($h = @fopen('/dev/null', 'r')) { $f[] = $h; } echo count($f) > 100; $GLOBALS['f'] = $f; exit;`, ends: answered},
	{name: "a program in the background", code: `exec('sleep 1 >/dev/null 2>&1 </dev/null &'); echo "text"; exit;`, ends: answered},
	{name: "a program that is not waited for", code: `$p = []; $GLOBALS['p'] = proc_open(['sleep', '1'], [], $p); echo "text"; posix_kill(getmypid(), 9);`, ends: closed},

	{name: "fork, and the child lives on", code: `if (!pcntl_fork()) { sleep(1); posix_kill(getmypid(), 9); } echo "text"; exit;`, ends: answered, pcntl: true},
	{name: "fork, and the child ends", code: `if (!pcntl_fork()) { posix_kill(getmypid(), 9); } echo "text"; exit;`, ends: answered, pcntl: true},
	{name: "fork, and the child exits", code: `if (!pcntl_fork()) { exit; } usleep(100000); echo "text"; exit;`, ends: answered, pcntl: true},
	{name: "fork, and the parent is killed", code: `if (!pcntl_fork()) { sleep(1); posix_kill(getmypid(), 9); } posix_kill(getmypid(), 9);`, ends: closed, pcntl: true},
	{name: "signal handlers", code: `pcntl_async_signals(true); foreach ([1, 2, 3, 10, 12, 14, 15, 17] as $s) { pcntl_signal($s, function () { echo "got"; }); }
		posix_kill(getmypid(), 10); echo "text"; exit;`, ends: answered, pcntl: true},
	{name: "signals ignored", code: `foreach ([1, 2, 3, 10, 12, 13, 14, 15, 17] as $s) { pcntl_signal($s, SIG_IGN); } echo "text"; exit;`, ends: answered, pcntl: true},
	{name: "signals blocked", code: `pcntl_sigprocmask(SIG_BLOCK, [1, 2, 3, 10, 12, 13, 14, 15, 17]); echo "text"; exit;`, ends: answered, pcntl: true},
	{name: "an alarm left behind", code: `pcntl_alarm(1); echo "text"; exit;`, ends: answered, pcntl: true},
}

func (a action) fault() *fault {
	f := &fault{name: "script: " + a.name, stock: !a.pcntl, random: true}
	f.with.pcntl, f.lasts = a.pcntl, true
	if a.alone {
		f.with.alone, f.random = a.name, false
	}
	if a.ends == closed {
		f.allowed.retried = true // those that its worker has kept
	}
	f.inject = func(r *run) error {
		times := 3
		if a.once {
			times = 1
		}
		for _, d := range r.doors() {
			for range times {
				if err := r.act(a, d); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return f
}

// act asks for an action, and looks how that ends.
func (r *run) act(a action, d door) error {
	if d == byWorker && a.worker == unasked {
		return nil
	}
	v := d.visitor(r.service, false)
	got := v.ask(request{n: 1, do: strings.TrimSuffix(a.file(), ".php")})
	want := a.ends
	if d == byWorker && a.worker != "" {
		want = a.worker
	}
	ended := got.end
	if ended == unavailable {
		ended = closed
	}
	if ended == a.may {
		return nil
	}
	if ended != want {
		return fmt.Errorf("%s by %s: %v, want %s", a.name, d, got, want)
	}
	if r.stock {
		r.answers[a.name] = got.text
	} else if theirs, known := r.answers[a.name]; known && d != byWorker && want == answered && got.text != theirs {
		return fmt.Errorf("%s by %s: %q, php-fpm answers %q", a.name, d, got.text, theirs)
	}
	return nil
}
