package worker

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/sapi"
)

// The places where a script's code runs. A process forked there must never answer a client: it would take the connection
// of somebody else's request, run it and throw the answer away.
var forkingScripts = map[string]string{
	"script":            `forked();`,
	"function":          `(function () { forked(); })();`,
	"exit":              `if (!forked()) exit(7);`,
	"exception":         `if (!forked()) throw new Exception;`,
	"fatal error":       `if (!forked()) missing();`,
	"shutdown function": `register_shutdown_function(function () { forked(); });`,
	"destructor":        `class D { function __destruct() { forked(); } } $d = new D; $GLOBALS['e'] = [$d];`,
	"output handler":    `ob_start(function ($text) { forked(); return $text; });`,
	"header callback":   `header_register_callback(function () { forked(); });`,
	"session handler": `class H extends SessionHandler { function write($id, $data): bool { forked(); return true; } }
		session_set_save_handler(new H, true); session_save_path('/nonexistent'); @session_start(); $_SESSION['a'] = 1;`,
	"stream filter": `class F extends php_user_filter { function onClose(): void { forked(); } }
		stream_filter_register('f', 'F'); $GLOBALS['f'] = fopen('php://memory', 'w'); stream_filter_append($GLOBALS['f'], 'f');`,
	"bare system call":   `$GLOBALS['c'] = FFI::cdef('long syscall(long, long, long);'); if (!$GLOBALS['c']->syscall(PHP_OS_FAMILY === 'Linux' && php_uname('m') === 'aarch64' ? 220 : 56, 17, 0)) { echo str_repeat('x', 100000); flush(); }`,
	"after the response": `fastcgi_finish_request(); forked();`,
}

func TestForkedProcessAnswersNobody(t *testing.T) {
	t.Parallel()
	for name, code := range forkingScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, nil, sapi.Setting{Name: "extension", Value: "ffi"}, sapi.Setting{Name: "ffi.enable", Value: "1"})
			c := p.spawn()
			// A worker whose child still runs at the request's end is replaced: here it stays.
			p.write("fork.php", "<?php function forked() { if ($pid = pcntl_fork()) pcntl_waitpid($pid, $status); return $pid; } "+code)
			p.write("pid.php", "<?php file_put_contents(__DIR__ . '/by', getmypid().\"\\n\", FILE_APPEND); echo getmypid();")
			get(p.Dir, "fork.php").do(t, p.Socket)
			pid := c.pid
			for range 4 {
				got := get(p.Dir, "pid.php").do(t, p.Socket)
				if _, body, _ := strings.Cut(got.stdout, "\r\n\r\n"); body != strconv.Itoa(pid) {
					t.Fatalf("answered by %q, the worker is %d", body, pid)
				}
			}
			if by, _ := os.ReadFile(p.Dir + "/by"); string(by) != strings.Repeat(strconv.Itoa(pid)+"\n", 4) {
				t.Errorf("run by %q, the worker is %d", by, pid)
			}
		})
	}
}

// running returns the children of a process that have not ended.
func running(pid int) (list []int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(b)) {
		stat, _ := os.ReadFile("/proc/" + field + "/stat")
		if _, state, ok := strings.Cut(string(stat), ") "); ok && state[0] != 'Z' {
			n, _ := strconv.Atoi(field)
			list = append(list, n)
		}
	}
	return list
}

// descriptorsOf returns a process's descriptors of a kind.
func descriptorsOf(pid int, kind string) (found []string) {
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if target, _ := os.Readlink(dir + e.Name()); regexp.MustCompile(kind).MatchString(target) {
			found = append(found, e.Name()+" "+target)
		}
	}
	return found
}

// A background process of a script's must not keep the pool's socket open, which would outlive the service, nor a client's
// connection, on whose end the client may wait.
func TestForkedProcessKeepsNoneOfTheWorkersDescriptors(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.traced, p.caught = true, true
	p.spawn()
	p.write("hello.php", "<?php echo 'hello';")
	p.write("fork.php", `<?php if (!($pid = pcntl_fork())) { sleep(30); exit; } echo $pid;`)
	kept := dial(t, p.Socket)
	defer kept.Close()
	ask(t, kept, get(p.Dir, "hello.php"))
	r := get(p.Dir, "fork.php")
	conn := dial(t, p.Socket)
	defer conn.Close()
	r.Send(conn)
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	got := receive(conn)
	_, body, _ := strings.Cut(got.stdout, "\r\n\r\n")
	child, err := strconv.Atoi(body)
	if err != nil {
		t.Fatal(got)
	}
	defer syscall.Kill(child, syscall.SIGKILL)
	var held []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if held = descriptorsOf(child, `^socket:|^anon_inode:`); len(held) == 0 {
			break
		}
	}
	if len(held) > 0 {
		t.Errorf("it holds %v", held)
	}
	if len(descriptorsOf(child, "")) == 0 {
		t.Error("it is gone")
	}
	// The end of the connection is the end for its client.
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("after the response: %d, %v", n, err)
	}
}

// The handler by which a worker hears of SIGQUIT is not for the processes that its scripts fork.
func TestQuitToAForkedProcessIsItsEndAlone(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil, sapi.Setting{Name: "extension", Value: "posix"})
	c := p.spawn()
	p.write("pid.php", "<?php echo getmypid();")
	p.write("quit.php", `<?php
if (!($pid = pcntl_fork())) { for ($i = 0; $i < 10000; $i++) usleep(1000); }
posix_kill($pid, SIGQUIT);
pcntl_waitpid($pid, $status);
echo pcntl_wifsignaled($status) ? pcntl_wtermsig($status) : 'exited';`)
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := ask(t, conn, get(p.Dir, "quit.php")); got != strconv.Itoa(int(unix.SIGQUIT)) {
		t.Errorf("the child ended by %q", got)
	}
	for range 2 {
		conn := dial(t, p.Socket)
		if got := ask(t, conn, get(p.Dir, "pid.php")); got != strconv.Itoa(c.pid) {
			t.Errorf("answered by %q, the worker is %d", got, c.pid)
		}
		conn.Close()
	}
}
