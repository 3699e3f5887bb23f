package front

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// booted is an application that tells which boot answers, which process, and the how manyeth request of its process it is.
func booted(t *testing.T, before string) string {
	t.Helper()
	dir := serve.Dir(t)
	files.Write(t, filepath.Join(dir, "index.php"), `<?php
class Kept { public $n = 0; function __destruct() { error_log('destructor'); } }
$kept = new Kept;
error_log('boot');
if (!isset($_SERVER['REQUEST_METHOD']) || isset($_SERVER['REQUEST_URI'])) exit(9); // as in any worker's boot
`+before+`
phpsapi_after_fork(function () { $GLOBALS['forked'] = getmypid(); });
while (frankenphp_handle_request(function () use ($kept, &$boot) {
	$kept->n++;
	if (isset($_GET['kill'])) posix_kill(getmypid(), 9);
	if (isset($_GET['exit'])) exit('bye');
	echo "n={$kept->n} ", mt_rand(), ' ', getmypid(), ' ', ($GLOBALS['forked'] ?? 0) === getmypid() ? 'forked' : 'not forked';
}));`)
	return dir
}

// The application is booted once, and no request sees anything of another.
func TestSnapshotOfOneRequestSharesNothing(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, booted(t, ""), "--set", "www.worker.processes=3", "--set", "www.worker.snapshot=1")
	randoms, pids := map[string]bool{}, map[string]bool{}
	const requests = 60
	for range requests {
		status, body := s.Get("/")
		fields := strings.Fields(body)
		if status != 200 || len(fields) != 4 || fields[0] != "n=1" || fields[3] != "forked" {
			t.Fatalf("got %d %q", status, body)
		}
		randoms[fields[1]], pids[fields[2]] = true, true
	}
	if len(randoms) < requests-1 || len(pids) < requests-1 {
		t.Errorf("%d random numbers and %d processes in %d requests", len(randoms), len(pids), requests)
	}
	if n := strings.Count(s.Log(), "the worker script printed: boot"); n != 1 {
		t.Errorf("%d boots", n)
	}
	if strings.Contains(s.Log(), "destructor") {
		t.Error("a destructor of what all workers have has run")
	}
}

// What one request of a worker's few changes the next sees, and those of other workers do not; nothing is lost meanwhile.
func TestSnapshotOfSeveralRequests(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, booted(t, ""), "--set", "www.worker.processes=2", "--set", "www.worker.snapshot=5")
	l := s.load(8, "/")
	for range 20 {
		s.want("/?kill", 502, "")
		s.want("/?exit", 200, "bye")
	}
	for range 100 {
		var n int
		if _, body := s.Get("/"); true {
			fmt.Sscanf(body, "n=%d", &n)
			if n < 1 || n > 5 {
				t.Fatalf("got %q", body)
			}
		}
	}
	if wrong := l.End(); len(wrong) > 0 {
		t.Errorf("of %d requests went wrong: %v", l.Asked(), wrong)
	}
}

// Requests to warm up are answered before the first worker is forked.
func TestSnapshotIsWarmedUp(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, booted(t, ""), "--set", "www.worker.processes=2", "--set", "www.worker.snapshot=1", "--set", "www.worker.warmup=/,/b?x=1")
	s.want("/", 200, "n=3 ")
	s.want("/", 200, "n=3 ")
}

// What processes must not share is named, and each worker boots the application instead.
func TestSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, want string }{
		"socket":   {"$pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);", "the application has opened a socket to an unnamed address (descriptor "},
		"server":   {"$server = stream_socket_server('tcp://127.0.0.1:0'); $client = stream_socket_client('tcp://' . stream_socket_get_name($server, false));", "a socket at 127.0.0.1 port "},
		"file":     {"$file = fopen(sys_get_temp_dir() . '/phpsapi-snapshot', 'w'); unlink(sys_get_temp_dir() . '/phpsapi-snapshot');", "phpsapi-snapshot (deleted) (descriptor "},
		"lock":     {"$file = fopen(__FILE__, 'r'); flock($file, LOCK_SH);", "the application has locked "},
		"database": {"$pdo = new PDO('sqlite::memory:');", "the application has an object of the class PDO before its first request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"--set", "www.worker.processes=1", "--set", "www.worker.snapshot=1"}
			s := serveApplication(t, booted(t, test.before), arguments...)
			s.said("no snapshot, each worker boots the application: .*", 1)
			if !strings.Contains(s.Log(), test.want) {
				t.Errorf("no %q in the log", test.want)
			}
			s.want("/", 200, "n=1 ")
			s.want("/", 200, "n=2 ")
		})
	}
}

