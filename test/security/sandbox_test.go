package security

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// tries is a script that tries what sandboxes are about, and prints what came of it.
const tries = `<?php
ini_set('display_errors', '0');
$dir = dirname(__DIR__);
$c = FFI::cdef('long syscall(long, long, long, long, long, long); int *__errno_location(void);');
function call(int $number, int ...$a) {
	global $c;
	$got = $c->syscall($number, ...array_pad($a, 5, 0));
	return $got < 0 ? -$c->__errno_location()[0] : 'done';
}
$amd64 = php_uname('m') === 'x86_64';
session_start();
$_SESSION['a'] = 1;
session_write_close();
echo json_encode([
	'ptrace' => call($amd64 ? 101 : 117, 16, 1 << 30),
	'bpf' => call($amd64 ? 321 : 280, 1000),
	'io_uring' => call(425, 0),
	'keyctl' => call($amd64 ? 250 : 219, 1000),
	'user namespace' => call($amd64 ? 272 : 97, 0x10000000),
	'raw socket' => call($amd64 ? 41 : 198, 2, 3, 1),
	'packet socket' => call($amd64 ? 41 : 198, 17, 3, 0),
	'call of the future' => call(4000),
	'program' => trim((string)shell_exec('echo ran')),
	'server' => @stream_socket_server('tcp://127.0.0.1:0') !== false,
	'client' => is_resource(@stream_socket_client('tcp://' . $_SERVER['SERVER_ADDR'] . ':' . $_SERVER['SERVER_PORT'])),
	'lookup' => gethostbyname('localhost'),
	'time zone' => (new DateTime('2026-01-01', new DateTimeZone('Europe/Berlin')))->format('T'),
	'session' => strlen((string)file_get_contents(session_save_path() . '/sess_' . session_id())) > 0,
	'temporary file' => (string)@file_put_contents(tempnam(sys_get_temp_dir(), 'x'), 'x'),
	'own code' => strlen((string)@file_get_contents(__FILE__)) > 0,
	'write beside it' => (string)@file_put_contents(__DIR__ . '/var/x', 'x'),
	'read elsewhere' => strlen((string)@file_get_contents("$dir/php-fpm.conf")) > 0,
	'list elsewhere' => is_array(@scandir($dir)),
	'other processes' => strlen((string)@file_get_contents('/proc/' . posix_getppid() . '/cmdline')) > 0,
	'signal' => posix_kill((int)$_GET['pid'], 0),
	'its memory' => is_resource(@fopen("/proc/{$_GET['pid']}/mem", 'r')),
]);`

// outcome asks for the script. Beside the worker runs a process of the workers' user.
func (s *service) outcome(t *testing.T) map[string]any {
	t.Helper()
	other := strangerOf(t)
	status, body := s.Get(fmt.Sprintf("/tries.php?pid=%d", other))
	got := map[string]any{}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%d %s\n%v", status, body, err)
	}
	return got
}

const ffi = "php_admin_value[ffi.enable] = 1"

// needs skips a test if the kernel lacks something for a sandbox.
func needs(t *testing.T, kind sandbox.Kind) {
	t.Helper()
	why := sandbox.ThisKernel().Lacks(kind)
	if why == "" && kind == sandbox.Strict && sandbox.ThisKernel().LacksScopes() {
		why = "the kernel's Landlock says nothing of signals and of abstract unix sockets: Linux 6.12"
	}
	if why != "" {
		t.Skip("no sandbox here: ", why)
	}
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the script does not know the numbers of the system calls")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, whose service changes the user")
	}
}

// free is what the script finds without a sandbox, as far as that does not depend on the machine.
var free = map[string]any{"program": "ran", "server": true, "client": true, "lookup": "127.0.0.1", "time zone": "CET", "session": true,
	"temporary file": "1", "own code": true, "write beside it": "1", "read elsewhere": true, "list elsewhere": true, "other processes": true,
	"signal": true, "its memory": true}

var inWeb = map[string]any{"ptrace": -1.0, "bpf": -1.0, "io_uring": -1.0, "keyctl": -1.0, "user namespace": -1.0, "raw socket": -1.0,
	"packet socket": -97.0, "call of the future": -38.0, "its memory": false}

