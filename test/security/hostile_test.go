package security

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// A worker made its zygote its tracer and stopped: the zygote told its stop as its end. The master forked another, and the worker
// stayed for ever.
func TestTracedWorkerIsEnded(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the script does not know the number of ptrace")
	}
	s := prepare(t, ffi, "no_new_privs: off", map[string]string{"traced.php": `<?php
$c = FFI::cdef('long syscall(long, long, long, long, long);');
$c->syscall(php_uname('m') === 'x86_64' ? 101 : 117, 0, 0, 0, 0);
posix_kill(getmypid(), 12);
echo 'not stopped';`, "a.php": "<?php echo getmypid();"}).start()
	first := s.workers()
	if status, body := s.Get("/traced.php"); status != 502 {
		t.Errorf("got %d %q", status, body)
	}
	s.Logged(fmt.Sprintf(`WARNING: \[pool www\] child %d exited on signal 9 \(SIGKILL\) after`, first[0]), 1)
	wait.Until(t, "the end of the worker", func() bool { return !serve.Lives(first[0]) })
	if status, body := s.Get("/a.php"); status != 200 {
		t.Errorf("got %d %q", status, body)
	}
}

// hostile is a script that writes to everything that its worker shares with other processes. It prints how much it found.
const hostile = `<?php
ignore_user_abort(true);
$c = FFI::cdef('
typedef struct { const char *base; size_t len; } part;
typedef struct { void *name; unsigned namelen; part *parts; size_t n; char *control; size_t controllen; int flags; } message;
long sendmsg(int, message *, int);
long write(int, const char *, size_t);
int fcntl(int, int, long);
int mprotect(uintptr_t, size_t, int);
int open(const char *, int);
void *memcpy(uintptr_t, const char *, size_t);
');
$pages = $unsealed = $sent = 0;
$maps = [];
foreach (file('/proc/self/maps') as $line) {
	if (preg_match('~^(\w+)-(\w+) (\S+).*memfd:scoreboard~', $line, $m)) $maps[] = [hexdec($m[1]), hexdec($m[2]) - hexdec($m[1]), $m[3]];
}
$null = $c->open('/dev/null', 2);
$own = getmypid();
$forged = "\n[27-Nov-2026 00:00:00] NOTICE: [pool victim] child 1 started\n\x00fscf\x00\x1b[2J<script>alert(1)</script>";
for ($round = 0; $round < 4; $round++) {
	foreach ($maps as [$at, $size, $mode]) {
		if ($mode[1] !== 'w') {
			$unsealed += $c->mprotect($at, $size, 3) === 0;
			continue;
		}
		$garbage = [random_bytes($size), str_repeat("\xff", $size), str_repeat($forged, intdiv($size, strlen($forged)) + 1), str_repeat("\0", $size)][$round];
		$c->memcpy($at, $garbage, $size);
		$pages++;
	}
	for ($fd = 1; $fd < 200; $fd++) {
		if ($c->fcntl($fd, 1, 0) < 0 || $fd === $null) continue;
		$flags = $c->fcntl($fd, 3, 0);
		$c->fcntl($fd, 4, $flags | 2048);
		$letters = $round < 2 ? range('A', 'Z') : array_map(fn () => random_bytes(random_int(1, 2000)), range(1, 20));
		foreach ($letters as $text) {
			$text .= $round === 0 ? $forged : random_bytes(random_int(1, 40));
			$rights = pack('Piil', 20, 1, 1, $null) . "\0\0\0\0";
			$bytes = $c->new('char[' . strlen($text) . ']');
			FFI::memcpy($bytes, $text, strlen($text));
			$control = $c->new('char[24]');
			FFI::memcpy($control, $rights, 24);
			$part = $c->new('part');
			$part->base = $c->cast('char *', FFI::addr($bytes));
			$part->len = strlen($text);
			$m = $c->new('message');
			$m->parts = FFI::addr($part);
			$m->n = 1;
			if ($round & 1) {
				$m->control = $c->cast('char *', FFI::addr($control));
				$m->controllen = 24;
			}
			$sent += $c->sendmsg($fd, FFI::addr($m), 0x4040) > 0;
			if ($fd > 2 && $round === 3) $c->write($fd, $text, strlen($text));
		}
		$c->write($fd < 3 ? $fd : 2, $forged, strlen($forged));
	}
	usleep(20000);
}
file_put_contents(__DIR__ . '/var/found', json_encode([$pages, $unsealed, $sent]));
echo 'done';`

