package devserver_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestApplicationThatCallsItself(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"self.php": `<?php $n = (int) $_GET["n"];
		echo $n, $n > 0 ? file_get_contents("http://{$_SERVER['HTTP_X_SELF']}/self.php?n=" . ($n - 1), false,
			stream_context_create(["http" => ["header" => "X-Self: {$_SERVER['HTTP_X_SELF']}"]])) : "";`})
	s := start(t, binary, root, nil, "-n")
	conn := s.dial()
	fmt.Fprintf(conn, "GET /self.php?n=9 HTTP/1.1\r\nX-Self: %s\r\n\r\n", s.address)
	if got := body(readAll(conn)); got != "9876543210" {
		t.Errorf("got %q", got)
	}
}

func TestCrashCostsOneRequest(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{
		"early.php": `<?php exec("kill -SEGV " . getmypid()); sleep(5);`,
		"late.php":  `<?php echo "begun"; exec("kill -SEGV " . getmypid()); sleep(5);`,
		"slow.php":  `<?php usleep(300000); echo "slow";`,
		"fine.php":  `<?php echo "fine";`,
	})
	s := start(t, binary, root, nil, "-n")
	slow := make(chan string)
	go func() { slow <- body(s.get("/slow.php")) }()
	if got := s.get("/early.php"); !strings.HasPrefix(got, "HTTP/1.1 500 Internal Server Error\r\n") || !strings.Contains(got, "temporarily unavailable") {
		t.Errorf("early: got %q", got)
	}
	s.Says("[500]: GET /early.php - worker ")
	s.Says("was killed by signal 11 (segmentation fault)")
	if got := s.get("/late.php"); body(got) != "begun" {
		t.Errorf("late: got %q", got)
	}
	s.Says("[500]: GET /late.php - worker ")
	if got := body(s.get("/fine.php")); got != "fine" {
		t.Errorf("afterwards: got %q", got)
	}
	if got := <-slow; got != "slow" {
		t.Errorf("beside: got %q", got)
	}
}

// A process that a script forks, wherever, ends with its request, and answers no other.
func TestForkedProcessAnswersNobody(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{
		"shutdown.php": `<?php register_shutdown_function(function () { pcntl_fork(); }); echo "forked";`,
		"pid.php":      `<?php file_put_contents(__DIR__ . "/by", getmypid() . "\n", FILE_APPEND); echo getmypid();`,
	})
	s := start(t, binary, root, nil, "-n")
	if got := body(s.get("/shutdown.php")); got != "forked" {
		t.Errorf("got %q", got)
	}
	want := ""
	for range 4 {
		got := body(s.get("/pid.php"))
		if _, err := strconv.Atoi(got); err != nil {
			t.Errorf("got %q", got)
		}
		want += got + "\n"
	}
	if by, err := os.ReadFile(root + "/by"); string(by) != want {
		t.Errorf("run by %q, answered by %q; %v", by, want, err)
	}
	s.Signal(syscall.SIGTERM)
	s.End()
}

func TestWorkerThatLeavesIsReported(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": `<?php pcntl_exec("/bin/sh", ["-c", "exit 3"]);`})
	s := start(t, binary, root, nil, "-n")
	s.get("/a.php")
	s.Says("ended with status 3")
}

const waits = `<?php echo "begun"; flush(); while (!file_exists($_GET["file"])) { usleep(5000); } echo ", done";`

// begun starts a request that lasts until the file is there, and gives its connection.
func begun(t *testing.T, s *server, file string) net.Conn {
	t.Helper()
	conn := s.dial()
	fmt.Fprintf(conn, "GET /waits.php?file=%s HTTP/1.1\r\n\r\n", file)
	head := make([]byte, 4096)
	for text := ""; !strings.Contains(text, "begun"); {
		n, err := conn.Read(head)
		if err != nil {
			t.Fatal(err)
		}
		text += string(head[:n])
	}
	return conn
}

func TestSignalsDrain(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			root := files.Make(t, map[string]string{"waits.php": waits})
			s := start(t, binary, root, nil, "-n")
			idle := s.dial()
			conn := begun(t, s, filepath.Join(root, "go"))
			s.Signal(sig)
			s.Says("Waiting for 1 request(s) to end, after " + sig.String())
			if got := readAll(idle); got != "" {
				t.Errorf("the connection without a request got %q", got)
			}
			if _, err := net.Dial("tcp", s.address); err == nil {
				t.Error("still listening")
			}
			if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := readAll(conn); got != ", done" {
				t.Errorf("got %q", got)
			}
			endsBy(t, s.End(), sig)
			gone(t, s)
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"waits.php": waits})
	s := start(t, binary, root, nil, "-n")
	conn := begun(t, s, "/nowhere")
	s.Signal(syscall.SIGINT)
	s.Says("Waiting for 1 request")
	s.Signal(syscall.SIGTERM)
	if status := s.End(); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", status)
	}
	readAll(conn)
	gone(t, s)
}

func TestIdleServerEndsAsStockPHP(t *testing.T) {
	t.Parallel()
	root := files.Make(t, nil)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, program := range []string{stock, binary} {
			s := start(t, program, root, nil, "-n")
			s.get("/") // stock php says that it started before it catches SIGINT
			s.Signal(sig)
			endsBy(t, s.End(), sig)
			gone(t, s)
		}
	}
}

