package front

import (
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestScriptsSeeTheRequest(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": "", "x.php": ""}, echo)
	f := start(t, o)
	root := o.Sites[0].Root
	for path, want := range map[string][]string{
		"/x.php/a%20b?c=%20d": {"REQUEST_URI=/x.php/a%20b?c=%20d\n", "SCRIPT_NAME=/x.php\n", "PATH_INFO=/a b\n", "QUERY_STRING=c=%20d\n",
			"SCRIPT_FILENAME=" + root + "/x.php\n", "DOCUMENT_ROOT=" + root + "\n", "REMOTE_ADDR=127.0.0.1\n", "REQUEST_SCHEME=http\n",
			"HTTPS=\n", "HTTP_HOST=example.org\n", "SERVER_PROTOCOL=HTTP/1.1\n"},
		"//a/%2e./b%2Fc": {"REQUEST_URI=//a/%2e./b%2Fc\n", "SCRIPT_NAME=/index.php\n", "PATH_INFO=/b/c\n"},
		"/":              {"SCRIPT_NAME=/index.php\n", "PATH_INFO=\n"},
	} {
		got := f.get(t, path)
		for _, w := range want {
			if !strings.Contains(got.body, w) {
				t.Errorf("%s: no %q in\n%d %s", path, w, got.StatusCode, got.body)
			}
		}
	}
	c := f.dial(t)
	posted := c.ask("POST /new HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
	if !strings.Contains(posted.body, "REQUEST_METHOD=POST\n") || !strings.Contains(posted.body, "BODY=5\n") {
		t.Error(posted.body)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		return w.say("X-Request-Id: of-the-script\r\n\r\n%s", w.param("HTTP_X_REQUEST_ID"))
	})
	f := start(t, o)
	got := f.get(t, "/")
	if id := got.Header["X-Request-Id"]; len(id) != 1 || id[0] != got.body || len(id[0]) != 32 {
		t.Errorf("without one: %q, PHP saw %q", id, got.body)
	}
	if again := f.get(t, "/"); again.body == got.body {
		t.Error("two requests have the same id")
	}
	for given, want := range map[string]string{"mine-1": "mine-1", "a b": "", "a\"b": "", strings.Repeat("x", 129): "", "": ""} {
		got := f.get(t, "/", "X-Request-Id: "+given)
		if want == "" && len(got.body) != 32 || want != "" && got.body != want || got.Header.Get("X-Request-Id") != got.body {
			t.Errorf("%q: PHP saw %q, the client %q", given, got.body, got.Header["X-Request-Id"])
		}
	}
}

// The page once said that a program had ended which had only sent a wrong header.
func TestAnswersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"Content-Length: abc", "Status: abc", "no header"} {
		f := start(t, orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
			return w.say("%s\r\n\r\nx", head)
		}))
		got := f.get(t, "/")
		if got.StatusCode != 502 || strings.Contains(got.body, "ended") || !strings.Contains(got.body, "cannot be understood") {
			t.Errorf("%s: %d %s", head, got.StatusCode, got.body)
		}
		if said := f.said.String(); !strings.Contains(said, "the answer cannot be understood: ") {
			t.Errorf("%s: the log says %s", head, said)
		}
	}
}

func TestFailuresOfThePool(t *testing.T) {
	o := orders(t, map[string]string{"index.php": ""}, nil)
	f := start(t, o)
	got := f.get(t, "/")
	if got.StatusCode != 502 || !strings.Contains(got.body, got.Header.Get("X-Request-Id")) {
		t.Errorf("no workers: %d %s", got.StatusCode, got.body)
	}
	if said := f.said.String(); !strings.Contains(said, got.Header.Get("X-Request-Id")) {
		t.Errorf("the log has nothing about the request: %s", said)
	}
	blocked := make(chan bool)
	o = orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		<-blocked
		return false
	})
	o.Limits.RequestTimeout, o.Limits.QueueTimeout, o.Pools[0].Connections = 5*time.Second, time.Millisecond, 1
	f = start(t, o)
	c := f.dial(t)
	c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	wait.Until(t, "the request under way", func() bool { return f.active.Load() == 1 })
	var busy reply
	wait.Until(t, "503", func() bool { busy = f.get(t, "/"); return busy.StatusCode == 503 })
	if busy.Header.Get("Retry-After") != "1" {
		t.Errorf("busy: %v", busy.Header)
	}
	if got := c.read("GET"); got.StatusCode != 504 {
		t.Errorf("a silent worker: %d", got.StatusCode)
	}
	close(blocked)
}

