package worker

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/permission"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// A worker answers for files, redirections and errors: the test plays a front that answers nothing.
func TestWorkerAnswersForFiles(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(func(o *contract.HTTP) { o.Sites[0].Controller = "" })
	long := strings.Repeat("0123456789", 20000)
	for name, text := range map[string]string{"a.css": "a{}", "long.txt": long, "empty": "", "dir/index.html": "dir", "named.php": `<?php header("X-Sendfile: " . __DIR__ . "/long.txt"); header("X-A: 1");`} {
		os.MkdirAll(filepath.Dir(filepath.Join(p.Dir, name)), 0o755)
		p.write(name, text)
	}
	p.spawn()
	v := w.visit(t)
	var tag, since string
	for _, c := range []struct {
		method, path, body string
		status             int
		headers            map[string]string
	}{
		{"GET", "/a.css", "a{}", 200, map[string]string{"Content-Type": "text/css; charset=utf-8", "Content-Length": "3", "Accept-Ranges": "bytes"}},
		{"HEAD", "/a.css", "", 200, map[string]string{"Content-Length": "3"}},
		{"GET", "/long.txt", long, 200, map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{"GET", "/named.php", long, 200, map[string]string{"Content-Type": "text/html; charset=UTF-8", "X-A": "1"}},
		{"GET", "/empty", "", 200, map[string]string{"Content-Type": "application/octet-stream", "Content-Length": "0"}},
		{"GET", "/dir/", "dir", 200, nil},
		{"GET", "/dir?x", "301 Moved", 301, map[string]string{"Location": "/dir/?x"}},
		{"GET", "/missing", "404 Not Found", 404, nil},
		{"GET", "/.hidden", "404 Not Found", 404, nil},
		{"OPTIONS", "/a.css", "405 Method", 405, map[string]string{"Allow": "GET, HEAD"}},
	} {
		v.ask(c.method+" "+c.path, "", "X-Request-Id: an-id")
		r, body := v.answer(c.method)
		if r.StatusCode != c.status || body != c.body && (c.status == 200 || !strings.Contains(body, c.body)) || r.Header.Get("X-Request-Id") != "an-id" {
			t.Errorf("%s %s: %v %.100q", c.method, c.path, r, body)
		}
		for name, want := range c.headers {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s %s: %s: %q, want %q", c.method, c.path, name, got, want)
			}
		}
		if c.path == "/a.css" && c.status == 200 {
			tag, since = r.Header.Get("Etag"), r.Header.Get("Last-Modified")
		}
	}
	for _, header := range []string{"If-None-Match: " + tag, "If-Modified-Since: " + since} {
		if r, body := v.get("/a.css", header); r.StatusCode != 304 || body != "" || r.Header.Get("Etag") != tag {
			t.Errorf("%s: %v %q", header, r, body)
		}
	}
	// A file that has changed is another.
	p.write("a.css", "b{color:red}")
	if r, body := v.get("/a.css", "If-None-Match: "+tag); r.StatusCode != 200 || body != "b{color:red}" || r.Header.Get("Etag") == tag {
		t.Errorf("%v %q", r, body)
	}
	// The worker has a state that says so.
	p.says(scoreboard.HTTPWaits)
}

