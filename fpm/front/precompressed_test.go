package front

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Files that were compressed beforehand are sent to clients that take them.
func TestPrecompressedFilesAreSent(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.css": "plain " + letters, "a.css.br": "by brotli", "a.css.zst": "by zstd", "a.css.gz": "by gzip", "gz.js": "plain", "gz.js.gz": "by gzip",
		"alone.txt": "plain", "dir/index.html": "plain", "dir/index.html.gz": "by gzip", "old.txt": "plain", "old.txt.br": "by brotli", "old.txt.gz": "by gzip", "only.txt.gz": "by gzip",
		"no.svg": "plain", "no.svg.gz": "by gzip", "dir.txt": "plain", "dir.txt.gz/x": "", "send.php": ""}, nil)
	s := &o.Sites[0]
	s.Precompressed, s.Deny = []string{"br", "zstd", "gzip"}, []string{"no.svg.gz"}
	now := time.Now()
	err := filepath.WalkDir(s.Root, func(name string, _ os.DirEntry, err error) error { return errors.Join(err, os.Chtimes(name, now, now)) }) // they were written in any order
	if err != nil {
		t.Fatal(err)
	}
	hour := now.Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(s.Root, "old.txt.br"), hour, hour); err != nil {
		t.Fatal(err)
	}
	f := start(t, o)
	for _, c := range []struct{ path, accepts, coding, body string }{
		{"/a.css", "", "", "plain " + letters},
		{"/a.css", "gzip, deflate, br, zstd", "br", "by brotli"},
		{"/a.css", "gzip, deflate", "gzip", "by gzip"},
		{"/a.css", "gzip;q=0.5, zstd", "zstd", "by zstd"},
		{"/a.css", "identity", "", "plain " + letters},
		{"/gz.js", "br, gzip", "gzip", "by gzip"},
		{"/gz.js", "br", "", "plain"},
		{"/alone.txt", "br, gzip", "", "plain"},
		{"/dir/", "gzip", "gzip", "by gzip"},
		{"/old.txt", "br", "", "plain"}, // the form is older
		{"/old.txt", "br, gzip", "gzip", "by gzip"},
		{"/no.svg", "gzip", "", "plain"}, // the form is denied
		{"/dir.txt", "gzip", "", "plain"},
	} {
		r := f.get(t, c.path, "Accept-Encoding: "+c.accepts)
		mediaType := map[string]string{"/a.css": "text/css", "/gz.js": "text/javascript", "/dir/": "text/html", "/no.svg": "image/svg+xml"}[c.path]
		if r.StatusCode != 200 || r.Header.Get("Content-Encoding") != c.coding || r.body != c.body || r.Header.Get("Vary") != "Accept-Encoding" ||
			r.ContentLength != int64(len(c.body)) || !strings.HasPrefix(r.Header.Get("Content-Type"), mediaType) {
			t.Errorf("%s, %s: got %d %v %.40q", c.path, c.accepts, r.StatusCode, r.Header, r.body)
		}
	}
	if r := f.get(t, "/only.txt", "Accept-Encoding: gzip"); r.Header.Get("Content-Encoding") != "" {
		t.Errorf("a form without a file is sent: %v", r.Header)
	}
	if r := f.get(t, "/a.css.gz", "Accept-Encoding: gzip"); r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Type") != "application/gzip" || r.body != "by gzip" {
		t.Errorf("the form itself: %v %q", r.Header, r.body)
	}
	for _, want := range []string{"old.txt.br is not sent, because it is older", `no.svg.gz is not sent, because of "no.svg.gz" in http.deny`} {
		if n := strings.Count(f.said.String(), want); n != 1 {
			t.Errorf("the log has %q %d times:\n%s", want, n, f.said)
		}
	}
}

// Each form is a representation of its own: its ETag and its ranges.
func TestPrecompressedFormsHaveValidators(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.css": "plain", "a.css.br": "brotl", "a.css.gz": "by gzip"}, nil)
	o.Sites[0].Precompressed = []string{"br", "gzip"}
	alike(t, o.Sites[0].Root)
	f := start(t, o)
	const takes = "Accept-Encoding: br"
	plain, form := f.get(t, "/a.css").Header.Get("Etag"), f.get(t, "/a.css", takes).Header.Get("Etag")
	if plain == form || plain == "" || form == "" {
		t.Fatalf("the ETags are %s and %s", plain, form)
	}
	for _, c := range []struct {
		headers []string
		status  int
		coding  string
		body    string
	}{
		{[]string{takes, "If-None-Match: " + form}, 304, "", ""},
		{[]string{takes, "If-None-Match: " + plain}, 200, "br", "brotl"},
		{[]string{"If-None-Match: " + form}, 200, "", "plain"},
		{[]string{takes, "Range: bytes=1-2"}, 206, "br", "ro"},
		{[]string{takes, "Range: bytes=1-2", "If-Range: " + form}, 206, "br", "ro"},
		{[]string{takes, "Range: bytes=1-2", "If-Range: " + plain}, 200, "br", "brotl"},
		{[]string{takes, "Range: bytes=9-"}, 416, "", ""},
		{[]string{takes, "If-Match: " + plain}, 412, "", ""},
	} {
		r := f.get(t, "/a.css", c.headers...)
		if r.StatusCode != c.status || r.Header.Get("Content-Encoding") != c.coding || c.body != "" && r.body != c.body || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: got %d %v %q", c.headers, r.StatusCode, r.Header, r.body)
		}
	}
	if r := f.do(t, "HEAD", "/a.css", takes); r.Header.Get("Content-Encoding") != "br" || r.ContentLength != 5 {
		t.Errorf("HEAD: %v", r.Header)
	}
}