func TestScriptsHaveFilesSent(t *testing.T) {
	t.Parallel()
	private := files.Make(t, map[string]string{"a.txt": letters, "x.php": "secret"})
	head := ""
	o := orders(t, map[string]string{"index.php": "", "public.txt": "public", "private/own.txt": "own"}, func(w *worker) bool {
		return w.say("%s\r\n\r\nthe script's own body", head)
	})
	o.Sites[0].Sendfile = []string{private}
	o.Sites[0].Internal = []contract.InternalPath{{Path: "/private", Directory: private}}
	f := start(t, o)
	for _, c := range []struct {
		head, ask string
		status    int
		body      string
	}{
		{"X-Sendfile: " + private + "/a.txt", "", 200, letters},
		{"X-Sendfile: " + private + "/a.txt\r\nContent-Length: 3", "", 200, letters},
		{"X-Sendfile: " + private + "/a.txt", "Range: bytes=10-19", 206, letters[10:20]},
		{"X-Accel-Redirect: /private/a.txt", "Range: bytes=10-19", 206, letters[10:20]},
		{"X-Accel-Redirect: /public.txt", "", 200, "public"},
		{"Status: 404 Not Found\r\nX-Accel-Redirect: /public.txt", "Range: bytes=0-1", 404, "public"},
		{"X-Sendfile: " + private + "/x.php", "", 404, ""},
		{"X-Sendfile: /etc/passwd", "", 404, ""},
		{"X-Accel-Redirect: /private/../../etc/passwd", "", 404, ""},
		{"X-Accel-Redirect: /private/missing", "", 404, ""},
	} {
		head = c.head + "\r\nContent-Type: text/x-mine\r\nSet-Cookie: a=b\r\nContent-Disposition: attachment"
		got := f.get(t, "/", c.ask)
		if got.StatusCode != c.status || c.body != "" && got.body != c.body || strings.Contains(got.body, "own body") {
			t.Errorf("%s: got %d %.60q, want %d %.60q", c.head, got.StatusCode, got.body, c.status, c.body)
		}
		if h := got.Header; c.body != "" && (h.Get("Content-Type") != "text/x-mine" || h.Get("Set-Cookie") != "a=b" ||
			h.Get("Content-Disposition") != "attachment" || h.Get("X-Sendfile")+h.Get("X-Accel-Redirect") != "") {
			t.Errorf("%s: headers %v", c.head, h)
		}
	}
	if got := f.get(t, "/private/own.txt"); got.StatusCode != 404 {
		t.Errorf("a client's request for an internal path: %d %s", got.StatusCode, got.body)
	}
	if said := f.said.String(); !strings.Contains(said, "/etc/passwd") || !strings.Contains(said, "X-Sendfile") {
		t.Errorf("refused files are not in the log: %s", said)
	}
}

func TestEarlyHintsPass(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		return w.say("Status: 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nContent-Type: text/plain\r\n\r\nlate")
	}))
	c := f.dial(t)
	c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	hints, last := c.read("GET"), c.read("GET")
	if hints.StatusCode != 103 || hints.Header.Get("Link") != "</a.css>; rel=preload" || last.StatusCode != 200 || last.body != "late" {
		t.Errorf("got %d %v, then %d %q", hints.StatusCode, hints.Header, last.StatusCode, last.body)
	}
	wait.Until(t, "the line", func() bool { return strings.Contains(files.Read(t, f.accessed), `" 200 4 "`) })
}

func TestEventsComeAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan bool)
	f := start(t, orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		w.Response().Write([]byte("Content-Type: text/event-stream\r\n\r\ndata: 1\n\n"))
		w.Response().Flush()
		<-next
		return w.say("data: 2\n\n")
	}))
	c := f.dial(t)
	c.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "data: 1\n" {
			break
		}
	}
	close(next)
	rest, _ := c.r.ReadString(0)
	if !strings.Contains(rest, "data: 2\n") {
		t.Errorf("then came %q", rest)
	}
}

func TestSourceIsNeverSent(t *testing.T) {
	t.Parallel()
	const secret = "<?php $password = 'secret';"
	contents := map[string]string{"ok.txt": "ok"}
	names := []string{"x.PHP", "x.php~", "x.php.bak", "x.inc", ".env", ".git/config", "x.phar", "d/.htpasswd", "x.php ", "x.php.", "x.phps"}
	for _, name := range names {
		contents[name] = secret
	}
	o := orders(t, contents, nil)
	f := start(t, o)
	for _, name := range names {
		for _, path := range []string{"/" + name, "//" + name, "/./" + name, "/d/../" + name, "/%2e/" + name, "/" + name + "?x", "/" + strings.ReplaceAll(name, ".", "%2e"),
			"/" + strings.ReplaceAll(name, "/", "%2f"), "/" + name + "/", "/" + name + "%20", "/" + name + "%00.txt", "/" + name + "%0a"} {
			path = strings.ReplaceAll(path, " ", "%20")
			if got := f.get(t, path); got.StatusCode < 400 || strings.Contains(got.body, "secret") {
				t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
			}
		}
	}
}