// An application that lets go of what must not be shared can be forked.
func TestApplicationLetsGoBeforeTheFork(t *testing.T) {
	t.Parallel()
	s := serveApplication(t, booted(t, `$pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
phpsapi_before_fork(function () use (&$pair) { error_log('first'); $pair = null; });
phpsapi_before_fork(function () { error_log('second'); });`), "--set", "www.worker.processes=1", "--set", "www.worker.snapshot=1")
	s.want("/", 200, "n=1 ")
	s.want("/", 200, "n=1 ")
	if log := s.Log(); strings.Contains(log, "no snapshot") || strings.Index(log, "second") > strings.Index(log, "first") {
		t.Error("the callbacks were not called, the last first")
	}
}

// A reload boots the new application before the old workers end, and one that does not boot changes nothing.
func TestReloadsOfASnapshot(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "")
	s := serveApplication(t, dir, "--set", "www.worker.processes=2", "--set", "www.worker.snapshot=3")
	s.want("/", 200, "v1 ")
	s.reloadsUnderLoad(dir, s.load(8, "/"), 3)
}

// A process that the application forked at its boot took itself for the snapshot: it forked workers, and outlived the service.
func TestSnapshotOfAnApplicationThatForks(t *testing.T) {
	t.Parallel()
	for _, child := range []string{"exit(3);", "{ while (frankenphp_handle_request(function () { echo 'child'; })); }"} {
		dir, address := booted(t, "if (($p = pcntl_fork()) === 0) "+child+" pcntl_waitpid($p, $status);"), serve.Address(t)
		s := start(t, address, []string{"PHPSAPI_PHP_PCNTL=on"}, "-F", "--worker", filepath.Join(dir, "index.php"), "--http", address,
			"--set", "www.worker.processes=2", "--set", "www.worker.snapshot=1")
		for range 5 {
			if status, body := s.Get("/"); status != 200 || !strings.HasSuffix(body, " forked") || strings.HasSuffix(body, "not forked") {
				t.Errorf("%s: got %d %q", child, status, body)
			}
		}
		if log := s.Log(); strings.Contains(log, "no snapshot") || strings.Contains(log, "ERROR") {
			t.Errorf("%s: log: %s", child, log)
		}
	}
}

// A boot for a snapshot that hung, or crashed, ended the service silently, or ended its start.
func TestSnapshotWhoseBootFailsLeavesTheBootToTheWorkers(t *testing.T) {
	t.Parallel()
	// Once: the workers boot then.
	once := "$first = '%s/first'; if (!file_exists($first)) { touch($first); %s }"
	for name, test := range map[string]struct{ boot, want string }{
		"hangs":   {"while (1) sleep(100);", `no snapshot, each worker boots the application: .* did not call frankenphp_handle_request\(\) within 3s \(boot_timeout\)`},
		"crashes": {"posix_kill(getmypid(), 11); sleep(5);", `no snapshot, each worker boots the application: .*its process ended with signal 11 \(SIGSEGV\) while it was booting`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			marks := serve.Dir(t)
			if err := os.Chmod(marks, 0o777); err != nil {
				t.Fatal(err)
			}
			s := serveApplication(t, booted(t, fmt.Sprintf(once, marks, test.boot)), "--set", "www.worker.processes=1", "--set", "www.worker.snapshot=1",
				"--set", "www.worker.boot_timeout=3s")
			s.said(test.want, 1)
			s.want("/", 200, "n=1 ")
			s.want("/", 200, "n=2 ")
		})
	}
}

// A process that the application forks at its boot has nothing by which the processes of the service talk.
func TestForkAtTheBootOfASnapshotHasNoneOfItsSockets(t *testing.T) {
	t.Parallel()
	dir, address := booted(t, `$own = fn () => count(preg_grep('/^socket:|signalfd/', array_map(fn ($fd) => (string) @readlink($fd), glob('/proc/self/fd/*'))));
if (($p = pcntl_fork()) === 0) { error_log('sockets of the child: ' . $own()); exit; }
pcntl_waitpid($p, $status);
error_log('sockets of the zygote: ' . $own());`), serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_PHP_PCNTL=on"}, "-F", "--worker", filepath.Join(dir, "index.php"), "--http", address,
		"--set", "www.worker.processes=2", "--set", "www.worker.snapshot=1")
	s.want("/", 200, "n=1 ")
	s.said("sockets of the zygote: [1-9]", 1)
	s.said("sockets of the child: 0", 1)
}