// What was a file a moment ago may be something else.
func TestWorkerLooksAtFilesAgain(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(func(o *contract.HTTP) { o.Sites[0].Htaccess = true })
	p.write("index.php", `<?php echo "controller";`)
	name := filepath.Join(p.Dir, "a")
	p.spawn()
	v := w.visit(t)
	for range 2 {
		for _, c := range []struct {
			change func() error
			status int
			body   string
		}{
			{func() error { return os.WriteFile(name, []byte("file"), 0o644) }, 200, "file"},
			{func() error { return os.Remove(name) }, 200, "controller"},
			{func() error { return os.Mkdir(name, 0o755) }, 200, "controller"},
			{func() error { return os.WriteFile(filepath.Join(name, "index.html"), nil, 0o644) }, 301, "301 Moved"},
			{func() error { return os.RemoveAll(name) }, 200, "controller"},
		} {
			if err := c.change(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if r, body := v.get("/a"); r.StatusCode != c.status || !strings.Contains(body, c.body) {
					t.Errorf("%v %q, want %q", r, body, c.body)
				}
			}
		}
	}
	if err := os.WriteFile(name, []byte("file"), 0o644); err != nil {
		t.Fatal(err)
	}
	v.get("/a")
	p.write(".htaccess", "Require all denied")
	time.Sleep(1100 * time.Millisecond) // for which it may be unnoticed
	v.ask("GET /a", "")
	h, conn, _ := w.handed(t)
	if len(h.Text) == 0 { // the connection waited for that long
		conn.Close()
		v = w.visit(t)
		v.ask("GET /a", "")
		h, _, _ = w.handed(t)
	}
	if h.Letter != contract.Unserved || !bytes.HasPrefix(h.Text, []byte("GET /a ")) {
		t.Errorf("got %q", h)
	}
}

// A connection that has carried nothing but files stands in no rescue socket.
func TestWorkerNeedsNoRescueForFiles(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.css", "a{}")
	c := p.spawn()
	v := w.visit(t)
	if r, body := v.get("/a.css"); r.StatusCode != 200 || body != "a{}" {
		t.Fatalf("%v %q", r, body)
	}
	p.says(scoreboard.NoHTTP)
	if n, _, _, _, err := unix.Recvmsg(c.rescue, make([]byte, 1), nil, unix.MSG_DONTWAIT|unix.MSG_PEEK); err != unix.EAGAIN {
		t.Errorf("the rescue socket has %d, %v", n, err)
	}
}

// What would take long, is asked for in an uncommon way, or cannot be opened is the front's.
func TestWorkerHandsFilesOver(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(func(o *contract.HTTP) { o.Sites[0].Deny = []string{"*.sql"}; o.Sites[0].Htaccess = true })
	p.write("a.css", "a{}")
	p.write("long", strings.Repeat("l", 1<<20+1))
	p.write("x.sql", "")
	os.MkdirAll(filepath.Join(p.Dir, "rules"), 0o755)
	p.write("rules/.htaccess", "RewriteEngine on")
	p.write("rules/a.css", "a{}")
	p.write("rules/a.php", `<?php echo "script";`)
	os.MkdirAll(filepath.Join(p.Dir, "more"), 0o755)
	p.write("more/.htaccess", "RewriteEngine off")
	p.write("more/a.php", `<?php echo "script";`)
	p.spawn()
	for _, text := range []string{
		"GET /long HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a.css HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n",
		"GET /a.css HTTP/1.1\r\nHost: x\r\nIf-Match: \"a\"\r\n\r\n",
		"GET /a.css HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"a\", \"b\"\r\n\r\n",
		"GET /x.sql HTTP/1.1\r\nHost: x\r\n\r\n",       // which the log is to name
		"GET /rules/a.css HTTP/1.1\r\nHost: x\r\n\r\n", // likewise
		"GET /more/a.php HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		v := w.visit(t)
		fmt.Fprint(v, text)
		if h, conn, _ := w.handed(t); h.Letter != contract.Unserved || string(h.Text) != text {
			t.Errorf("got %q, want %q", h, text)
		} else {
			conn.Close()
		}
	}
	// The log has been told of these by now.
	v := w.visit(t)
	if r, _ := v.get("/x.sql"); r.StatusCode != 404 {
		t.Errorf("got %v", r)
	}
	for path, want := range map[string]string{"/rules/a.css": "a{}", "/rules/a.php": "script", "/more/a.php": "script"} {
		if r, body := v.get(path); r.StatusCode != 200 || body != want {
			t.Errorf("%s: got %v, %q", path, r, body)
		}
	}
}

