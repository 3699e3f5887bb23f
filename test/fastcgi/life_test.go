package fastcgi_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// lives are the scripts of this file's tests.
func lives(t *testing.T) string {
	return files.Make(t, map[string]string{
		"hello.php":      `<?php echo "hello";`,
		"scheduling.php": serve.Scheduling,
		"pid.php":        `<?php echo getmypid();`,
		"slow.php":       `<?php file_put_contents(__DIR__ . "/began", ""); while (!file_exists(__DIR__ . "/go")) usleep(1000); echo "done";`,
		"crash.php":      `<?php exec("kill -SEGV " . getmypid()); sleep(9);`,
		"last.php":       `<?php apache_child_terminate(); echo getmypid();`,
		"exit.php":       `<?php exit(3);`,
		"fatal.php":      `<?php missing();`,
		"gone.php":       `<?php ignore_user_abort(true); for ($i = 0; $i < 100000 && !connection_aborted(); $i++) { echo str_repeat("x", 65536); flush(); } file_put_contents(__DIR__ . "/gone", connection_status());`,
		"upload.php":     `<?php echo sha1(file_get_contents("php://input"));`,
	})
}

// bothWays runs a test on one process, and on a parent with a child.
func bothWays(t *testing.T, test func(t *testing.T, env []string)) {
	t.Run("one process", func(t *testing.T) { test(t, nil) })
	t.Run("one child", func(t *testing.T) { test(t, []string{"PHP_FCGI_CHILDREN=1"}) })
}

// begin sends a request for slow.php and waits until the script runs.
func begin(t *testing.T, s *server, dir string) net.Conn {
	t.Helper()
	conn := s.dial()
	get(dir + "/slow.php").Send(conn)
	wait.Until(t, "the script", func() bool { return files.Exists(dir + "/began") })
	return conn
}

func release(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGracefulEnd(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1} {
			dir := lives(t)
			s := start(t, binary, env)
			conn := begin(t, s, dir)
			all := s.Tree()
			s.Signal(sig)
			release(t, dir)
			if got := exchange.Receive(conn); got.Body() != "done" {
				t.Errorf("%v: the current request got %v", sig, got)
			}
			if status := s.End(); status != 0 {
				t.Errorf("%v: ended by %v", sig, status)
			}
			serve.AllEnd(t, all...)
			if _, err := os.Lstat(s.address); err == nil {
				t.Errorf("%v: the socket was left behind", sig)
			}
		}
	})
}

func TestSecondSignalEndsTheChildren(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=2"})
	begin(t, s, dir)
	var all []int
	wait.Until(t, "a parent, a zygote and two children", func() bool { all = s.Tree(); return len(all) == 4 })
	s.Signal(syscall.SIGINT)
	wait.Until(t, "the idle child's end", func() bool { return len(s.Tree()) == 3 })
	s.Signal(syscall.SIGINT)
	if status := s.End(); status != 0 {
		t.Errorf("ended by %v", status)
	}
	serve.AllEnd(t, all...)
}

// A parent that is killed takes its children along, when they have finished.
func TestChildrenLeaveWithTheirParent(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=3"})
	conn := begin(t, s, dir)
	var all []int
	wait.Until(t, "a parent, a zygote and three children", func() bool { all = s.Tree(); return len(all) == 5 })
	s.Signal(syscall.SIGKILL)
	release(t, dir)
	if got := exchange.Receive(conn); got.Body() != "done" {
		t.Errorf("got %v", got)
	}
	serve.AllEnd(t, all...)
}

func TestExitStatusAsStock(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	for _, test := range []struct {
		scripts string
		env     []string
	}{
		{"hello", nil}, {"exit", nil}, {"fatal", nil}, {"exit fatal hello", nil}, {"last", nil},
		{"exit", []string{"PHP_FCGI_MAX_REQUESTS=1"}}, {"exit hello", []string{"PHP_FCGI_MAX_REQUESTS=2"}},
		{"hello", []string{"PHP_FCGI_CHILDREN=1"}},
	} {
		ends := func(program string) syscall.WaitStatus {
			s := start(t, program, test.env)
			for _, script := range strings.Fields(test.scripts) {
				s.ask(get(dir + "/" + script + ".php"))
			}
			s.Signal(syscall.SIGTERM) // it may have ended by itself
			return s.End()
		}
		if got, want := ends(binary), ends(stock); got != want {
			t.Errorf("%s %v: status %v, stock %v", test.scripts, test.env, got.ExitStatus(), want.ExitStatus())
		}
	}
}

