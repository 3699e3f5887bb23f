package logs

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestMain(m *testing.M) { os.Exit(serve.Main(m, nil)) }

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

// service is a running phpsapi fpm, whose site is its own directory. Its log is its standard error.
type service struct{ *serve.Service }

// prepare makes a service with settings for phpsapi.yaml, and lines for the pool, in which DIR is the directory.
func prepare(t *testing.T, settings, pool string) *service {
	t.Helper()
	s := &service{serve.NewService(t)}
	files.Fill(t, s.Dir, scripts)
	s.Write("php-fpm.conf", serve.FPMConf(s.Dir, "", "pm = static\npm.max_children = 2\n"+strings.ReplaceAll(pool, "DIR", s.Dir)))
	s.settle(settings)
	return s
}

// start runs a service that prepare makes.
func start(t *testing.T, settings, pool string, environment ...string) *service {
	t.Helper()
	s := prepare(t, settings, pool)
	cmd := s.Command("-F", "-O")
	cmd.Env = append(cmd.Env, environment...)
	s.Run(cmd)
	return s
}

// settle writes phpsapi.yaml.
func (s *service) settle(settings string) {
	s.T.Helper()
	s.Write("phpsapi.yaml", fmt.Sprintf("%s\nhttp:\n  listen: [%q]\n  root: %q\n  access_log: %s\n", settings, s.Address, s.Dir, s.Path("http.log")))
}

// get asks for a page by HTTP and returns its status and text; 0: there was none. Headers are name, value.
func (s *service) get(path string, headers ...string) (int, string) {
	return serve.Ask(s.HTTP, s.URL(path), headers...)
}

// object is a line of a log.
type object map[string]any

func (o object) text(name string) string { text, _ := o[name].(string); return text }

// objects parses a log, all lines of which must be objects with a time.
func (s *service) objects(name string) (all []object) {
	s.T.Helper()
	text := s.Log()
	if name != "" {
		text = files.Text(s.Path(name))
	}
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "}\n") { // it is being written
			continue
		}
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			s.T.Fatalf("%s: %v: %.500q", name, err, line)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", o.text("timestamp")); err != nil {
			s.T.Fatalf("%s: %v", name, err)
		}
		all = append(all, o)
	}
	return all
}

// await waits for a line of a log; an empty name is standard error.
func (s *service) await(log, what string, is func(object) bool) (found object) {
	s.T.Helper()
	wait.Until(s.T, what, func() bool {
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
	t.Parallel()
	for name, direct := range map[string]string{"workers": "auto", "front": "off"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, jsonLogs, "", "PHPSAPI_HTTP_DIRECT="+direct)
			s.get("/warn.php?a=1", "X-Request-Id", "warn-1")
			o := s.await("", "the warning", contains("Undefined variable $x"))
			want := object{"level": "warning", "pool": "www", "request_id": "warn-1", "method": "GET", "uri": "/warn.php?a=1", "script": s.Path("warn.php"),
				"host": s.Address}
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
	s := prepare(t, "", "")
	s.Write("php-fpm.conf", serve.FPMConf(s.Dir, "", "pm = static\npm.max_children = 4\naccess.log = /proc/self/fd/2\n"))
	s.Write("phpsapi.yaml", fmt.Sprintf("%s\nhttp:\n  listen: [%q]\n  root: %q\n  access_log: stderr\n", jsonLogs, s.Address, s.Dir))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	go func() {
		buf := make([]byte, 10000)
		for {
			n, err := read.Read(buf)
			s.Stderr.Write(buf[:n])
			if err != nil {
				return
			}
			time.Sleep(200 * time.Microsecond)
		}
	}()
	cmd := s.Command("-F", "-O")
	cmd.Stderr = write
	s.Run(cmd)
	write.Close()
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
	t.Parallel()
	s := start(t, jsonLogs, "request_slowlog_timeout = 1s\nslowlog = DIR/slow.log\n")
	s.get("/crash.php", "X-Request-Id", "crash-1")
	o := s.await("", "the incident", func(o object) bool { return o["incident"] != nil })
	if i, _ := o["incident"].(map[string]any); o["request_id"] != "crash-1" || o["uri"] != "/crash.php" || i["kind"] != "crash" || i["php_stack"] == nil {
		t.Errorf("the incident: %v", o)
	}
	s.get("/slow.php", "X-Request-Id", "slow-1")
	o = s.await("slow.log", "the slow log", func(object) bool { return true })
	stack := fmt.Sprint(o["php_stack"])
	if o["request_id"] != "slow-1" || o["pool"] != "www" || !strings.Contains(stack, "usleep()") || !strings.Contains(stack, "nap() "+s.Path("slow.php")) {
		t.Errorf("the slow log: %v", o)
	}
	s.await("", "the line about it", func(o object) bool { return contains("executing too slow")(o) && o["request_id"] == "slow-1" })
}

// TestReloadChangesTheForm reloads from php-fpm's form to JSON and back.
func TestReloadChangesTheForm(t *testing.T) {
	t.Parallel()
	s := start(t, "", "access.log = DIR/access.log\n")
	reload := func(settings, said string) string {
		t.Helper()
		before := len(s.Log())
		s.settle(settings)
		s.Signal(syscall.SIGUSR2)
		wait.Until(t, "the reload", func() bool { return strings.Contains(s.Log()[before:], said) })
		s.get("/warn.php", "X-Request-Id", "after")
		wait.Until(t, "the warning", func() bool { return strings.Contains(s.Log()[before:], "Undefined variable") })
		return s.Log()[before:]
	}
	s.get("/index.php")
	if text := reload(jsonLogs, `"message":"ready to handle connections"`); !strings.Contains(text, `"request_id":"after"`) {
		t.Errorf("the warning names no request: %s", text)
	}
	if text := reload("", "NOTICE: ready to handle connections"); !strings.Contains(text, "PHP message: PHP Warning:  Undefined variable $x") {
		t.Errorf("the warning is another: %s", text)
	}
	lines := strings.Split(strings.TrimSpace(s.Read("access.log")), "\n")
	if len(lines) != 3 || lines[0][0] == '{' || lines[1][0] != '{' || lines[2][0] == '{' {
		t.Errorf("the access log: %q", lines)
	}
}

// TestWrongFormat has a setting that is none.
func TestWrongFormat(t *testing.T) {
	t.Parallel()
	s := prepare(t, "", "")
	for _, setting := range []string{"log:\n  format: xml\n", "traces:\n  endpoint: collector\n", "traces:\n  ratio: 2\n", "traces:\n  sampler: some\n",
		"traces:\n  endpoint: http://user:secret@x/\n", "traces:\n  context: off\n  endpoint: http://x\n"} {
		s.Write("phpsapi.yaml", setting)
		said, status := serve.Execute(t, s.Command("-t"))
		if status != 78 || !strings.Contains(said, "phpsapi.yaml:2: ") {
			t.Errorf("%q: status %d: %s", setting, status, said)
		}
		if strings.Contains(said, "secret") {
			t.Errorf("%q: the message has the password: %s", setting, said)
		}
	}
}