// The least limit of address space that a service starts with is enough for all kinds of workers; with less it says so.
func TestLimitOfAddressSpace(t *testing.T) {
	t.Parallel()
	limited := func(limit string, arguments ...string) *exec.Cmd {
		return exec.Command("/bin/sh", append([]string{"-c", "ulimit -v " + limit + ` && exec "$0" "$@"`, serve.Program("phpsapi"), "fpm", "-F"}, arguments...)...)
	}
	for name, arguments := range map[string][]string{
		"worker script": {"--set", "www.worker.processes=2"},
		"snapshot":      {"--set", "www.worker.processes=2", "--set", "www.worker.snapshot=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, address := application(t, "v1", ""), serve.Address(t)
			s := startCommand(t, address, limited("1843200", append([]string{"--worker", filepath.Join(dir, "index.php"), "--http", address}, arguments...)...))
			for range 4 {
				s.want("/", 200, "v1 ")
				s.want("/other.php", 200, "other ")
			}
			if strings.Contains(s.Log(), "exited with code 2") {
				t.Error("a worker ended for lack of address space")
			}
		})
	}
	said, err := limited("1843199", "--http", serve.Address(t)).CombinedOutput()
	if want := "the limit of address space (ulimit -v) is 1799 MB"; err == nil || !strings.Contains(string(said), want) {
		t.Errorf("%v, %s; want %q", err, said, want)
	}
}

// A worker's end was told before what it had logged of its last request, which was lost then: with a worker for each request,
// everything. Shutdown functions run if a request ends by exit, and no others.
func TestMessagesOfAWorkersLastRequestAreLogged(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	files.Write(t, filepath.Join(dir, "index.php"), `<?php
register_shutdown_function(function () { error_log('end of the script'); });
while (frankenphp_handle_request(function () {
	error_log('request ' . $_GET['n']);
	register_shutdown_function(function () { error_log('end of request ' . $_GET['n']); });
	echo 'done';
	if (isset($_GET['exit'])) exit;
}));`)
	s := serveApplication(t, dir, "--set", "www.worker.processes=2", "--set", "www.worker.snapshot=1")
	for n := range 20 {
		s.want(fmt.Sprintf("/?n=%d", n), 200, "done")
		s.want(fmt.Sprintf("/?n=%d&exit", n), 200, "done")
	}
	s.said(`PHP message: request \d+`, 40)
	s.said(`PHP message: end of the script`, 20)
	s.said(`PHP message: end of request \d+`, 20)
	s.Stop()
	if n := strings.Count(s.Log(), "end of "); n != 40 {
		t.Errorf("shutdown functions have run %d times", n)
	}
}

// A file that the application had opened at its boot was read by all workers from one place: what one had read the others missed.
func TestWorkersOfASnapshotReadFilesEachFromItsOwnPlace(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o777); err != nil {
		t.Fatal(err)
	}
	files.Write(t, filepath.Join(dir, "data", "numbers"), strings.Repeat("a", 20000)+strings.Repeat("b", 20000))
	files.Write(t, filepath.Join(dir, "index.php"), `<?php
$file = fopen(__DIR__ . '/data/numbers', 'r');
$gone = fopen(__DIR__ . '/data/gone', 'w+'); fwrite($gone, 'gone'); $gone = fopen(__DIR__ . '/data/gone', 'r'); unlink(__DIR__ . '/data/gone');
$listing = opendir(__DIR__ . '/data');
while (frankenphp_handle_request(function () use ($file, $gone, $listing) {
	for ($names = 0; readdir($listing) !== false;) $names++;
	echo fread($file, 1), ' ', stream_get_contents($gone), ' ', $names;
	fseek($file, 30000);
	echo ' ', fread($file, 1);
}));`)
	if err := os.Chmod(filepath.Join(dir, "data"), 0o777); err != nil {
		t.Fatal(err)
	}
	s := serveApplication(t, dir, "--set", "www.worker.processes=2", "--set", "www.worker.snapshot=1")
	for range 6 {
		s.want("/", 200, "a gone 3 b")
	}
	if log := s.Log(); strings.Contains(log, "no snapshot") {
		t.Error(log)
	}
}
