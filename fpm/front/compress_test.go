package front

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// compressing asks for what is compressed by default in these tests.
var compressing = &contract.Compression{Types: []string{"text/html", "text/css", "application/json", "image/svg+xml"}, Least: 100}

const takesGzip = "Accept-Encoding: gzip, deflate, br, zstd"

// unzip returns what gzip has made of a text.
func unzip(t testing.TB, body string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v in %.60q", err, body)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%v after %d bytes", err, len(b))
	}
	return string(b)
}

// Which responses of scripts are compressed, and what the client is told.
func TestResponsesAreCompressed(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("<p>a paragraph\n", 500)
	var head, said string
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool { return w.say("%s\r\n\r\n%s", head, said) })
	o.Sites[0].Compress = compressing
	f := start(t, o)
	const html = "Content-Type: text/html; charset=UTF-8"
	for _, c := range []struct {
		method, head, body, headers string
		zipped, varies              bool
		tag                         string
	}{
		{"GET", html, body, takesGzip, true, true, ""},
		{"POST", html, body, takesGzip + "\r\nContent-Length: 0", true, true, ""},
		{"GET", "Content-Type: TEXT/HTML", body, takesGzip, true, true, ""},
		{"GET", "Status: 404\r\n" + html, body, takesGzip, true, true, ""},
		{"GET", html + "\r\nETag: \"abc\"", body, takesGzip, true, true, `W/"abc"`},
		{"GET", html + "\r\nETag: W/\"abc\"", body, takesGzip, true, true, `W/"abc"`},
		{"GET", html + "\r\nContent-Length: " + fmt.Sprint(len(body)), body, takesGzip, true, true, ""},
		{"GET", html + "\r\nVary: Cookie", body, takesGzip, true, true, ""},
		{"GET", html + "\r\nVary: accept-encoding", body, takesGzip, true, true, ""},
		{"GET", html + "\r\nVary: *", body, takesGzip, true, false, ""},
		{"HEAD", html, body, takesGzip, true, true, ""},
		{"GET", html + "\r\nETag: \"abc\"", body, "X-None: 1", false, true, `"abc"`},
		{"GET", html, body, "Accept-Encoding: identity", false, true, ""},
		{"GET", html, body, "Accept-Encoding: gzip;q=0", false, true, ""},
		{"GET", html, body, takesGzip + "\r\nCache-Control: no-transform", false, true, ""},
		{"GET", html, strings.Repeat("x", 99), takesGzip, false, false, ""},
		{"GET", html, strings.Repeat("x", 100), takesGzip, true, true, ""},
		{"GET", "Content-Type: image/png", body, takesGzip, false, false, ""},
		{"GET", "Content-Type: text/htmlx", body, takesGzip, false, false, ""},
		{"GET", "X-None: 1", body, takesGzip, false, false, ""},
		{"GET", html + "\r\nContent-Encoding: br", body, takesGzip, false, false, ""},
		{"GET", html + "\r\nContent-Encoding: identity", body, takesGzip, false, false, ""},
		{"GET", html + "\r\nCache-Control: private, No-Transform", body, takesGzip, false, false, ""},
		{"GET", html + "\r\nContent-Digest: sha-256=:x:", body, takesGzip, false, false, ""},
		{"GET", "Status: 206\r\n" + html + "\r\nContent-Range: bytes 0-7499/9999", body, takesGzip, false, false, ""},
		{"GET", "Status: 204\r\n" + html, "", takesGzip, false, false, ""},
		{"GET", "Status: 304\r\nETag: \"abc\"", "", takesGzip + "\r\nIf-None-Match: W/\"abc\"", false, true, `W/"abc"`},
		{"GET", "Status: 304\r\nETag: \"abc\"", "", takesGzip + "\r\nIf-None-Match: \"abc\"", false, true, `"abc"`},
	} {
		head, said = c.head, c.body
		r := f.do(t, c.method, "/", c.headers)
		name := fmt.Sprintf("%s, %q, %q", c.method, c.head, c.headers)
		zipped := r.Header.Get("Content-Encoding") == "gzip"
		if zipped != c.zipped || hasToken(r.Header["Vary"], "Accept-Encoding") != c.varies || r.Header.Get("Etag") != c.tag {
			t.Errorf("%s: got %d %v", name, r.StatusCode, r.Header)
		}
		got := r.body
		if zipped && c.method != "HEAD" {
			got = unzip(t, got)
			if len(r.body) >= len(c.body) && len(c.body) > 100 {
				t.Errorf("%s: %d bytes became %d", name, len(c.body), len(r.body))
			}
		}
		if c.method != "HEAD" && got != c.body {
			t.Errorf("%s: got %d bytes, want %d", name, len(got), len(c.body))
		}
		if n := r.Header.Get("Content-Length"); zipped && n != "" && n != fmt.Sprint(len(r.body)) {
			t.Errorf("%s: Content-Length is %s, there are %d bytes", name, n, len(r.body))
		}
	}
	old := f.dial(t)
	head, said = html, body
	old.Write([]byte("GET / HTTP/1.0\r\nHost: a\r\n" + takesGzip + "\r\n\r\n"))
	if r := old.read("GET"); r.Header.Get("Content-Encoding") != "" || r.body != body {
		t.Errorf("HTTP/1.0: got %v", r.Header)
	}
	if n := f.compressing.Load(); n != 0 {
		t.Errorf("%d compressors are in use", n)
	}
}