func TestMaxRequests(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=1", "PHP_FCGI_MAX_REQUESTS=2"})
	var pids []string
	for range 5 {
		pids = append(pids, s.ask(get(dir+"/pid.php")).Body())
	}
	if pids[0] != pids[1] || pids[2] != pids[3] || pids[0] == pids[2] || pids[2] == pids[4] {
		t.Errorf("the processes were %v", pids)
	}
	conn := s.dial()
	get(dir + "/pid.php").kept().Send(conn)
	if got := exchange.Receive(conn); got.Err != nil || got.Body() != pids[4] {
		t.Errorf("got %v", got)
	}
	if got := exchange.Receive(conn); got.Err == nil {
		t.Error("a connection outlived its child")
	}
}

func TestApacheChildTerminate(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=1"})
	first := s.ask(get(dir + "/last.php")).Body()
	if second := s.ask(get(dir + "/pid.php")).Body(); first == "" || second == "" || first == second {
		t.Errorf("%s, then %s", first, second)
	}
	if said := s.Output.String(); said != "" {
		t.Errorf("it said %q", said)
	}
}

func TestCrashedChildIsReplacedAndReported(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=2"})
	for range 3 {
		pid := s.ask(get(dir + "/pid.php")).Body()
		if got := s.ask(get(dir + "/crash.php")); got.Err == nil {
			t.Errorf("got %v", got)
		}
		if got := s.ask(get(dir + "/pid.php")).Body(); got == "" {
			t.Errorf("nobody answers after %s", pid)
		}
	}
	s.Says("was ended by signal 11 (segmentation fault)")
	s.Says("; another takes its place in 100ms")
	s.Says("; another takes its place in 200ms")
}

func TestZygoteThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, []string{"PHP_FCGI_CHILDREN=1"})
	pid, _ := strconv.Atoi(s.ask(get(dir + "/pid.php")).Body())
	answered := time.Now() // the server's clock of the zygote's life runs since before that
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	zygote, _ := strconv.Atoi(strings.Fields(string(stat))[3])
	wait.Until(t, "a zygote that has lived a while", func() bool { return time.Since(answered) > 1100*time.Millisecond })
	if err := syscall.Kill(zygote, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.Says("the zygote died; another takes its place")
	serve.AllEnd(t, pid)
	if got, want := s.ask(get(dir+"/scheduling.php")).Body(), serve.OwnScheduling(t); got != want {
		t.Errorf("a script's scheduling is %q, the server was given %q", got, want)
	}
}

func TestIdleConnectionDoesNotStarveOthers(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		dir := lives(t)
		s := start(t, binary, env)
		var idle []net.Conn
		for range 3 {
			conn := s.dial()
			if got := get(dir + "/hello.php").kept().on(conn); got.Body() != "hello" {
				t.Fatalf("got %v", got)
			}
			idle = append(idle, conn)
		}
		if got := s.ask(get(dir + "/hello.php")); got.Body() != "hello" {
			t.Errorf("beside idle connections: %v", got)
		}
		for i, conn := range idle {
			if got := get(dir + "/hello.php").kept().on(conn); got.Body() != "hello" {
				t.Errorf("idle connection %d: %v", i, got)
			}
		}
	})
}

func TestListeningSocketAsStandardInput(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"unix", "tcp"} {
		bothWays(t, func(t *testing.T, env []string) {
			dir := lives(t)
			address := serve.Address(t)
			if network == "unix" {
				address = filepath.Join(serve.Dir(t), "socket")
			}
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			file, err := listener.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			c := command(binary, env)
			c.Stdin = file
			s := &server{serve.Run(t, c), t, network, address}
			if got := s.ask(get(dir + "/hello.php")); got.Body() != "hello" {
				t.Errorf("%s: %v", network, got)
			}
			all := s.Tree()
			s.Signal(syscall.SIGTERM)
			if status := s.End(); status != 0 {
				t.Errorf("ended by %v", status)
			}
			serve.AllEnd(t, all...)
		})
	}
}

func TestGetValuesAsStock(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{nil, {"PHP_FCGI_CHILDREN=3"}} {
		// The order of the values is nobody's business.
		ask := func(program string) []string {
			s := start(t, program, env)
			conn := s.dial()
			var content []byte
			for _, name := range []string{fastcgi.MaxConns, "OTHER", fastcgi.MaxReqs, fastcgi.MpxsConns} {
				content = append(append(content, byte(len(name)), 0), name...)
			}
			record := make([]byte, 8, 8+len(content))
			fastcgi.Header{Version: 1, Type: fastcgi.TypeGetValues, ContentLength: uint16(len(content))}.Put(record)
			conn.Write(append(record, content...))
			answer := make([]byte, 1024)
			n, err := conn.Read(answer)
			if err != nil {
				t.Fatal(err)
			}
			values := strings.SplitAfter(string(answer[8:n]), "FCGI_")
			for i := range values {
				values[i] = strings.TrimRight(values[i], "\x00\x01\r\x0e\x0fFCGI_")
			}
			slices.Sort(values)
			return values
		}
		if got, want := ask(binary), ask(stock); !slices.Equal(got, want) {
			t.Errorf("%v: %q, stock %q", env, got, want)
		}
	}
}

func TestClientThatLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		dir := lives(t)
		s := start(t, binary, env)
		conn := s.dial()
		get(dir + "/gone.php").Send(conn)
		if _, err := conn.Read(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		wait.Until(t, "the script's end", func() bool { return files.Text(dir+"/gone") == "1" })
		if got := s.ask(get(dir + "/hello.php")).Body(); got != "hello" {
			t.Errorf("got %q", got)
		}
	})
}

// What is unread of a body is never taken for the next request.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	t.Parallel()
	dir := lives(t)
	s := start(t, binary, nil)
	var smuggled bytes.Buffer
	hidden := get(dir + "/pid.php")
	w := fastcgi.NewRequestWriter(&smuggled, make([]byte, 64<<10))
	w.Begin(1, fastcgi.BeginRequest{Role: fastcgi.RoleResponder})
	for i := 0; i+1 < len(hidden.Params); i += 2 {
		w.Param(hidden.Params[i], hidden.Params[i+1])
	}
	w.EndParams()
	w.EndStdin()
	r := get(dir+"/hello.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "3").kept()
	r.Body = "abc" + smuggled.String()
	conn := s.dial()
	for range 3 {
		if got := r.on(conn); got.Body() != "hello" {
			t.Errorf("got %v", got)
		}
	}
}

// TestLoad: 1,000 requests, 50 at a time, and nothing left behind.
func TestLoad(t *testing.T) {
	t.Parallel()
	for children, processes := range map[int]int{0: 1, 4: 6} {
		for _, keep := range []bool{false, true} {
			dir := lives(t)
			s := start(t, binary, []string{fmt.Sprintf("PHP_FCGI_CHILDREN=%d", children), "PHP_FCGI_MAX_REQUESTS=0"})
			s.load(dir, 200, keep) // warms up
			wait.Until(t, "all processes", func() bool { return len(s.Tree()) == processes })
			before := s.resources()
			s.load(dir, 1000, keep)
			after := s.resources()
			for range 50 { // what was closed is gone in a moment
				if after.within(before) {
					break
				}
				time.Sleep(20 * time.Millisecond)
				after = s.resources()
			}
			if !after.within(before) {
				t.Errorf("%d children, kept %v: %+v, and before %+v", children, keep, after, before)
			}
			if said := s.Output.String(); said != "" {
				t.Errorf("it said %q", said)
			}
			all := s.Tree()
			s.Signal(syscall.SIGTERM)
			if status := s.End(); status != 0 {
				t.Errorf("ended by %v", status)
			}
			serve.AllEnd(t, all...)
		}
	}
}

// load makes n requests, 50 at a time.
func (s *server) load(dir string, n int, keep bool) {
	s.t.Helper()
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			var conn net.Conn
			for range n / 50 {
				var err error
				if conn == nil {
					if conn, err = net.Dial(s.network, s.address); err != nil {
						s.t.Error(err)
						return
					}
				}
				r := get(dir + "/hello.php")
				r.Keep = keep
				r.Send(conn)
				if got := exchange.Receive(conn); got.Body() != "hello" || got.Stderr != "" {
					s.t.Errorf("got %v", got)
				}
				if !keep {
					conn.Close()
					conn = nil
				}
			}
			if conn != nil {
				conn.Close()
			}
		})
	}
	wait.Wait()
}

// resources are what all processes of a server have.
type resources struct {
	processes, descriptors int
	memory                 int // KiB that were written to
}

// within says that nothing was left behind by any part of many requests; a child that was just born has not yet opened
// all it needs.
func (r resources) within(before resources) bool {
	return r.processes == before.processes && r.descriptors <= before.descriptors+5*before.processes && r.memory <= before.memory+500*before.processes
}

func (s *server) resources() (r resources) {
	for _, pid := range s.Tree() {
		r.processes++
		r.descriptors += serve.Descriptors(pid)
		r.memory += serve.Dirty(pid)
	}
	return r
}

// A log that nobody reads any more costs its messages, and no process.
func TestReaderOfTheLogIsGone(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, env []string) {
		dir := files.Make(t, map[string]string{"log.php": `<?php error_log("one"); error_log("two"); echo getmypid();`})
		address := serve.Address(t)
		cmd := command(binary, env, "-d", "fastcgi.logging=0", "-b", address)
		s := &server{serve.RunUnread(t, cmd), t, "tcp", address}
		wait.Until(t, "a listening socket", serve.Accepts("tcp", address))
		first := s.ask(get(dir + "/log.php"))
		if second := s.ask(get(dir + "/log.php")); first.Body() == "" || first.Body() != second.Body() {
			t.Errorf("got %v, then %v", first, second)
		}
		s.Signal(syscall.SIGTERM)
		if status := s.End(); status != 0 {
			t.Errorf("ended by %v", status)
		}
	})
}
