package front

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// fileTime is when all files were modified.
var fileTime = time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.UTC)

// fileTag is the ETag of a file of so many bytes.
func fileTag(size int) string { return fmt.Sprintf(`"%x-%x"`, fileTime.UnixNano(), size) }

// fileTree makes a directory with files of many kinds.
func fileTree(t *testing.T) (root string) {
	t.Helper()
	base := serve.Dir(t)
	root = filepath.Join(base, "public")
	contents := map[string]string{
		"a.txt": "text\n", "b.css": "body {}", "c.unknown": "\x00\x01", "d.HTML": "<p>", "none": "no end", "empty.txt": "", "e f.svg": "<svg/>",
		"room": strings.Repeat("r", 32<<10), "room1": strings.Repeat("r", 32<<10+1), "long.js": strings.Repeat("l", 100000),
		"most": strings.Repeat("m", 1<<20), "more": strings.Repeat("M", 1<<20+1),
		"dir/index.html": "<p>dir", "dir/x.txt": "x", "scripts/index.php": `<?php echo "scripts";`, "plain/x.txt": "x", "sub/dir/y.txt": "y",
		"x.php": `<?php echo "x";`, "x.php.bak": "<?php source", "x.sql": "select", "composer.json": "{}", ".env": "secret", ".well-known/k.txt": "known",
		"vendor/a.css": "a", "vendor/a.json": "a", "denied/.htaccess": "Require all denied", "denied/a.txt": "a", "denied/sub/b.txt": "b",
		"rules/.htaccess": "RewriteEngine on\nRewriteRule ^ index.php", "rules/a.txt": "a", "rules/sub/b.txt": "b",
		"send.php":        `<?php if (isset($_GET["s"])) http_response_code((int)$_GET["s"]); foreach ($_GET["h"] ?? [] as $h) header($h); header("X-Sendfile: " . __DIR__ . "/" . $_GET["f"]); echo "not this";`,
		"accel.php":       `<?php header("X-Accel-Redirect: " . $_GET["f"]); header("Content-Type: text/x-own"); echo "not this";`,
		"../outside.txt":  "outside",
		"../shared/s.txt": "shared",
	}
	files.Fill(t, root, contents)
	for link, to := range map[string]string{"link.txt": "a.txt", "out.txt": "../outside.txt", "shared": "../shared", "dangling": "nothing", "loop": "loop",
		"round": "dir/../../public/sub"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	age(t, base)
	return root
}

// age gives all files below a directory one time of modification.
func age(t *testing.T, base string) {
	t.Helper()
	err := filepath.WalkDir(base, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type()&os.ModeSymlink == 0 {
			err = os.Chtimes(path, fileTime, fileTime)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var filePaths = []string{"/a.txt", "/b.css", "/c.unknown", "/d.HTML", "/none", "/empty.txt", "/e%20f.svg", "/room", "/room1", "/long.js", "/most", "/more",
	"/dir", "/dir/", "/dir?x=1&y", "/dir?", "/scripts", "/scripts/", "/plain", "/plain/", "/plain/x.txt", "/sub/dir/y.txt", "/sub/dir", "/x.php.bak", "/x.sql",
	"/composer.json", "/.env", "/.well-known/k.txt", "/vendor/a.css", "/vendor/a.json", "/denied/a.txt", "/denied/sub/b.txt", "/rules/a.txt", "/rules/sub/b.txt",
	"/link.txt", "/out.txt", "/shared/s.txt", "/shared", "/dangling", "/loop", "/round/dir/y.txt", "/missing", "/missing/too/", "/a.txt/", "/a.txt/x", "/sub/missing",
	"/A.TXT", "/%61.txt", "//a.txt", "/dir/../a.txt", "/a.txt%2f", "/ping", "/" + strings.Repeat("x", 300), "/" + strings.Repeat("y/", 2000) + "z"}

// fileRequests are raw requests for files; HOST stands for the address.
func fileRequests() (all []string) {
	ask := func(method, path string, headers ...string) {
		all = append(all, method+" "+path+" HTTP/1.1\r\nHost: HOST\r\n"+strings.Join(append(headers, ""), "\r\n")+"\r\n")
	}
	for _, path := range filePaths {
		ask("GET", path)
		ask("GET", path) // what was remarkable the first time
		ask("HEAD", path)
		ask("GET", path, "Connection: close")
		ask("OPTIONS", path)
		ask("POST", path, "Content-Length: 3", "", "abc")
		all[len(all)-1] = strings.TrimSuffix(all[len(all)-1], "\r\n\r\n")
	}
	stamp := func(d time.Duration) string {
		return fileTime.Add(d).Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	tag, long := fileTag(5), fileTag(100000)
	for _, headers := range [][]string{
		{"If-None-Match: " + tag}, {"If-None-Match: W/" + tag}, {`If-None-Match: "other"`}, {`If-None-Match: "other", ` + tag}, {`If-None-Match: "other" ` + tag}, {"If-None-Match: *"},
		{"If-None-Match:"}, {"If-None-Match: " + tag[1:]}, {"If-None-Match: " + long}, {`If-None-Match: "a`}, {`If-None-Match: "a b"`}, {"If-None-Match: W/"}, {"if-none-match: " + tag},
		{"If-None-Match: " + tag, `If-None-Match: "other"`}, {`If-None-Match: "other"`, "If-Modified-Since: " + stamp(0)}, {"If-None-Match:", "If-Modified-Since: " + stamp(0)},
		{"If-Modified-Since: " + stamp(0)}, {"If-Modified-Since: " + stamp(-time.Second)}, {"If-Modified-Since: " + stamp(time.Hour)}, {"If-Modified-Since: never"},
		{"If-Modified-Since: " + fileTime.Format("Monday, 02-Jan-06 15:04:05 GMT")}, {"If-Modified-Since: " + fileTime.Format(time.ANSIC)}, {"If-Modified-Since:"},
		{"If-Modified-Since: " + stamp(-time.Hour), "If-Modified-Since: " + stamp(time.Hour)},
		{"If-Match: " + tag}, {`If-Match: "other"`}, {"If-Match: *"}, {"If-Unmodified-Since: " + stamp(0)}, {"If-Unmodified-Since: " + stamp(-time.Hour)},
		{"Range: bytes=0-1"}, {"Range: bytes=1-"}, {"Range: bytes=-2"}, {"Range: bytes=9-"}, {"Range: bytes=0-0,2-2"}, {"Range: lines=1"}, {"Range: bytes=0-1", "If-Range: " + tag},
		{"Range: bytes=0-1", `If-Range: "other"`}, {"If-Range: " + tag}, {"Range: bytes=-0"}, {"Accept-Encoding: gzip, br, zstd"}, {"Cache-Control: no-cache"},
		{"Pragma: no-cache"}, {"X-Request-Id: given-2"},
	} {
		for _, path := range []string{"/a.txt", "/empty.txt", "/long.js", "/missing", "/send.php?f=a.txt"} {
			ask("GET", path, headers...)
			ask("HEAD", path, headers...)
		}
		ask("POST", "/send.php?f=a.txt", headers...)
	}
	for _, query := range []string{"f=a.txt", "f=room1", "f=more", "f=../outside.txt", "f=missing", "f=x.php", "f=.env", "f=x.sql", "f=denied/a.txt", "f=link.txt", "f=shared/s.txt", "f=dir",
		"f=a.txt&s=404", "f=a.txt&s=500", "f=long.js&s=404", "f=a.txt&s=304", "f=a.txt&h[]=ETag:+%22own%22", "f=a.txt&h[]=Content-Type:+text/x-own", "f=a.txt&h[]=Last-Modified:+yesterday",
		"f=a.txt&h[]=Content-Encoding:+gzip", "f=a.txt&h[]=Content-Length:+99", "f=a.txt&h[]=Content-Disposition:+attachment&h[]=Cache-Control:+private", "f=a.txt&h[]=Accept-Ranges:+none",
		"f=a.txt&h[]=ETag:"} {
		for _, headers := range [][]string{nil, {`If-None-Match: "own"`}, {"Connection: close"}} {
			ask("GET", "/send.php?"+query, headers...)
			ask("HEAD", "/send.php?"+query, headers...)
			ask("POST", "/send.php?"+query, headers...)
		}
	}
	for _, f := range []string{"/a.txt", "/dir/x.txt", "/missing", "/x.php", "/..", "nowhere"} {
		ask("GET", "/accel.php?f="+f)
	}
	return all
}

// Workers answer for files as the front does.
func TestDirectFilesAreTheFronts(t *testing.T) {
	t.Parallel()
	root := fileTree(t)
	t.Run("no controller", func(t *testing.T) {
		t.Parallel()
		compareDirect(t, root, fileRequests(), "PHPSAPI_HTTP_CONTROLLER=none")
	})
	t.Run("precompressed", func(t *testing.T) {
		t.Parallel()
		root := fileTree(t)
		files.Fill(t, root, map[string]string{"a.txt.br": "by brotli", "a.txt.gz": "by gzip", "long.js.gz": strings.Repeat("g", 50000), "most.zst": strings.Repeat("z", 1<<20+1),
			"dir/index.html.br": "index by brotli", "dir/x.txt.gz": "stale", "empty.txt.gz": "by gzip", "x.sql.gz": "by gzip", "b.css.gz": "denied", "sub/dir/y.txt.br/z": "not a file"})
		if err := os.Symlink("b.css", filepath.Join(root, "room.br")); err != nil {
			t.Fatal(err)
		}
		age(t, root)
		if err := os.Chtimes(filepath.Join(root, "dir/x.txt.gz"), fileTime, fileTime.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		requests := fileRequests()
		for _, path := range append(filePaths, "/a.txt.br", "/a.txt.gz", "/send.php?f=a.txt") {
			for _, accepts := range []string{"gzip", "gzip, deflate, br, zstd", "br;q=0.1, *;q=0.5", "identity"} {
				for _, more := range []string{"", "If-None-Match: " + fileTag(5) + "\r\n", `If-None-Match: "` + strings.Trim(fileTag(9), `"`) + "-br\"\r\n", "Range: bytes=1-2\r\n"} {
					requests = append(requests, "GET "+path+" HTTP/1.1\r\nHost: HOST\r\nAccept-Encoding: "+accepts+"\r\n"+more+"\r\n")
				}
			}
			requests = append(requests, "HEAD "+path+" HTTP/1.1\r\nHost: HOST\r\nAccept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n")
		}
		compareDirect(t, root, requests, "PHPSAPI_HTTP_PRECOMPRESSED=br,zstd,gzip", "PHPSAPI_HTTP_DENY=default,b.css.gz", "PHPSAPI_HTTP_CONTROLLER=none")
	})
	t.Run("a controller", func(t *testing.T) {
		t.Parallel()
		compareDirect(t, root, fileRequests(), "PHPSAPI_HTTP_CONTROLLER=x.php")
	})
}

// Workers may read what the front may not, and send none of it.
func TestDirectSendsNoMoreThanTheFront(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("the front is the workers' user unless root starts both")
	}
	base := serve.Dir(t)
	root := filepath.Join(base, "public")
	files.Fill(t, root, map[string]string{"own.txt": "own", "group.txt": "group", "others.txt": "others", "nobody.txt": "nobody", "owndir/a.txt": "a", "owndir/sub/b.txt": "b",
		"owndir/index.html": "index", "groupdir/a.txt": "a", "open/own.txt": "own", "searched/a.txt": "a", "searched/index.html": "index", "ruled/.htaccess": "Require all granted", "ruled/a.txt": "a",
		"../private/a.txt": "a", "../public2/a.txt": "a", "send.php": `<?php header("X-Sendfile: " . __DIR__ . "/" . $_GET["f"]);`})
	if err := os.Symlink("../private", filepath.Join(root, "private")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("owndir/a.txt", filepath.Join(root, "linked.txt")); err != nil {
		t.Fatal(err)
	}
	age(t, base)
	nobody, nogroup := 65534, serve.GroupID(t, "nogroup")
	for _, f := range []struct {
		name     string
		uid, gid int
		mode     os.FileMode
	}{
		{"own.txt", nobody, 0, 0o600}, {"group.txt", nobody, nogroup, 0o640}, {"others.txt", nobody, nogroup, 0o604}, {"nobody.txt", 0, 0, 0o600},
		{"owndir", nobody, 0, 0o700}, {"groupdir", nobody, nogroup, 0o750}, {"open/own.txt", nobody, 0, 0o400}, {"searched", nobody, 0, 0o711}, {"ruled/.htaccess", nobody, 0, 0o600},
		{"../private", nobody, 0, 0o700}, {"../public2", 0, 0, 0o700},
	} {
		path := filepath.Join(root, f.name)
		if err := os.Chown(path, f.uid, f.gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	var requests []string
	for _, path := range []string{"/own.txt", "/group.txt", "/others.txt", "/nobody.txt", "/owndir/a.txt", "/owndir/sub/b.txt", "/owndir/", "/owndir", "/owndir/missing", "/owndir/sub/", "/owndir/sub/missing/x",
		"/groupdir/a.txt", "/groupdir/missing", "/open/own.txt", "/searched/a.txt", "/searched/", "/searched", "/searched/missing", "/ruled/a.txt", "/ruled/missing", "/private/a.txt", "/private/missing", "/linked.txt"} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			requests = append(requests, method+" "+path+" HTTP/1.1\r\nHost: HOST\r\n\r\n")
		}
		requests = append(requests, "GET /send.php?f="+path[1:]+" HTTP/1.1\r\nHost: HOST\r\n\r\n", "GET "+path+" HTTP/1.1\r\nHost: HOST\r\nIf-None-Match: *\r\n\r\n")
	}
	compareDirect(t, root, requests, "PHPSAPI_HTTP_CONTROLLER=none")
}