// Files are compressed on their way, too; their parts are not.
func TestFilesAreCompressed(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.css": letters, "b.png": letters, "c.css": letters, "c.css.br": "by brotli", "d.css": strings.Repeat(letters, 100)}, nil)
	o.Sites[0].Compress, o.Sites[0].Precompressed = compressing, []string{"br"}
	f := start(t, o)
	plain := f.get(t, "/a.css")
	tag := plain.Header.Get("Etag")
	if plain.body != letters || plain.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Accept-Ranges") != "bytes" || !strings.HasPrefix(tag, `"`) {
		t.Fatalf("got %v", plain.Header)
	}
	for _, path := range []string{"/a.css", "/d.css"} {
		r := f.get(t, path, takesGzip)
		want := letters
		if path == "/d.css" {
			want = strings.Repeat(letters, 100)
		}
		if r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Accept-Ranges") != "" || !strings.HasPrefix(r.Header.Get("Etag"), `W/"`) || unzip(t, r.body) != want {
			t.Errorf("%s: got %v", path, r.Header)
		}
	}
	if r := f.get(t, "/a.css", takesGzip, "If-None-Match: W/"+tag); r.StatusCode != 304 || r.Header.Get("Etag") != "W/"+tag || r.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("got %d %v", r.StatusCode, r.Header)
	}
	if r := f.get(t, "/a.css", takesGzip, "Range: bytes=0-199"); r.StatusCode != 206 || r.Header.Get("Content-Encoding") != "" || r.body != letters[:200] || r.Header.Get("Etag") != tag {
		t.Errorf("got %d %v", r.StatusCode, r.Header)
	}
	if r := f.get(t, "/c.css", takesGzip); r.Header.Get("Content-Encoding") != "br" || r.body != "by brotli" {
		t.Errorf("got %v", r.Header)
	}
	if r := f.get(t, "/b.png", takesGzip); r.Header.Get("Content-Encoding") != "" || r.body != letters {
		t.Errorf("got %v", r.Header)
	}
}

// What a script flushes reaches the client, who can read it.
func TestFlushesReachClientsOfCompressedResponses(t *testing.T) {
	t.Parallel()
	read := make(chan bool)
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		fmt.Fprint(w.Response(), "Content-Type: text/event-stream\r\n\r\n")
		for n := range 3 {
			fmt.Fprintf(w.Response(), "data: %d\n\n", n)
			w.Response().Flush()
			<-read
		}
		w.Response().End(0, 0)
		keep, _ := w.Finish()
		return keep
	})
	o.Sites[0].Compress = &contract.Compression{Types: []string{"text/*"}, Least: 1 << 20}
	f := start(t, o)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		var protocols http.Protocols
		protocols.SetHTTP1(protocol == "HTTP/1.1")
		protocols.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
		client := http.Client{Transport: &http.Transport{Protocols: &protocols, DisableCompression: true}, Timeout: patience}
		request, err := http.NewRequest("GET", "http://"+f.addresses[0]+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "gzip")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if response.Proto != protocol || response.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("got %v", response)
		}
		r, err := gzip.NewReader(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			want := fmt.Sprintf("data: %d\n\n", n)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
				t.Fatalf("%s: got %q, %v", protocol, got, err)
			}
			read <- true
		}
		if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
			t.Errorf("%s: then %q, %v", protocol, rest, err)
		}
		response.Body.Close()
		client.CloseIdleConnections()
	}
}

// A compressed response that breaks off is seen to break off.
func TestCompressedResponseThatBreaksOff(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		fmt.Fprintf(w.Response(), "Content-Type: text/html\r\n\r\n%s", strings.Repeat("a", 100000))
		w.Response().Flush()
		return false
	})
	o.Sites[0].Compress = compressing
	f := start(t, o)
	c := f.dial(t)
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", takesGzip)
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	if _, err := zipped.ReadFrom(r.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("the body ends with %v", err)
	}
	wait.Until(t, "the compressor's return", func() bool { return f.compressing.Load() == 0 })
}

// A compressed file that becomes shorter while it is sent is seen to break off.
func TestCompressedFileThatBecomesShorter(t *testing.T) {
	t.Parallel()
	const length = 32 << 20 // more than sockets hold
	o := orders(t, map[string]string{"a.css": ""}, nil)
	o.Sites[0].Compress = compressing
	name := filepath.Join(o.Sites[0].Root, "a.css")
	content := make([]byte, length)
	rand.NewChaCha8([32]byte{}).Read(content) // which gzip makes no shorter
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	f := start(t, o)
	c := f.dial(t)
	fmt.Fprintf(c, "GET /a.css HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", takesGzip)
	r, err := http.ReadResponse(c.r, nil)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal(r, err)
	}
	if err := os.Truncate(name, length-1); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("the body ends after %d bytes with %v", n, err)
	}
}

// More responses than that are not compressed at once, as each takes memory for as long as its client is slow.
func TestCompressorsAreBounded(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.css": letters}, nil)
	o.Sites[0].Compress = compressing
	f := start(t, o)
	f.compressing.Add(mostCompressors)
	if r := f.get(t, "/a.css", takesGzip); r.Header.Get("Content-Encoding") != "" || r.body != letters || r.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("got %v", r.Header)
	}
	f.compressing.Add(-mostCompressors)
	if r := f.get(t, "/a.css", takesGzip); r.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("got %v", r.Header)
	}
}

// The access log has what was sent.
func TestCompressedBytesAreLogged(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.css": letters}, nil)
	o.Sites[0].Compress, o.AccessLogFormat = compressing, "json"
	f := start(t, o)
	r := f.get(t, "/a.css", takesGzip)
	want := fmt.Sprintf(`"status":200,"bytes":%d,`, len(r.body))
	wait.Succeeds(t, "the line of the access log", func() error {
		if logged := files.Read(t, f.accessed); !strings.Contains(logged, want) {
			return fmt.Errorf("no %s in %s", want, logged)
		}
		return nil
	})
}
