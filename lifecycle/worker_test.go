package lifecycle_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// TestMain makes the test binary its own zygote's worker.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(crowd) != "":
		startCrowd()
		os.Exit(0)
	case os.Getenv(limiter) != "":
		limitTasks()
		os.Exit(0)
	case os.Getenv(restricted) != "":
		restrictThreads()
		os.Exit(0)
	}
	if w := lifecycle.BecomeWorker(logToStderr, prepare); w != nil {
		w.MakeThreads()
		if string(w.Payload) == forkable {
			exercise(w.Files[0])
		} else {
			serve(w)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func logToStderr(message string) {
	fmt.Fprintln(os.Stderr, "log:", message)
}

// serve answers one request for the script that the payload names, on the worker's first descriptor.
func serve(w *lifecycle.Worker) {
	client := os.NewFile(uintptr(w.Files[0]), "client")
	defer client.Close()
	php := w.Engine.NewWeb(&plainClient{client, strings.NewReader("p=three")})
	path := string(w.Payload)
	r := lifecycle.NewWebRequest(&sapi.RequestInfo{Method: "POST", URI: "/x.php?a=1", QueryString: "a=1", PathTranslated: path,
		ContentType: "application/x-www-form-urlencoded", HasContentType: true, ContentLength: 7, Cookie: "c=2", Protocol: 1001,
		Authorization: "Basic dXNlcjpwYXNz"},
		[]sapi.Variable{{Name: "REQUEST_METHOD", Value: "POST"}, {Name: "X", Value: "y"}}, []sapi.Variable{{Name: "X-oNe", Value: "1"}})
	if php.RequestStartup(r) == nil {
		php.ExecuteFile(path)
	}
	fmt.Fprintf(client, "[status %d]", php.RequestEnd().Status)
	if kept := os.Getenv(keptVariable); kept != "" {
		fmt.Fprintf(client, "[Go has %s]", kept)
	}
	if e, ok := php.LastError(); ok {
		fmt.Fprintf(client, "[%v %s:%d]", e.Fatal, e.Message, e.Line)
	}
	php.RequestShutdown()
}

// keptVariable is one that a zygote of the tests has in its environment.
const keptVariable = "LIFECYCLE_TEST_KEPT"

type plainClient struct {
	w    io.Writer
	body io.Reader
}

func (p *plainClient) ReadBody(b []byte) int {
	n, _ := io.ReadFull(p.body, b)
	return n
}

func (p *plainClient) AppendHead(dst []byte, _ sapi.HeadRules, head *sapi.ResponseHead) []byte {
	return fmt.Appendf(dst, "%d %q %s\n", head.Status, head.StatusLine, bytes.Join(head.Lines, []byte("|")))
}

func (p *plainClient) Write(b []byte) error {
	_, err := p.w.Write(b)
	return err
}

func (p *plainClient) Message(text string) { logToStderr(text) }

func startZygote(t *testing.T, defaults ...sapi.Setting) *zygote.Zygote {
	t.Helper()
	return startZygoteWith(t, nil, defaults...)
}

// startZygoteWith is startZygote with an environment; nil for this process's.
func startZygoteWith(t *testing.T, env []string, defaults ...sapi.Setting) *zygote.Zygote {
	t.Helper()
	return startZygoteConfig(t, zygote.Config{Env: env}, defaults...)
}

// startZygoteConfig is startZygote with a configuration that has no program, engine and module.
func startZygoteConfig(t *testing.T, config zygote.Config, defaults ...sapi.Setting) *zygote.Zygote {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := lifecycle.Choose(engines.Asked{Environment: os.Getenv(engines.Variable)})
	if err != nil {
		t.Fatal(err)
	}
	config.Program, config.Engine = program, engine.Library
	config.Module = sapi.Module{Name: sapi.CLIServer, PrettyName: "Test", INI: sapi.INI{Ignore: true,
		Defaults: append(defaults, sapi.Setting{Name: "display_errors", Value: "1"})}}
	z, err := zygote.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// run forks a worker for the script and gives what it answered and how it ended.
func run(t *testing.T, z *zygote.Zygote, script string) (string, syscall.WaitStatus) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.php")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "theirs")
	ours := os.NewFile(uintptr(pair[0]), "ours")
	c, err := z.Spawn(context.Background(), []byte(path), theirs)
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Log(err)
	}
	status, known := c.Wait(context.Background())
	if !known {
		t.Fatalf("nobody tells how worker %d ended", c.Pid())
	}
	return string(answer), status
}

func TestWorkerAnswersARequest(t *testing.T) {
	z := startZygote(t)
	defer z.Close()
	answer, status := run(t, z, `<?php header("X-A: b"); http_response_code(404);
		echo PHP_SAPI, json_encode([$_GET, $_POST, $_COOKIE, $_SERVER["X"], getallheaders(), $_SERVER["PHP_AUTH_USER"] ?? null]);`)
	want := `404 "" X-Powered-By: PHP/` + z.Version + `|X-A: b|Content-type: text/html; charset=UTF-8
[status 404]cli-server[{"a":"1"},{"p":"three"},{"c":"2"},"y",{"X-oNe":"1"},"user"]`
	// The output is gathered until the request ends, the status line of the test is not.
	if strings.ReplaceAll(answer, "[status 404]", "") != strings.ReplaceAll(want, "[status 404]", "") {
		t.Errorf("got  %q\nwant %q", answer, want)
	}
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("worker ended with %v", status)
	}
}

