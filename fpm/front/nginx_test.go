package front

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// nginx starts one that serves a directory, and gives its address.
func nginx(t *testing.T, root string) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	address, user := serve.Address(t), ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	config := fmt.Sprintf(`%sdaemon off; master_process off; pid %[2]s/pid; error_log stderr crit;
events { worker_connections 64; }
http {
	include /etc/nginx/mime.types; default_type application/octet-stream; charset utf-8; charset_types text/css text/plain application/javascript;
	client_body_temp_path %[2]s/1; proxy_temp_path %[2]s/2; fastcgi_temp_path %[2]s/3; uwsgi_temp_path %[2]s/4; scgi_temp_path %[2]s/5;
	access_log off; absolute_redirect off;
	server { listen %s; root %s; index index.html; location ~ /\.(?!well-known) { return 404; } }
}`, user, dir, address, root)
	name := filepath.Join(dir, "nginx.conf")
	files.Write(t, name, config)
	server := exec.Command(program, "-p", dir, "-c", name, "-e", "stderr")
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	wait.Until(t, "nginx", serve.Accepts("tcp", address))
	return address
}

// alike gives all files one time of modification.
func alike(t *testing.T, root string) {
	t.Helper()
	when := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(name, when, when))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The same requests to nginx and to a front that serve the same files: status, what is asked for, and the headers that
// say what it is.
func TestFilesAreAnsweredAsByNginx(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": letters, "b.html": "<p>", "c.css": "a{}", "d.js": "", "e.bin": "\x00", "empty.txt": "",
		"g.png": "png", "h.svg": "<svg/>", "i.json": "{}", "dir/index.html": "dir", "none/x": "x", ".env": "secret",
		".well-known/x.txt": "known", "a b/c d.txt": "spaces", "ü.txt": "umlaut"}, nil)
	o.Sites = []contract.Site{{Root: o.Sites[0].Root, Index: []string{"index.html"}, Extensions: []string{".php"}, Pool: "www"}}
	alike(t, o.Sites[0].Root)
	f := start(t, o)
	stock := &tested{addresses: []string{nginx(t, o.Sites[0].Root)}}
	modified := f.get(t, "/a.txt").Header.Get("Last-Modified")
	for _, path := range []string{"/a.txt", "/b.html", "/c.css", "/e.bin", "/empty.txt", "/g.png", "/h.svg", "/i.json", "/dir", "/dir/", "/dir/index.html",
		"/dir?x=y", "/.env", "/.well-known/x.txt", "/a%20b/c%20d.txt", "/a%20b/", "/%C3%BC.txt", "/missing", "/dir/missing",
		"//a.txt", "/dir/../a.txt", "/dir//index.html", "/./a.txt", "/%2e/a.txt", "/dir%2Findex.html", "/dir/..%2fa.txt", "/..", "/../a.txt",
		"/%2e%2e/a.txt", "/dir/../../a.txt", "/a.txt/", "/a.txt/x", "/%00", "/a.txt%00", "/a.txt?x=%00", "/a.txt#x", "/%zz", "/A.TXT", "/a.txt%20"} {
		for _, headers := range []string{"", "Range: bytes=0-4", "Range: bytes=-5", "Range: bytes=5-", "Range: bytes=9999-", "Range: bytes=-0", "Range: bytes=-00,-05", "Range: lines=1-2",
			"If-Modified-Since: " + modified, "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT",
			"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT", "If-Match: \"x\"", "Range: bytes=0-1\r\nIf-Range: \"x\""} {
			for _, method := range []string{"GET", "HEAD"} {
				got, want := outline(f.do(t, method, path, headers)), outline(stock.do(t, method, path, headers))
				if got != want && !differs(path, headers, want) {
					t.Errorf("%s %s %s\n got   %s\n nginx %s", method, path, headers, got, want)
				}
			}
		}
	}
}

// outline is what of a reply must be the same.
func outline(r reply) string {
	mediaType := r.Header.Get("Content-Type")
	body := r.body
	if r.StatusCode >= 300 {
		mediaType, body = "", ""
	}
	return fmt.Sprintf("%d type=%s range=%s length=%d location=%s %.30q", r.StatusCode, mediaType,
		r.Header.Get("Content-Range"), len(body), r.Header.Get("Location"), body)
}

// differs says where the front does otherwise than nginx, and is meant to.
func differs(path, headers, nginx string) bool {
	switch {
	case path == "/a%20b/": // nginx says that there is something that may not be seen
		return strings.HasPrefix(nginx, "403")
	case path == "/a.txt#x": // no request has a fragment: it is a part of the path here
		return true
	case path == "/empty.txt" && strings.HasPrefix(headers, "Range: bytes="): // nothing satisfies a range
		return strings.HasPrefix(nginx, "416") || strings.HasPrefix(nginx, "200")
	}
	return false
}