var inStrict = map[string]any{"program": "", "server": false, "write beside it": "", "read elsewhere": false, "list elsewhere": false,
	"other processes": false, "signal": false}

func TestSandboxes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind  string
		needs sandbox.Kind
		less  []map[string]any
	}{
		{"off", sandbox.Off, nil},
		{"web", sandbox.Web, []map[string]any{inWeb}},
		{"strict", sandbox.Strict, []map[string]any{inWeb, inStrict}},
	} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			needs(t, test.needs)
			s := prepare(t, ffi, "sandbox: "+test.kind, map[string]string{"tries.php": tries}).start()
			want := map[string]any{}
			for _, m := range append([]map[string]any{free}, test.less...) {
				for what, came := range m {
					want[what] = came
				}
			}
			got := s.outcome(t)
			for what, w := range want {
				if came, tried := got[what]; !tried || !reflect.DeepEqual(came, w) {
					t.Errorf("%s: got %v, want %v", what, came, w)
				}
			}
			for _, pid := range s.workers() {
				checkRights(t, pid, test.kind != "off")
			}
		})
	}
}

// checkRights looks at all threads of a worker, as the kernel shows them.
func checkRights(t *testing.T, pid int, sandboxed bool) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if len(tasks) < 2 {
		t.Fatalf("process %d has %d threads", pid, len(tasks))
	}
	id := fmt.Sprint(serve.GroupID(t, "www-data"))
	want := map[string]string{"Uid": strings.Repeat(id+" ", 4), "Gid": strings.Repeat(id+" ", 4), "Groups": id + " ",
		"CapInh": zeros, "CapPrm": zeros, "CapEff": zeros, "CapAmb": zeros, "NoNewPrivs": "0 ", "Seccomp": "0 "}
	if sandboxed {
		want["NoNewPrivs"], want["Seccomp"] = "1 ", "2 "
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			if w, checked := want[name]; checked && strings.Join(strings.Fields(value), " ")+" " != w {
				t.Errorf("%s: %s is%s, want %s", task, name, strings.TrimRight(value, "\n"), w)
			}
		}
	}
}

const zeros = "0000000000000000 "

func TestNoNewPrivilegesAlone(t *testing.T) {
	t.Parallel()
	needs(t, sandbox.Off)
	s := prepare(t, "", "no_new_privs: on", map[string]string{"a.php": `<?php system("grep NoNewPrivs /proc/self/status");`}).start()
	if _, body := s.Get("/a.php"); strings.Join(strings.Fields(body), " ") != "NoNewPrivs: 1" {
		t.Errorf("a program that a script starts has %q", body)
	}
}

// A strict sandbox reads and writes what it is told, beside what it finds out by itself.
func TestStrictSandboxHasListedDirectories(t *testing.T) {
	t.Parallel()
	needs(t, sandbox.Strict)
	s := prepare(t, ffi, "sandbox: {mode: strict, read: [php-fpm.conf], write: [site/var]}", map[string]string{"tries.php": tries}).start()
	got := s.outcome(t)
	for what, want := range map[string]any{"read elsewhere": true, "list elsewhere": false, "write beside it": "1"} {
		if got[what] != want {
			t.Errorf("%s: got %v, want %v", what, got[what], want)
		}
	}
}

// The process that boots an application for all workers is in the sandbox before it boots it.
func TestSnapshotIsBootedInTheSandbox(t *testing.T) {
	t.Parallel()
	needs(t, sandbox.Strict)
	s := prepare(t, ffi, "sandbox: strict\nworker: {script: site/app.php, snapshot: 1}", map[string]string{"app.php": `<?php
$boot = [trim((string)@shell_exec('echo ran')), @file_put_contents(__DIR__ . '/var/booted', 'x'), is_array(@scandir(__DIR__))];
while (frankenphp_handle_request(function () use ($boot) {
	echo json_encode([...$boot, trim((string)@shell_exec('echo ran')), @file_put_contents(__DIR__ . '/var/x', 'x'), is_array(@scandir(__DIR__))]);
}));`}).start()
	for range 2 {
		if _, body := s.Get("/app.php"); body != `["",false,true,"",false,true]` {
			t.Errorf("got %s", body)
		}
	}
	if log := s.Log(); strings.Contains(log, "without a snapshot") {
		t.Error("there is no snapshot")
	}
	for _, pid := range s.workers() {
		checkRights(t, pid, true)
	}
}

func TestSandboxesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ yaml, want string }{
		{"sandbox: tight", `pools: www: sandbox: "tight" is not one of off, web, strict`},
		{"sandbox: {mode: strict, read: [nowhere]}", "/nowhere: no such file or directory: make it, or name another"},
		{"sandbox: {mode: strict, write: [php-fpm.conf]}", "php-fpm.conf is not a directory: make it, or name another"},
		{"no_new_privs: perhaps", `pools: www: no_new_privs: "perhaps" is not one of on, off`},
	} {
		if why := sandbox.ThisKernel().Lacks(sandbox.Strict); why != "" && strings.Contains(test.yaml, "mode: strict") {
			test.want = why // which is said before
		}
		for _, option := range []string{"-t", "-F"} {
			said, status := prepare(t, "", test.yaml, nil).refused(option)
			if status != 78 || !strings.Contains(said, test.want) {
				t.Errorf("%s %s: status %d, want 78\n%s\nwant %s", test.yaml, option, status, said, test.want)
			}
		}
	}
}

// What comes after a reload, and after the end of a zygote, is in the sandbox, too.
func TestSandboxOfLaterWorkers(t *testing.T) {
	t.Parallel()
	needs(t, sandbox.Strict)
	for name, next := range map[string]func(s *service){
		"reload": func(s *service) { s.Signal(syscall.SIGUSR2) },
		"zygote": func(s *service) { syscall.Kill(serve.Parent(s.workers()[0]), syscall.SIGKILL) },
		"worker": func(s *service) { syscall.Kill(s.workers()[0], syscall.SIGKILL) },
	} {
		s := prepare(t, ffi, "sandbox: strict", map[string]string{"tries.php": tries}).start()
		before := s.workers()[0]
		next(s)
		wait.Until(t, "another worker, after: "+name, func() bool { w := s.workers(); return len(w) == 1 && w[0] != before })
		if got := s.outcome(t); got["program"] != "" || got["read elsewhere"] != false || got["ptrace"] != -1.0 {
			t.Errorf("%s: %v", name, got)
		}
		// One that has been forked this moment has yet to give up its rights.
		wait.Until(t, "a worker without rights, after: "+name, func() bool {
			w := s.workers()
			if len(w) != 1 {
				return false
			}
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w[0]))
			return err == nil && !strings.Contains(string(status), "\nUid:\t0\t")
		})
		checkRights(t, s.workers()[0], true)
	}
}

// A sandbox refuses the call by which a process may read its own memory: the slow log and the report of a crash do without.
func TestStacksInASandbox(t *testing.T) {
	t.Parallel()
	for kind, needed := range map[string]sandbox.Kind{"web": sandbox.Web, "strict": sandbox.Strict} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			needs(t, needed)
			slow := filepath.Join(serve.Dir(t), "slow")
			s := prepare(t, ffi+"\nrequest_slowlog_timeout = 1\nslowlog = "+slow, "sandbox: "+kind, map[string]string{
				"slow.php":  `<?php function takes() { usleep(1500000); } takes();`,
				"crash.php": `<?php function crashes() { FFI::string(FFI::new('char*'), 10); } crashes();`,
			}).start()
			s.Get("/slow.php")
			wait.Until(t, "the slow log", func() bool {
				return regexp.MustCompile(`usleep\(\) .*\n.* takes\(\) `).MatchString(files.Text(slow))
			})
			s.Get("/crash.php")
			s.Logged(`it crashed while PHP was in(\n.*)+ string\(\) (.*\n)+.* crashes\(\) (.*\n)*.*it crashed while C was in\n.*#0 `, 1)
		})
	}
}