// The front takes the rest of a file that the client does not.
func TestWorkerLeavesTheRestOfAFile(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{true, false} {
		p := newPool(t, nil)
		w := p.speakHTTP(nil)
		unix.SetsockoptInt(int(w.listen.Fd()), unix.SOL_SOCKET, unix.SO_SNDBUF, 64<<10) // of which connections have theirs
		content := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
		p.write("a.css", "a{}")
		p.write("long", string(content))
		p.spawn()
		v := w.visit(t)
		if keeps {
			v.ask("GET /long", "")
			v.ask("GET /a.css", "")
		} else {
			v.ask("GET /long", "", "Connection: close")
		}
		h, conn, second := w.handed(t)
		if h.Letter != contract.Output || second < 0 {
			t.Fatalf("got %.100q, %d", h.Text, second)
		}
		part, ok := contract.ParseFilePart(h.Text)
		if h.Next != contract.OutputFile || !ok || part.Offset+part.Length != int64(len(content)) || part.Length == 0 {
			t.Fatalf("got %q %+v", h.Next, part)
		}
		if want := map[bool]byte{true: contract.OutputEnd, false: contract.OutputClose}[keeps]; part.Next != want || !keeps && len(part.Behind) > 0 ||
			keeps && len(part.Behind) > 0 && !bytes.HasPrefix(part.Behind, []byte("GET /a.css")) {
			t.Errorf("got %q, then %.50q", part.Next, part.Behind)
		}
		rest := make([]byte, part.Length)
		if n, err := unix.Pread(second, rest, part.Offset); n != len(rest) || err != nil || !bytes.Equal(rest, content[part.Offset:]) {
			t.Errorf("%d, %v of the file", n, err)
		}
		unix.Close(second)
		go conn.Write(rest)
		r, err := http.ReadResponse(v.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r.Body); err != nil || len(got) != len(content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		// The worker answers others meanwhile.
		if _, body := w.visit(t).get("/a.css"); body != "a{}" {
			t.Errorf("got %q", body)
		}
		conn.Close()
	}
}

// A client that does not take the interim responses gets the file that the script names behind them, or sees that the response is cut off.
func TestWorkerSendsANamedFileToASlowClient(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3, 100 << 10, 2 << 20} {
		p := newPool(t, nil)
		w := p.speakHTTP(nil)
		unix.SetsockoptInt(int(w.listen.Fd()), unix.SOL_SOCKET, unix.SO_SNDBUF, 64<<10) // of which connections have theirs
		content := strings.Repeat("a", size)
		p.write("a.css", content)
		p.write("named.php", `<?php
			header('Link: ' . str_repeat('a', 4000));
			for ($i = 0; $i < 400; $i++) headers_send(103);
			header_remove('Link');
			header('X-Sendfile: ' . __DIR__ . '/a.css');`)
		p.spawn()
		v := w.visit(t)
		v.ask("GET /named.php", "")
		h, _, second := w.handed(t)
		if h.Letter != contract.Output || h.Next != contract.OutputMore || second < 0 {
			t.Fatalf("got %.100q, %d", h.Text, second)
		}
		defer unix.Close(second)
		end, sent := byte(0), []byte(nil)
		for packet := make([]byte, contract.MaxHanded); end == 0; {
			n, err := unix.Read(second, packet)
			switch {
			case err != nil:
				t.Fatal(err)
			case n == 0:
				end = 'X'
			case packet[0] == contract.OutputMore:
				sent = append(sent, packet[1:n]...)
			default:
				end = packet[0]
			}
		}
		_, response, ok := bytes.Cut(sent, []byte("HTTP/1.1 200 OK\r\n"))
		if size > 1<<20 { // which is the front's to send
			if ok || end != 'X' {
				t.Errorf("%d bytes: got %.300q, then %q", size, response, end)
			}
			continue
		}
		_, body, _ := bytes.Cut(response, []byte("\r\n\r\n"))
		if end != contract.OutputEnd || !ok || string(body) != content {
			t.Errorf("%d bytes: got %.300q, then %q", size, response, end)
		}
	}
}

