package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var binary string // phpsapi

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "phpsapi")
		return nil
	}))
}

var scripts = map[string]string{
	"index.php":  `<?php echo "index";`,
	"warn.php":   `<?php echo $x;`,
	"long.php":   `<?php throw new Exception(str_repeat("long \"text\"\n", 5000));`,
	"huge.php":   `<?php throw new Exception(str_repeat("huge \"text\"\n", 50000));`,
	"forge.php":  `<?php error_log("a\n{\"level\":\"alert\"}\n[01-Jan-2026 00:00:00] ALERT: x\x00\xff"); fwrite(fopen('php://stderr', 'w'), "\",\"level\":\"alert\n[pool other] child 1 exited\n");`,
	"crash.php":  `<?php posix_kill(getmypid(), 11); sleep(5);`,
	"slow.php":   `<?php function nap() { usleep(1500000); } nap();`,
	"server.php": `<?php header('Content-Type: application/json'); echo json_encode($_SERVER, JSON_INVALID_UTF8_SUBSTITUTE);`,
	"send.php":   `<?php header("X-Sendfile: " . __DIR__ . "/file.bin");`,
	"code.php":   `<?php http_response_code((int)$_GET["code"]); echo "code";`,
}

// service is a running phpsapi fpm.
type service struct {
	*serve.Process
	t    *testing.T
	dir  string // of php-fpm.conf, phpsapi.yaml, the logs and the scripts
	url  string
	said *serve.Output // its standard error
}

// start runs a service with settings for phpsapi.yaml, and lines for the pool, in which DIR is the directory.
func start(t *testing.T, settings, pool string, environment ...string) *service {
	t.Helper()
	s := &service{t: t, dir: serve.Dir(t), url: "http://" + serve.Address(t), said: &serve.Output{}}
	for name, text := range scripts {
		s.write(name, text)
	}
	s.write("php-fpm.conf", serve.FPMConf(s.dir, "", "pm = static\npm.max_children = 2\n"+strings.ReplaceAll(pool, "DIR", s.dir)))
	s.settle(settings)
	cmd := exec.Command(binary, "fpm", "-F", "-O", "-y", s.path("php-fpm.conf"))
	cmd.Env = append(serve.Environ(), environment...)
	cmd.Stderr = s.said
	var err error
	s.Process, err = serve.Start("phpsapi fpm", cmd, func() bool { return strings.Contains(s.said.String(), "ready to handle") }, s.said.String)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("%.20000s", s.said)
		}
	})
	return s
}

func (s *service) path(name string) string { return filepath.Join(s.dir, name) }

func (s *service) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// settle writes phpsapi.yaml.
func (s *service) settle(settings string) {
	s.t.Helper()
	s.write("phpsapi.yaml", fmt.Sprintf("%s\nhttp:\n  listen: [%q]\n  root: %q\n  access_log: %s\n", settings, strings.TrimPrefix(s.url, "http://"), s.dir, s.path("http.log")))
}

// read returns a file's text.
func (s *service) read(name string) string {
	text, _ := os.ReadFile(s.path(name))
	return string(text)
}

// readAll reads all there is.
func readAll(r io.Reader) string {
	text, _ := io.ReadAll(r)
	return string(text)
}

// get asks for a page by HTTP and returns its status and text; 0: there was none. Headers are name, value.
func (s *service) get(path string, headers ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// object is a line of a log.
type object map[string]any

func (o object) text(name string) string { text, _ := o[name].(string); return text }

// objects parses a log, all lines of which must be objects with a time.
func (s *service) objects(name string) (all []object) {
	s.t.Helper()
	text := []byte(s.said.String())
	if name != "" {
		text, _ = os.ReadFile(s.path(name))
	}
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("}\n")) { // it is being written
			continue
		}
		var o object
		if err := json.Unmarshal(line, &o); err != nil {
			s.t.Fatalf("%s: %v: %.500q", name, err, line)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", o.text("timestamp")); err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
		all = append(all, o)
	}
	return all
}

// await waits for a line of a log; an empty name is standard error.
func (s *service) await(log, what string, is func(object) bool) (found object) {
	s.t.Helper()
	wait.Until(s.t, what, func() bool {
		for _, o := range s.objects(log) {
			if is(o) {
				found = o
				return true
			}
		}
		return false
	})
	return found
}

func contains(text string) func(object) bool {
	return func(o object) bool { return strings.Contains(o.text("message"), text) }
}

const jsonLogs = "log:\n  format: json"