// A zygote took sixteen settings and dropped the others.
func TestAnyNumberOfDefaultSettings(t *testing.T) {
	var defaults []sapi.Setting
	for i := range 300 {
		defaults = append(defaults, sapi.Setting{Name: fmt.Sprintf("test.%d", i), Value: fmt.Sprint(i)})
	}
	z := startZygote(t, defaults...)
	defer z.Close()
	answer, _ := run(t, z, `<?php for ($i = 0; get_cfg_var("test.$i") === "$i"; $i++); echo "$i, ", ini_get("display_errors"), ".";`)
	if !strings.Contains(answer, "300, 1.") {
		t.Errorf("got %q", answer)
	}
}

func TestCrashOfAWorkerLeavesTheZygote(t *testing.T) {
	z := startZygote(t)
	defer z.Close()
	_, status := run(t, z, `<?php exec("kill -SEGV " . getmypid()); sleep(5);`)
	if !status.Signaled() || status.Signal() != syscall.SIGSEGV {
		t.Errorf("worker ended with %v, want a death by SIGSEGV", status)
	}
	answer, _ := run(t, z, `<?php echo "still here";`)
	if !strings.Contains(answer, "still here") {
		t.Errorf("got %q", answer)
	}
}

func TestFatalErrorIsReported(t *testing.T) {
	z := startZygote(t)
	defer z.Close()
	answer, _ := run(t, z, "<?php\nnope();")
	if !strings.Contains(answer, "[true Uncaught Error: Call to undefined function nope()") {
		t.Errorf("got %q", answer)
	}
}

func TestForkedChildOfAScriptLeavesQuietly(t *testing.T) {
	z := startZygote(t)
	defer z.Close()
	answer, status := run(t, z, `<?php $p = pcntl_fork(); if (!$p) { exit(5); }
		pcntl_waitpid($p, $s); echo "child ", pcntl_wexitstatus($s);`)
	if !strings.Contains(answer, "child 5") || !status.Exited() {
		t.Errorf("got %q, %v", answer, status)
	}
}

func TestEngineThatIsNotThereIsNamed(t *testing.T) {
	program, _ := os.Executable()
	_, err := zygote.Start(context.Background(), zygote.Config{Program: program, Engine: "/nonexistent/libphp.so",
		Module: sapi.Module{Name: sapi.CLIServer, INI: sapi.INI{Ignore: true}}})
	if err == nil || !strings.Contains(err.Error(), "/nonexistent/libphp.so") {
		t.Errorf("got %v", err)
	}
}

// pidof, ps and monitoring find a worker as soon as there is one, even if it waits for its threads. The title is where the
// environment was, and neither PHP nor Go may miss that.
func TestWorkerHasItsTitleFromBirth(t *testing.T) {
	t.Parallel()
	z := startZygoteWith(t, append(os.Environ(), keptVariable+"=its environment"))
	defer z.Close()
	path := filepath.Join(t.TempDir(), "x.php")
	if err := os.WriteFile(path, []byte(`<?php echo file_get_contents("/proc/self/cmdline"), "[PHP has ", getenv("`+keptVariable+`"), "]";`), 0o600); err != nil {
		t.Fatal(err)
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := z.Fork(t.Context(), "php-fpm: pool www", []byte(path), pair[1])
	syscall.Close(pair[1])
	if err != nil {
		t.Fatal(err)
	}
	ours := os.NewFile(uintptr(pair[0]), "ours")
	defer ours.Close()
	answer, _ := io.ReadAll(ours)
	// The title's memory is as long as the zygote's arguments and environment.
	want := "\nphp-fpm: pool www[PHP has its environment][status 200][Go has its environment]"
	if got := strings.ReplaceAll(string(answer), "\x00", ""); !strings.Contains(got, want) {
		t.Errorf("worker %d shows %q", c.Pid(), got)
	}
	<-c.Done()
}