// A worker sends no file that the front could not, and says nothing about what the front does not see.
func TestWorkerSendsWhatTheFrontMay(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	front := permission.User{UID: 4711, GID: 4712}
	w := p.speakHTTP(func(o *contract.HTTP) { o.FrontUser = &front; o.Sites[0].Controller = "" })
	if os.Geteuid() == 0 {
		for dir := p.Dir; dir != "/"; dir = filepath.Dir(dir) {
			if info, err := os.Stat(dir); err == nil && info.Mode()&1 == 0 {
				os.Chmod(dir, 0o755)
			}
		}
	}
	for _, dir := range []string{"open", "closed"} {
		os.Mkdir(filepath.Join(p.Dir, dir), 0o755)
	}
	p.write("a.txt", "a")
	p.write("secret.txt", "secret")
	p.write("open/b.txt", "b")
	p.write("closed/c.txt", "c")
	os.Chmod(filepath.Join(p.Dir, "secret.txt"), 0o600)
	os.Chmod(filepath.Join(p.Dir, "closed"), 0o700)
	for link, to := range map[string]string{"to-open": "open", "to-closed": "closed", "b.txt": "open/b.txt", "round": "to-closed/../open", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(p.Dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	p.spawn()
	v := w.visit(t)
	for path, want := range map[string]string{"/a.txt": "a", "/open/b.txt": "b", "/to-open/b.txt": "b"} {
		if r, body := v.get(path); r.StatusCode != 200 || body != want {
			t.Errorf("%s: %v %q", path, r, body)
		}
	}
	for _, path := range []string{"/missing", "/open/missing", "/open/missing/x", "/to-open/missing", "/a.txt/x"} {
		if r, _ := v.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %v", path, r)
		}
	}
	for _, path := range []string{"/secret.txt", "/closed/c.txt", "/closed/missing", "/to-closed/c.txt", "/round/b.txt", "/b.txt", "/closed"} {
		w.visit(t).ask("GET "+path, "")
		h, conn, _ := w.handed(t)
		if len(h.Text) == 0 { // the connection that was kept
			conn.Close()
			h, conn, _ = w.handed(t)
		}
		if conn.Close(); h.Letter != contract.Unserved || len(h.Text) == 0 {
			t.Errorf("%s: got %q", path, h)
		}
	}
	v = w.visit(t)
	// A file that is closed later is closed at once, a directory after a second.
	if r, _ := v.get("/a.txt"); r.StatusCode != 200 {
		t.Fatalf("got %v", r)
	}
	os.Chmod(filepath.Join(p.Dir, "a.txt"), 0o600)
	v.ask("GET /a.txt", "")
	if h, conn, _ := w.handed(t); h.Letter != contract.Unserved {
		t.Errorf("got %q", h)
	} else {
		conn.Close()
	}
	os.Chmod(filepath.Join(p.Dir, "open"), 0o700)
	time.Sleep(1100 * time.Millisecond)
	v = w.visit(t)
	v.ask("GET /open/b.txt", "")
	if h, _, _ := w.handed(t); h.Letter != contract.Unserved {
		t.Errorf("got %q", h)
	}
}

// The access log has what was sent, and no pool.
func TestWorkerLogsFiles(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(func(o *contract.HTTP) { o.AccessLogFormat = "json" })
	log, err := os.OpenFile(p.Dir+"/log", os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	w.log = log
	p.write("a.css", "a{}")
	c := p.spawn()
	v := w.visit(t)
	v.get("/a.css?x", "User-Agent: me")
	v.ask("HEAD /a.css", "")
	v.answer("HEAD")
	v.get("/a.css", "If-None-Match: *")
	syscall.Kill(c.pid, syscall.SIGQUIT)
	p.exit()
	text, _ := os.ReadFile(log.Name())
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %q", text)
	}
	for i, want := range []string{`"uri":"/a.css?x","protocol":"HTTP/1.1","status":200,"bytes":3,`, `"method":"HEAD","host":"example.org","uri":"/a.css","protocol":"HTTP/1.1","status":200,"bytes":0,`, `"status":304,"bytes":0,`} {
		if !strings.Contains(lines[i], want) || strings.Contains(lines[i], `"pool"`) {
			t.Errorf("got %s, want %s", lines[i], want)
		}
	}
}