// TestErrorsNameTheirRequest asks by HTTP of a worker, by HTTP of the front, and by FastCGI.
func TestErrorsNameTheirRequest(t *testing.T) {
	for name, direct := range map[string]string{"workers": "auto", "front": "off"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, jsonLogs, "", "PHPSAPI_HTTP_DIRECT="+direct)
			s.get("/warn.php?a=1", "X-Request-Id", "warn-1")
			o := s.await("", "the warning", contains("Undefined variable $x"))
			want := object{"level": "warning", "pool": "www", "request_id": "warn-1", "method": "GET", "uri": "/warn.php?a=1", "script": s.path("warn.php"),
				"host": strings.TrimPrefix(s.url, "http://")}
			for field, value := range want {
				if o[field] != value {
					t.Errorf("%s is %v, want %v: %v", field, o[field], value, o)
				}
			}
			s.get("/long.php", "X-Request-Id", "long-1")
			o = s.await("", "the exception", contains("Uncaught Exception"))
			if message := o.text("message"); strings.Count(message, "long \"text\"\n") != 5000 || !strings.Contains(message, "#0 {main}") || o["level"] != "error" ||
				o["request_id"] != "long-1" {
				t.Errorf("the exception has %d bytes, level %v, request %v", len(o.text("message")), o["level"], o["request_id"])
			}
			s.get("/warn.php")
			wait.Until(t, "a warning of a request without an id of its own", func() bool {
				for _, o := range s.objects("") {
					if contains("Undefined")(o) && len(o.text("request_id")) == 32 {
						return true
					}
				}
				return false
			})
		})
	}
	t.Run("FastCGI", func(t *testing.T) {
		s := start(t, jsonLogs, "")
		s.fastcgi("warn.php")
		o := s.await("", "the warning", contains("Undefined variable $x"))
		if len(o.text("request_id")) != 32 || o["uri"] != "/warn.php?fastcgi" || o["pid"] == nil {
			t.Errorf("a request without an id: %v", o)
		}
		if _, said := s.fastcgi("long.php", "HTTP_X_REQUEST_ID", "of \"nginx\""); len(said) > 1024 {
			t.Errorf("nginx would get %d bytes on STDERR", len(said))
		}
		s.await("", "the exception with nginx's id", func(o object) bool { return o["request_id"] == "of \"nginx\"" && len(o.text("message")) > 60000 })
	})
}

// TestNothingIsForged has a script write what looks like other lines and fields, and a client ask with such.
func TestNothingIsForged(t *testing.T) {
	s := start(t, jsonLogs, "access.log = DIR/access.log\naccess.format = \"%{HTTP_X_EVIL}e\"")
	s.get("/forge.php", "X-Evil", `","level":"alert`, "User-Agent", `","status":1}`, "Referer", "\t[2J\xff")
	s.await("", "what the script logs", contains("{\"level\":\"alert\"}\n"))
	s.await("", "what the script writes", contains("[pool other] child 1 exited"))
	for _, o := range s.objects("") {
		if o["level"] == "alert" || o["pool"] != nil && o["pool"] != "www" {
			t.Errorf("a forged line: %v", o)
		}
	}
	wait.Until(t, "the access logs", func() bool { return len(s.objects("http.log")) > 0 })
	for _, o := range s.objects("http.log") {
		if o["status"] != 200. || o["user_agent"] != `","status":1}` || o["referer"] != "[2J�" {
			t.Errorf("a forged field: %v", o)
		}
	}
}

// TestAccessLogs compares what both have of a request.
func TestAccessLogs(t *testing.T) {
	for name, direct := range map[string]string{"workers": "auto", "front": "off"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, jsonLogs, "access.log = DIR/access.log\naccess.format = \"%R %{SCRIPT_NAME}e %{X-None}o %{Content-type}o\"", "PHPSAPI_HTTP_DIRECT="+direct)
			long := "/code.php?code=404&" + strings.Repeat("x", 5000)
			s.get(long, "X-Request-Id", "id-1")
			for _, log := range []string{"http.log", "access.log"} {
				o := s.await(log, "the line of "+log, func(o object) bool { return o["request_id"] == "id-1" })
				if o["method"] != "GET" || o["uri"] != long || o["status"] != 404. || o["pool"] != "www" || o["remote_addr"] != "127.0.0.1" {
					t.Errorf("%s: %v", log, o)
				}
				if d, _ := o["duration"].(float64); d <= 0 || d > 20 {
					t.Errorf("%s: the duration is %v", log, o["duration"])
				}
			}
			o := s.objects("access.log")[0]
			if params, _ := o["params"].(map[string]any); params["SCRIPT_NAME"] != "/code.php" || len(params) != 1 {
				t.Errorf("params: %v", o)
			}
		})
	}
}