// A worker that is its enemy's has the memory in which it says what it does, its sockets to the master and to the front, and its
// output. What it writes there concerns its own pool alone.
func TestHostileWorkerHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	p := prepare(t, ffi+"\ncatch_workers_output = yes\npm.max_children = 2\npm.status_path = /status\nrequest_slowlog_timeout = 10\nslowlog = "+serve.Dir(t)+"/slow",
		"sandbox: off", map[string]string{"hostile.php": hostile, "a.php": "<?php echo 'www ', $_GET['n'] ?? '';", "v.php": "<?php echo 'victim ', $_SERVER['TOKEN'], ' ', getmypid();"})
	text := p.Read("php-fpm.conf")
	p.Write("php-fpm.conf", text+fmt.Sprintf("\n[victim]\nlisten = %s/victim\nlisten.mode = 0666\nuser = nobody\ngroup = nogroup\npm = static\npm.max_children = 1\npm.status_path = /status\n", p.Dir))
	p.Write("phpsapi.yaml", strings.Replace(p.Read("phpsapi.yaml"), "http: {", "http: {pool: www, ", 1))
	s := p.start()
	victim := func(n int) string {
		got, err := request(p.Dir+"/victim", p.Dir+"/site/v.php", "TOKEN", fmt.Sprint(n))
		if err != nil || !strings.HasPrefix(got, fmt.Sprintf("victim %d ", n)) {
			t.Fatalf("the other pool answers %q, %v", got, err)
		}
		return got
	}
	first := strings.Fields(victim(0))[2]
	before := serve.Descriptors(s.Pid())
	const attacks = 6
	for i := range attacks {
		os.Remove(p.Dir + "/site/var/found")
		if i%2 == 0 {
			serve.Ask(s.HTTP, s.URL("/hostile.php"))
		} else {
			request(p.Dir+"/sock", p.Dir+"/site/hostile.php")
		}
		var pages, unsealed, sent int
		wait.Until(t, "the end of the attack", func() bool {
			n, _ := fmt.Sscanf(files.Text(p.Dir+"/site/var/found"), "[%d,%d,%d]", &pages, &unsealed, &sent)
			return n == 3
		})
		if pages < 4 || sent < 40 || unsealed != 0 {
			t.Errorf("the attack wrote to %d mappings, sent %d messages, and made %d of others' pages writable", pages, sent, unsealed)
		}
		victim(i + 1)
	}
	if last := strings.Fields(victim(attacks + 1))[2]; last != first {
		t.Errorf("the other pool's worker %s was replaced by %s", first, last)
	}
	wait.Until(t, "an answer of the attacked pool", func() bool {
		got, err := request(p.Dir+"/sock", p.Dir+"/site/a.php")
		return err == nil && got == "www "
	})
	wait.Until(t, "an answer of it by HTTP", func() bool {
		_, body := serve.Ask(s.HTTP, s.URL("/a.php?n=1"))
		return body == "www 1"
	})
	for pool, socket := range map[string]string{"victim": "victim", "www": "sock"} {
		page, err := request(p.Dir+"/"+socket, "/status", "SCRIPT_NAME", "/status", "QUERY_STRING", "json&full")
		var status struct {
			Pool      string `json:"pool"`
			Accepted  int    `json:"accepted conn"`
			Processes []map[string]any
		}
		if json.Unmarshal([]byte(page), &status) != nil || err != nil || status.Pool != pool || pool == "victim" && status.Accepted != attacks+3 {
			t.Errorf("the status of pool %s: %+v, %v\n%s", pool, status, err, page)
		}
		for _, format := range []string{"html&full", "xml&full", "openmetrics"} {
			if page, _ := request(p.Dir+"/"+socket, "/status", "SCRIPT_NAME", "/status", "QUERY_STRING", format); strings.Contains(page, "<script>alert") || strings.Contains(page, "\x1b") || page == "" {
				t.Errorf("%s: %q", format, page)
			}
		}
	}
	line := regexp.MustCompile(`^\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d\] (DEBUG|NOTICE|WARNING|ERROR|ALERT): `)
	log := strings.Split(strings.TrimRight(s.Log(), "\n"), "\n")
	for _, l := range log {
		output := strings.Contains(l, "] child ") && strings.Contains(l, " said into std") // quoted, and else as it is, as in php-fpm
		if !line.MatchString(l) || strings.Contains(l, "\x1b") && !output || strings.HasPrefix(l, "[27-Nov-2026 00:00:00]") {
			t.Errorf("the log has the line %q", l)
		}
	}
	if kib := serve.Private(s.Pid()); kib > 64<<10 {
		t.Errorf("the master has %d KiB", kib)
	}
	wait.Until(t, "the master to close what it was sent", func() bool { return serve.Descriptors(s.Pid()) <= before+10 })
	if out, err := serve.FPM("status", "-y", p.Path("php-fpm.conf")).CombinedOutput(); err != nil {
		t.Errorf("status: %v\n%s", err, out)
	}
	s.Signal(syscall.SIGUSR2)
	wait.Until(t, "a reload", func() bool { return strings.Count(s.Log(), "ready to handle connections") == 2 })
	victim(99)
	s.Signal(syscall.SIGTERM)
	s.Logged("exiting, bye-bye!", 1)
}

