package site

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
)

// routed makes a site of files, with what is usual where s says nothing else.
func routed(t testing.TB, contents map[string]string, s contract.Site) *Site {
	t.Helper()
	s.Root = files.Make(t, contents)
	s.Index, s.Extensions, s.Pool = []string{"index.php", "index.html"}, []string{".php"}, "www"
	made, err := New(&s, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// shown is a target in a word or two, the root left out.
func shown(s *Site, t Target) string {
	switch {
	case t.Status != 0:
		return map[int]string{403: "403", 404: "404"}[t.Status]
	case t.Location != "":
		return "-> " + t.Location
	case t.Script != Script{}:
		return "run " + strings.TrimPrefix(t.Script.Filename, s.root) + " as " + t.Script.Name + " for " + t.Script.PathInfo
	}
	return "send " + strings.TrimPrefix(t.File, s.root)
}

func checkRoutes(t *testing.T, s *Site, want map[string]string) {
	t.Helper()
	for path, want := range want {
		if got := shown(s, s.Route(path)); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

var tree = map[string]string{
	"index.php": "", "x.php": "", "style.css": "", "notes": "", "X.PHP": "", "lib.inc": "", "old.php~": "", ".env": "",
	"dir/index.html": "", "app/index.php": "", "app/a.php": "", "empty/file.txt": "", ".git/x.php": "", "a.php/page.html": "",
	"a.php/index.php": "", ".well-known/security.txt": "", "both/index.php": "", "both/index.html": "", "a b/index.html": "",
}

func TestRoutesWithController(t *testing.T) {
	s := routed(t, tree, contract.Site{Controller: "index.php"})
	checkRoutes(t, s, map[string]string{
		"/":                            "run /index.php as /index.php for ",
		"/index.php":                   "run /index.php as /index.php for ",
		"/index.php/a/.b":              "run /index.php as /index.php for /a/.b",
		"/x.php":                       "run /x.php as /x.php for ",
		"/x.php/":                      "run /x.php as /x.php for /",
		"/x.php/y.php":                 "run /x.php as /x.php for /y.php",
		"/style.css":                   "send /style.css",
		"/style.css/":                  "run /index.php as /index.php for /style.css/",
		"/style.css/x.php":             "run /index.php as /index.php for /style.css/x.php",
		"/notes":                       "send /notes",
		"/X.PHP":                       "404",
		"/lib.inc":                     "404",
		"/old.php~":                    "404",
		"/.env":                        "404",
		"/.none":                       "404",
		"/.git/x.php":                  "404",
		"/.git/":                       "404",
		"/.well-known/security.txt":    "send /.well-known/security.txt",
		"/dir":                         "-> /dir/",
		"/dir/":                        "send /dir/index.html",
		"/a b":                         "-> /a%20b/",
		"/app":                         "-> /app/",
		"/app/":                        "run /app/index.php as /app/index.php for ",
		"/app/a.php/b":                 "run /app/a.php as /app/a.php for /b",
		"/both/":                       "run /both/index.php as /both/index.php for ",
		"/empty":                       "run /index.php as /index.php for /empty",
		"/empty/":                      "run /index.php as /index.php for /empty/",
		"/a.php/page.html":             "send /a.php/page.html",
		"/a.php":                       "-> /a.php/",
		"/a.php/":                      "run /a.php/index.php as /a.php/index.php for ",
		"/missing.php/x.php":           "run /index.php as /index.php for /missing.php/x.php",
		"/missing.php":                 "run /index.php as /index.php for /missing.php",
		"/2026/a-page/":                "run /index.php as /index.php for /2026/a-page/",
		"/" + strings.Repeat("x", 300): "run /index.php as /index.php for /" + strings.Repeat("x", 300),
	})
}

func TestRoutesWithoutController(t *testing.T) {
	s := routed(t, tree, contract.Site{})
	checkRoutes(t, s, map[string]string{
		"/": "run /index.php as /index.php for ", "/dir/": "send /dir/index.html", "/empty": "404", "/empty/": "404",
		"/missing.php": "404", "/missing": "404", "/x.php/y": "run /x.php as /x.php for /y",
	})
	s.Controller = "missing.php"
	checkRoutes(t, s, map[string]string{"/missing": "404"})
}

func TestRoutesBelowAPrefix(t *testing.T) {
	s := routed(t, tree, contract.Site{Path: "/blog/", Controller: "index.php"})
	checkRoutes(t, s, map[string]string{
		"/blog":         "-> /blog/",
		"/blog/":        "run /index.php as /blog/index.php for ",
		"/blog/a/b":     "run /index.php as /blog/index.php for /a/b",
		"/blog/x.php/y": "run /x.php as /blog/x.php for /y",
		"/blog/notes":   "send /notes",
		"/blog/dir":     "-> /blog/dir/",
	})
}

func TestOddFilesAreNotServed(t *testing.T) {
	s := routed(t, tree, contract.Site{Controller: "index.php"})
	if err := syscall.Mkfifo(s.root+"/pipe", 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(s.root+"/empty/file.txt", s.root+"/link"); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(files.Make(t, map[string]string{"shared.css": ""}), "shared.css")
	if err := os.Symlink(outside, s.root+"/shared.css"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", s.root+"/loop"); err != nil {
		t.Fatal(err)
	}
	checkRoutes(t, s, map[string]string{"/pipe": "404", "/link": "send /link", "/shared.css": "send /shared.css",
		"/loop": "run /index.php as /index.php for /loop"})
}

func TestUnreadableDirectoriesAreForbidden(t *testing.T) {
	if os.Geteuid() == 0 { // who may read everything
		c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if said, err := c.CombinedOutput(); err != nil || !strings.Contains(string(said), "--- PASS: "+t.Name()) {
			t.Errorf("as nobody: %v\n%s", err, said)
		}
		return
	}
	s := routed(t, tree, contract.Site{Controller: "index.php"})
	if err := os.Chmod(s.root+"/app", 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(s.root+"/app", 0o755)
	checkRoutes(t, s, map[string]string{"/app/a.php": "403", "/app/x": "403", "/app/": "403"})
}

func TestSitesAreChosenByHostAndPath(t *testing.T) {
	list := []contract.Site{
		{Hosts: []string{"example.org", "*.example.org"}, Path: "/blog"},
		{Hosts: []string{"example.org"}},
		{Path: "/any"},
		{Hosts: []string{"*.example.net"}},
	}
	for i := range list {
		list[i].Root, list[i].Pool = "/", "www"
	}
	sites, err := NewSites(list, []contract.FrontPool{{Name: "www"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, path string
		want       int
	}{
		{"example.org", "/blog", 0}, {"EXAMPLE.org:8080", "/blog/x", 0}, {"a.b.example.org.", "/blog/", 0},
		{"example.org", "/blogs", 1}, {"example.org", "/", 1}, {"www.example.org", "/", -1}, {"", "/any/x", 2},
		{"[::1]:80", "/any", 2}, {"www.example.net", "/x", 3}, {"example.net", "/x", -1}, {"badexample.net", "/", -1},
	} {
		got := -1
		for i, s := range sites.all {
			if s == sites.Of(c.host, c.path) {
				got = i
			}
		}
		if got != c.want {
			t.Errorf("%s%s: got site %d, want %d", c.host, c.path, got, c.want)
		}
	}
}

func TestSiteOfAnUnknownPoolIsRefused(t *testing.T) {
	for _, s := range []contract.Site{{Root: "/srv", Pool: "web"}, {Root: "srv", Pool: "www"}} {
		if _, err := NewSites([]contract.Site{s}, []contract.FrontPool{{Name: "www"}}, nil); err == nil {
			t.Errorf("%+v: got no error", s)
		}
	}
}

func TestNamedFiles(t *testing.T) {
	s := routed(t, tree, contract.Site{Path: "/app", Sendfile: []string{"/srv/media/"},
		Internal: []contract.InternalPath{{Path: "/private", Directory: "/srv/private/"}, {Path: "/private/deep/", Directory: "/deep"}}})
	for name, want := range map[string]string{
		s.root + "/style.css": s.root + "/style.css", "/srv/media/a.mp4": "/srv/media/a.mp4", "/srv/media/b/../a": "/srv/media/a",
		"/srv/media/../etc/passwd": "", "/srv/mediathek/a": "", "/etc/passwd": "", "style.css": "", "/srv/media/x.php": "",
		"/srv/media/.env": "", s.root + "/../x": "", "": "", "/srv/media/a\x00": "",
	} {
		if got := s.sendfilePath(name); got != want {
			t.Errorf("X-Sendfile: %q: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"/private/a.pdf": "/srv/private/a.pdf", "/private/a%20b.pdf?x=1": "/srv/private/a b.pdf", "/private/deep/x": "/deep/x",
		"/app/private/a.pdf": "/srv/private/a.pdf", "/app/private/deep/x": "/deep/x", "/app/style.css": s.root + "/style.css", "/private/../../etc/passwd": "", "/private/%2e%2e/%2e%2e/x": "", "/other/x": "",
		"/private/x.php": "", "/private/.x": "", "private/x": "", "/private/%zz": "", "@named": "",
	} {
		if got := s.accelPath(name); got != want {
			t.Errorf("X-Accel-Redirect: %q: got %q, want %q", name, got, want)
		}
	}
	for path, want := range map[string]bool{"/private/x": true, "/private": true, "/app/private/x": true, "/privateer": false,
		"/app/privateer": false, "/app/app/private": false, "/app": false} {
		if got := s.isInternal(path); got != want {
			t.Errorf("%s is internal: %t, want %t", path, got, want)
		}
	}
	s.chroot = "/srv"
	if got := s.sendfilePath("/media/a.mp4"); got != "/srv/media/a.mp4" {
		t.Errorf("X-Sendfile from a chroot: got %q", got)
	}
}