// endsBy checks that a server ended as stock php does: by SIGINT in order, else by the signal's default.
func endsBy(t *testing.T, status syscall.WaitStatus, sig syscall.Signal) {
	t.Helper()
	if sig == syscall.SIGINT {
		if !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("%v: ended with %v", sig, status)
		}
	} else if !status.Signaled() || status.Signal() != sig {
		t.Errorf("%v: ended with %v", sig, status)
	}
}

// processes are those that have the server's root as their directory: parent, zygote, workers.
func processes(t *testing.T, s *server) (pids []int) {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if cwd, err := os.Readlink(entry); err == nil && cwd == s.root {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(entry)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone waits until no process of the server is left.
func gone(t *testing.T, s *server) {
	t.Helper()
	wait.Until(t, "the end of all processes", func() bool { return len(processes(t, s)) == 0 })
}

func TestKilledServerLeavesNothing(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"waits.php": waits})
	s := start(t, binary, root, nil, "-n")
	begun(t, s, "/nowhere")
	if n := len(processes(t, s)); n < 3 {
		t.Fatalf("only %d processes: the test looks for them in the wrong way", n)
	}
	s.Signal(syscall.SIGKILL)
	s.End()
	gone(t, s)
}

func TestZygoteThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": "<?php echo 'a';", "scheduling.php": serve.Scheduling})
	s := start(t, binary, root, nil, "-n")
	if got, want := body(s.get("/scheduling.php")), serve.OwnScheduling(t); got != want {
		t.Errorf("a script's scheduling is %q, the server was given %q", got, want)
	}
	time.Sleep(1100 * time.Millisecond) // one that dies younger is not replaced
	killZygote(t, s)
	s.Says("died and its workers with it; starting another")
	wait.Until(t, "an answer", func() bool { return body(s.get("/a.php")) == "a" })
	if got, want := body(s.get("/scheduling.php")), serve.OwnScheduling(t); got != want {
		t.Errorf("afterwards a script's scheduling is %q, the server was given %q", got, want)
	}
}

func TestZygoteThatDiesAtOnceEndsTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, binary, files.Make(t, nil), nil, "-n")
	killZygote(t, s)
	if status := s.End(); status.ExitStatus() != 1 {
		t.Errorf("ended with %v", status)
	}
	s.Says("cannot be started again")
	gone(t, s)
}

// killZygote kills the server's one child.
func killZygote(t *testing.T, s *server) {
	t.Helper()
	if err := syscall.Kill(s.Tree()[1], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestFiftyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": "<?php usleep(20000); echo 'answer ', $_GET['n'];"})
	for _, env := range [][]string{nil, {"PHP_CLI_SERVER_WORKERS=3"}} {
		s := start(t, binary, root, env, "-n")
		var all sync.WaitGroup
		for n := range 50 {
			conn := s.dial()
			all.Go(func() {
				fmt.Fprintf(conn, "GET /a.php?n=%d HTTP/1.1\r\n\r\n", n)
				if got, want := body(readAll(conn)), fmt.Sprintf("answer %d", n); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
		all.Wait()
		s.Signal(syscall.SIGINT)
		endsBy(t, s.End(), syscall.SIGINT)
	}
}

func TestConnectionsWithoutARequestHoldNoWorker(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": "<?php echo 'a';"})
	s := start(t, binary, root, nil, "-n")
	for range 100 {
		s.dial()
	}
	if got := body(s.get("/a.php")); got != "a" {
		t.Errorf("got %q", got)
	}
	if n := len(processes(t, s)); n > 3 {
		t.Errorf("%d processes", n)
	}
}

// A log that nobody reads any more costs its messages, and no process.
func TestReaderOfTheLogIsGone(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"log.php": `<?php error_log("one"); error_log("two"); echo getmypid();`})
	address := serve.Address(t)
	cmd := exec.Command(binary, "-n", "-S", address)
	cmd.Dir = root
	s := &server{Server: serve.RunUnread(t, cmd), t: t, root: root, address: address}
	wait.Until(t, "a listening socket", serve.Accepts("tcp", address))
	first := s.get("/log.php")
	if second := s.get("/log.php"); !strings.Contains(first, " 200 OK") || body(first) != body(second) {
		t.Errorf("got %q, then %q", first, second)
	}
	s.Signal(syscall.SIGINT)
	endsBy(t, s.End(), syscall.SIGINT)
}

// PHP reads a POST that has a type before the script starts, even if the type is empty, and says so if it is too long.
func TestPostWithAnEmptyType(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": `<?php echo strlen(file_get_contents("php://input"));`})
	for name, field := range map[string]string{"no type": "", "empty type": "Content-Type: \r\n", "text": "Content-Type: text/plain\r\n"} {
		said := map[string]string{}
		for _, program := range []string{stock, binary} {
			s := start(t, program, root, nil, "-n", "-d", "post_max_size=10")
			conn := s.dial()
			fmt.Fprintf(conn, "POST /a.php HTTP/1.0\r\n%sContent-Length: 16\r\n\r\n0123456789abcdef", field)
			said[program] = body(readAll(conn))
		}
		if said[binary] != said[stock] || strings.Contains(said[stock], "exceeds the limit") != (field != "") {
			t.Errorf("%s: got %q, want %q", name, said[binary], said[stock])
		}
	}
}