// TestLongLinesInAPipe has workers and the front write long lines to the pipe that the master logs to, which is read slowly.
func TestLongLinesInAPipe(t *testing.T) {
	s := &service{t: t, dir: serve.Dir(t), url: "http://" + serve.Address(t), said: &serve.Output{}}
	for name, text := range scripts {
		s.write(name, text)
	}
	s.write("php-fpm.conf", serve.FPMConf(s.dir, "", "pm = static\npm.max_children = 4\naccess.log = /proc/self/fd/2\n"))
	s.write("phpsapi.yaml", fmt.Sprintf("%s\nhttp:\n  listen: [%q]\n  root: %q\n  access_log: stderr\n", jsonLogs, strings.TrimPrefix(s.url, "http://"), s.dir))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	go func() {
		buf := make([]byte, 10000)
		for {
			n, err := read.Read(buf)
			s.said.Write(buf[:n])
			if err != nil {
				return
			}
			time.Sleep(200 * time.Microsecond)
		}
	}()
	cmd := exec.Command(binary, "fpm", "-F", "-O", "-y", s.path("php-fpm.conf"))
	cmd.Env = serve.Environ()
	cmd.Stderr = write
	s.Process, err = serve.Start("phpsapi fpm", cmd, func() bool { return strings.Contains(s.said.String(), "ready to handle") }, s.said.String)
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	const clients, each = 4, 25
	done := make(chan bool, clients)
	for range clients {
		go func() {
			for i := range each {
				s.get("/index.php?"+strings.Repeat("\"", 3000), "User-Agent", strings.Repeat("\xff", 1000))
				if i%5 == 0 {
					s.get("/long.php")
				}
			}
			done <- true
		}()
	}
	for range clients {
		<-done
	}
	s.get("/huge.php")
	s.await("", "a line of 600 KB", func(o object) bool { return contains("huge \"text\"\n")(o) && len(o.text("message")) > 600_000 })
	lines := func(is func(object) bool) (n int) {
		for _, o := range s.objects("") { // which fails if one is broken
			if is(o) {
				n++
			}
		}
		return n
	}
	wait.Until(t, "all lines of the access logs", func() bool {
		return lines(func(o object) bool { return strings.HasPrefix(o.text("uri"), "/index.php?") && o["truncated"] == true }) == 2*clients*each
	})
	wait.Until(t, "all exceptions", func() bool { return lines(contains("Uncaught Exception: long")) == clients*each/5 })
}

// TestCrashAndSlowLog has an incident, and a slow request.
func TestCrashAndSlowLog(t *testing.T) {
	s := start(t, jsonLogs, "request_slowlog_timeout = 1s\nslowlog = DIR/slow.log\n")
	s.get("/crash.php", "X-Request-Id", "crash-1")
	o := s.await("", "the incident", func(o object) bool { return o["incident"] != nil })
	if i, _ := o["incident"].(map[string]any); o["request_id"] != "crash-1" || o["uri"] != "/crash.php" || i["kind"] != "crash" || i["php_stack"] == nil {
		t.Errorf("the incident: %v", o)
	}
	s.get("/slow.php", "X-Request-Id", "slow-1")
	o = s.await("slow.log", "the slow log", func(object) bool { return true })
	stack := fmt.Sprint(o["php_stack"])
	if o["request_id"] != "slow-1" || o["pool"] != "www" || !strings.Contains(stack, "usleep()") || !strings.Contains(stack, "nap() "+s.path("slow.php")) {
		t.Errorf("the slow log: %v", o)
	}
	s.await("", "the line about it", func(o object) bool { return contains("executing too slow")(o) && o["request_id"] == "slow-1" })
}

// TestReloadChangesTheForm reloads from php-fpm's form to JSON and back.
func TestReloadChangesTheForm(t *testing.T) {
	s := start(t, "", "access.log = DIR/access.log\n")
	reload := func(settings, said string) string {
		t.Helper()
		before := len(s.said.String())
		s.settle(settings)
		s.Signal(syscall.SIGUSR2)
		wait.Until(t, "the reload", func() bool { return strings.Contains(s.said.String()[before:], said) })
		s.get("/warn.php", "X-Request-Id", "after")
		wait.Until(t, "the warning", func() bool { return strings.Contains(s.said.String()[before:], "Undefined variable") })
		return s.said.String()[before:]
	}
	s.get("/index.php")
	if text := reload(jsonLogs, `"message":"ready to handle connections"`); !strings.Contains(text, `"request_id":"after"`) {
		t.Errorf("the warning names no request: %s", text)
	}
	if text := reload("", "NOTICE: ready to handle connections"); !strings.Contains(text, "PHP message: PHP Warning:  Undefined variable $x") {
		t.Errorf("the warning is another: %s", text)
	}
	text, _ := os.ReadFile(s.path("access.log"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 3 || lines[0][0] == '{' || lines[1][0] != '{' || lines[2][0] == '{' {
		t.Errorf("the access log: %q", lines)
	}
}

// TestWrongFormat has a setting that is none.
func TestWrongFormat(t *testing.T) {
	dir := serve.Dir(t)
	conf := filepath.Join(dir, "php-fpm.conf")
	os.WriteFile(conf, []byte(serve.FPMConf(dir, "", "pm = static\npm.max_children = 1\n")), 0o644)
	for _, setting := range []string{"log:\n  format: xml\n", "traces:\n  endpoint: collector\n", "traces:\n  ratio: 2\n", "traces:\n  sampler: some\n",
		"traces:\n  endpoint: http://user:secret@x/\n", "traces:\n  context: off\n  endpoint: http://x\n"} {
		os.WriteFile(filepath.Join(dir, "phpsapi.yaml"), []byte(setting), 0o644)
		cmd := exec.Command(binary, "fpm", "-t", "-y", conf)
		cmd.Env = serve.Environ()
		said, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != 78 || !strings.Contains(string(said), "phpsapi.yaml:2: ") {
			t.Errorf("%q: status %d: %s", setting, status, said)
		}
		if strings.Contains(string(said), "secret") {
			t.Errorf("%q: the message has the password: %s", setting, said)
		}
	}
}
