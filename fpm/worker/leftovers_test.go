package worker

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// probe shows what the process is, of all that a request can change of it.
const probe = `<?php
preg_match_all('/^(Umask|Sig(?:Blk|Ign|Cgt)|[UG]id|Groups):.*/m', file_get_contents('/proc/self/status'), $status);
$stat = explode(' ', substr(strrchr(file_get_contents('/proc/self/stat'), ')'), 2));
echo getmypid(), "\n", implode("\n", $status[0]), "\ngroup $stat[2] session $stat[3] nice $stat[16] alarm ", pcntl_alarm(0), ' async ',
	json_encode(pcntl_async_signals()), "\n", file_get_contents('/proc/self/limits');`

// What a request may do to its process, and whether the worker can serve on after it. The next request is another client's.
var changes = map[string]struct {
	code   string
	leaves int // of the worker: 0 it stays, 1 it leaves, 2 that depends on the test's user
}{
	"nothing":                {`echo 1;`, 0},
	"alarm":                  {`pcntl_alarm(1);`, 0},
	"alarm in a destructor":  {`class D { function __destruct() { pcntl_alarm(1); } } $d = new D; $GLOBALS['d'] = [$d];`, 0},
	"alarm by a closure":     {`$alarm = pcntl_alarm(...); $alarm(1); array_map('pcntl_alarm', [1]);`, 0},
	"ignored signal":         {`pcntl_signal(SIGTERM, SIG_IGN); pcntl_signal(SIGUSR1, SIG_IGN);`, 0},
	"handled signal":         {`pcntl_signal(SIGTERM, function () {}); pcntl_signal(SIGQUIT, function () {});`, 0},
	"default signal":         {`pcntl_signal(SIGQUIT, SIG_DFL); pcntl_signal(SIGPIPE, SIG_DFL);`, 0},
	"blocked signal":         {`pcntl_sigprocmask(SIG_BLOCK, [SIGTERM, SIGQUIT]);`, 0},
	"signal that waits":      {`pcntl_sigprocmask(SIG_BLOCK, [SIGUSR1]); posix_kill(getmypid(), SIGUSR1);`, 0},
	"mask":                   {`umask(0077);`, 0},
	"nice":                   {`proc_nice(3);`, 2},
	"priority":               {`pcntl_setpriority(4);`, 2},
	"soft limit":             {`$l = posix_getrlimit(); posix_setrlimit(POSIX_RLIMIT_NOFILE, 64, $l['hard openfiles']);`, 0},
	"hard limit":             {`posix_setrlimit(POSIX_RLIMIT_NOFILE, 64, 64);`, 2},
	"process group":          {`posix_setpgid(0, 0);`, 1},
	"session":                {`posix_setsid();`, 1},
	"asynchronous signals":   {`pcntl_async_signals(true);`, 1},
	"whether asynchronous":   {`pcntl_async_signals();`, 0},
	"child that is left":     {`if (!pcntl_fork()) { sleep(20); exit; }`, 1},
	"child that has ended":   {`if (!($pid = pcntl_fork())) exit; while (!str_contains(file_get_contents("/proc/$pid/stat"), ') Z ')) usleep(1000);`, 0},
	"child that was awaited": {`if (!pcntl_fork()) exit; pcntl_wait($status);`, 0},
	"command":                {`proc_close(proc_open("true", [], $pipes)); exec("true"); $GLOBALS["p"] = proc_open("true", [], $pipes); usleep(100000);`, 0},
	"own user":               {`posix_seteuid(posix_geteuid());`, 0},
	"foreign functions": {`$c = FFI::cdef('unsigned alarm(unsigned); unsigned umask(unsigned); void *signal(int, long);');
		$c->alarm(1); $c->umask(0); $c->signal(SIGTERM, 1);`, 0},
}

func TestRequestLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, nil, sapi.Setting{Name: "extension", Value: "posix"}, sapi.Setting{Name: "extension", Value: "ffi"},
				sapi.Setting{Name: "ffi.enable", Value: "1"}, sapi.Setting{Name: "display_errors", Value: "0"})
			w := p.spawn()
			defer func() {
				for _, child := range running(w.pid) {
					syscall.Kill(child, syscall.SIGKILL)
				}
			}()
			p.write("probe.php", probe)
			p.write("change.php", "<?php echo 'changed'; "+c.code)
			conn := dial(t, p.Socket)
			before := ask(t, conn, get(p.Dir, "probe.php"))
			for end := time.Now().Add(10 * time.Second); handlesThreadSignal(before); before = ask(t, conn, get(p.Dir, "probe.php")) {
				if conn.Close(); time.Now().After(end) {
					t.Fatalf("the worker's threads do not take their signal: %s", before)
				}
				time.Sleep(time.Millisecond)
				conn = dial(t, p.Socket)
			}
			conn.Close()
			conn = dial(t, p.Socket)
			defer conn.Close()
			if got := ask(t, conn, get(p.Dir, "change.php")); !strings.HasPrefix(got, "changed") || p.log() != "" {
				t.Fatalf("got %q; %s", got, p.log())
			}
			if leaves := c.leaves == 1 || c.leaves == 2 && left(w.pid); leaves {
				if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
					t.Errorf("the worker ended with %v", e.Status)
				}
				return
			}
			after := ask(t, conn, get(p.Dir, "probe.php"))
			if after != before {
				t.Errorf("before %s\nafter  %s", before, after)
			}
			// What the master says is heard.
			syscall.Kill(w.pid, syscall.SIGQUIT)
			if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
				t.Errorf("after SIGQUIT the worker ended with %v", e.Status)
			}
		})
	}
}

// handlesThreadSignal reports whether a process has a handler for signal 64 yet, by its probe: it has until all threads of its birth have
// taken that signal (lifecycle/boot_threads.h).
func handlesThreadSignal(probe string) bool {
	_, caught, _ := strings.Cut(probe, "SigCgt:\t")
	return caught != "" && strings.ContainsRune("89abcdef", rune(caught[0])) // of 64 bits the first one
}

// left reports whether a worker ends within a moment.
func left(pid int) bool {
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
	}
	return false
}