// What a script, or a program that it starts, has open.
func TestNoDescriptorsReachScriptsAndTheirPrograms(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	s := prepare(t, "access.log = "+serve.Dir(t)+"/access\ncatch_workers_output = yes\nprocess.dumpable = yes\nrequest_slowlog_timeout = 10\nslowlog = "+serve.Dir(t)+"/slow", "sandbox: off", map[string]string{
		"program.php": `<?php echo shell_exec('ls -l /proc/self/fd');`,
		"script.php":  `<?php foreach (scandir('/proc/self/fd') as $fd) if ($fd[0] !== '.') echo $fd, ' ', @readlink("/proc/self/fd/$fd"), ' ', (@file_get_contents("/proc/self/fdinfo/$fd") ?: ''), "\n";`,
	}).start()
	for name, get := range map[string]func(string) string{
		"HTTP":    func(path string) string { _, body := s.Get("/" + path); return body },
		"FastCGI": func(path string) string { body, _ := request(s.Dir+"/sock", s.Dir+"/site/"+path); return body },
	} {
		var numbers []string
		for _, m := range regexp.MustCompile(`(?m) (\d+) -> (.*)$`).FindAllStringSubmatch(get("program.php"), -1) {
			if !strings.HasPrefix(m[2], "/proc/") && !strings.HasSuffix(m[2], ".php") { // and the script, which PHP has open, too
				numbers = append(numbers, m[1]+" "+m[2])
			}
		}
		if len(numbers) != 3 {
			t.Errorf("%s: a program has the descriptors %v", name, numbers)
		}
		script := strings.ReplaceAll(get("script.php"), "memfd:opcache_lock", "opcache's lock") // of PHP 8.3 and later
		if !strings.Contains(script, "socket:") {
			t.Errorf("%s: the script shows nothing: %s", name, script)
		}
		for _, wrong := range []string{"memfd:", "pidfd", "signalfd", "landlock", "/zygote", "php-fpm.conf"} {
			if strings.Contains(script, wrong) {
				t.Errorf("%s: the worker has %s open:\n%s", name, wrong, script)
			}
		}
	}
}

// opcache's memory can be written by each worker that has it, and holds the code of all its pools.
func TestSandboxedPoolSharesOpcacheWithNobody(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	for yaml, shared := range map[string]bool{"sandbox: web": false, "sandbox: off": true, "sandbox: off\nown_opcache: on": false, "sandbox: {mode: web, lacking: warn}\nown_opcache: off": true} {
		p := prepare(t, "", yaml, nil)
		p.Write("php-fpm.conf", p.Read("php-fpm.conf")+fmt.Sprintf("\n[other]\nlisten = %s/other\nuser = nobody\ngroup = nogroup\npm = static\npm.max_children = 1\n", p.Dir))
		s := p.start()
		var zygotes []int
		for _, pool := range []string{"www", "other"} {
			wait.Until(t, "a worker of "+pool, func() bool { return len(s.Titled("php-fpm: pool "+pool)) == 1 })
			zygotes = append(zygotes, serve.Parent(s.Titled("php-fpm: pool " + pool)[0]))
		}
		if (zygotes[0] == zygotes[1]) != shared {
			t.Errorf("%s: the zygotes are %v", yaml, zygotes)
		}
	}
}
