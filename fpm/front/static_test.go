package front

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

var letters = strings.Repeat("0123456789abcdefghijklmnopqrstuv", 64)

func TestFilesAreSentWithTheirHeaders(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"a.css": "a{}", "b.unknown": "<html>", "c": "", "d.svg": "", "e.JPG": "", "sub/index.html": "hi"}, nil))
	for path, mediaType := range map[string]string{
		"/a.css": "text/css; charset=utf-8", "/b.unknown": "application/octet-stream", "/c": "application/octet-stream",
		"/d.svg": "image/svg+xml", "/e.JPG": "image/jpeg", "/sub/": "text/html; charset=utf-8",
	} {
		got := f.get(t, path)
		h := got.Header
		if got.StatusCode != 200 || h.Get("Content-Type") != mediaType || h.Get("Last-Modified") == "" || h.Get("Server") != "phpsapi" ||
			!strings.HasPrefix(h.Get("Etag"), `"`) || h.Get("Accept-Ranges") != "bytes" || len(h.Get("X-Request-Id")) != 32 {
			t.Errorf("%s: %d %v", path, got.StatusCode, h)
		}
	}
	head := f.do(t, "HEAD", "/a.css")
	if head.StatusCode != 200 || head.ContentLength != 3 || head.body != "" {
		t.Errorf("HEAD: %d, length %d, %q", head.StatusCode, head.ContentLength, head.body)
	}
	moved := f.get(t, "/sub?a=b%20c")
	if moved.StatusCode != 301 || moved.Header.Get("Location") != "/sub/?a=b%20c" {
		t.Errorf("a directory: %d %v", moved.StatusCode, moved.Header)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "FOO"} {
		if got := f.do(t, method, "/a.css"); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %v", method, got.StatusCode, got.Header)
		}
	}
	if got := f.do(t, "TRACE", "/"); got.StatusCode != 405 {
		t.Errorf("TRACE: %d", got.StatusCode)
	}
}

func TestErrorsHavePages(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{".env": "secret"}, nil))
	for path, status := range map[string]int{"/missing": 404, "/.env": 404, "/a/../..": 400, "/%00": 400, "/%2e%2e/x": 400} {
		got := f.get(t, path)
		if got.StatusCode != status || !strings.Contains(got.body, "<h1>"+got.Status+"</h1>") || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
}

func TestFilesAnswerConditions(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": letters}, nil)
	modified := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	if err := os.Chtimes(o.Sites[0].Root+"/a.txt", modified, modified); err != nil {
		t.Fatal(err)
	}
	f := start(t, o)
	tag := f.get(t, "/a.txt").Header.Get("Etag")
	if tag != string(site.AppendEntityTag(nil, modified, int64(len(letters)), "")) {
		t.Fatalf("the tag is %s", tag)
	}
	for _, c := range []struct {
		header string
		status int
		body   string
	}{
		{"If-None-Match: " + tag, 304, ""},
		{"If-None-Match: \"x\", W/" + tag, 304, ""},
		{"If-None-Match: \"x\"", 200, letters},
		{"If-None-Match: *", 304, ""},
		{"If-Match: \"x\"", 412, ""},
		{"If-Match: " + tag, 200, letters},
		{"If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT", 304, ""},
		{"If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT", 200, letters},
		{"If-Modified-Since: yesterday", 200, letters},
		{"If-Unmodified-Since: Fri, 02 Jan 2026 03:04:04 GMT", 412, ""},
		{"Range: bytes=0-9", 206, letters[:10]},
		{"Range: bytes=-5", 206, letters[len(letters)-5:]},
		{"Range: bytes=2040-", 206, letters[2040:]},
		{"Range: bytes=2040-9999", 206, letters[2040:]},
		{"Range: bytes=9999-", 416, "invalid range: failed to overlap\n"},
		{"Range: lines=1-2", 200, letters},
		{"Range: bytes=1-2\r\nIf-Range: " + tag, 206, letters[1:3]},
		{"Range: bytes=1-2\r\nIf-Range: \"x\"", 200, letters},
		{"Range: bytes=1-2\r\nIf-Range: Fri, 02 Jan 2026 03:04:05 GMT", 206, letters[1:3]},
	} {
		if got := f.get(t, "/a.txt", c.header); got.StatusCode != c.status || got.body != c.body {
			t.Errorf("%s: got %d %.40q, want %d %.40q", c.header, got.StatusCode, got.body, c.status, c.body)
		}
	}
	parts := f.get(t, "/a.txt", "Range: bytes=0-1,4-5")
	if parts.StatusCode != 206 || !strings.HasPrefix(parts.Header.Get("Content-Type"), "multipart/byteranges; boundary=") ||
		!strings.Contains(parts.body, "Content-Range: bytes 4-5/2048\r\n") {
		t.Errorf("two ranges: %d %v %q", parts.StatusCode, parts.Header, parts.body)
	}
}

func TestFileThatVanishesIsMissing(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, nil, nil))
	x := newExchange(f.Front)
	for path, want := range map[string]int{"/nonexistent/x": http.StatusNotFound, "/": http.StatusNotFound, "/dev/null": http.StatusNotFound,
		"/etc/passwd/x": http.StatusNotFound} {
		if _, _, status := x.open(path); status != want {
			t.Errorf("%s: got %d, want %d", path, status, want)
		}
	}
}
