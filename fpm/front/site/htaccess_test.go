package site

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/files"
)

func TestParseHtaccess(t *testing.T) {
	for text, want := range map[string]struct {
		ruling
		others string
	}{
		"":                                      {neutral, ""},
		"# Require all denied":                  {neutral, ""},
		"Require all denied":                    {denied, ""},
		"  REQUIRE  All\tdenied\r\n":            {denied, ""},
		"Require all \\\ndenied":                {denied, ""},
		"Deny from all":                         {denied, ""},
		"order deny,allow\ndeny from all":       {denied, ""},
		"Order Allow,Deny":                      {denied, ""},
		"Order allow, deny\nAllow from all":     {granted, ""},
		"Order deny,allow\nAllow from all":      {granted, ""},
		"Require all granted":                   {granted, ""},
		"Require all granted\nRequire ip 10":    {granted, "require"},
		"Deny from all\nAllow from 127.0.0.1":   {denied, "allow"},
		"Deny from 192.0.2.1":                   {neutral, "deny"},
		"Options -Indexes":                      {neutral, ""},
		"RewriteEngine On\nRewriteRule a b [F]": {neutral, "rewriteengine, rewriterule"},
		"AuthType Basic\nRequire valid-user":    {denied, "authtype, require"},
		"<IfModule mod_authz_core.c>\nRequire all denied\n</IfModule>\n<IfModule !mod_authz_core.c>\nOrder allow,deny\nDeny from all\n</IfModule>": {denied, ""},
		"<Files \"*.php\">\nDeny from all\n</Files>":                                              {neutral, "<files>"},
		"<FilesMatch x>\n<IfModule a>\nRequire all denied\n</IfModule>\n</FilesMatch>\nOptions x": {neutral, "<filesmatch>"},
		"<Limit PUT>\nDeny from all\n</Limit>\nRequire all denied":                                {denied, "<limit>"},
	} {
		got, others := parseHtaccess(text)
		if got != want.ruling || strings.Join(others, ", ") != want.others {
			t.Errorf("%q: got %v, %v", text, got, others)
		}
	}
}

// Applications made for Apache close their data by a .htaccess: its files and scripts were everybody's.
func TestHtaccessThatDeniesADirectory(t *testing.T) {
	s := testSite(t, contract.Site{Htaccess: true}, map[string]string{
		"index.php": "", "a.txt": "a", ".htaccess": "RewriteEngine On\n",
		"data/.htaccess": "Require all denied\n", "data/db.sqlite": "x", "data/sub/x.php": "", "data/sub/x.txt": "",
		"data/public/.htaccess": "Require all granted\n", "data/public/a.css": "",
	})
	var said []string
	s.access.log = func(level zlog.Level, format string, args ...any) {
		said = append(said, level.String()+": "+fmt.Sprintf(format, args...))
	}
	for range 2 {
		for path, want := range map[string]int{"/a.txt": 0, "/": 0, "/other/path": 0, "/data/db.sqlite": 403, "/data/sub/x.php": 403, "/data/sub/x.txt": 403,
			"/data/sub/x.php/info": 403, "/data/public/a.css": 0} {
			if got := s.Route(path).Status; got != want {
				t.Errorf("%s: got %d, want %d", path, got, want)
			}
		}
	}
	if got, want := strings.Join(said, "\n"), "NOTICE: "+s.root+"/.htaccess: only a denial of the whole directory counts here, other directives do nothing: rewriteengine"; got != want {
		t.Errorf("logged %s\nwant %s", got, want)
	}
	// Changes count after a moment.
	write := func(name, text string) {
		t.Helper()
		files.Write(t, s.root+name, text)
		s.access.mu.Lock()
		for dir, r := range s.access.seen {
			r.until = time.Time{}
			s.access.seen[dir] = r
		}
		s.access.mu.Unlock()
	}
	write("/.htaccess", "Deny from all")
	if got := s.Route("/a.txt").Status; got != 403 {
		t.Errorf("after the root was closed: %d", got)
	}
	if got := s.Route("/data/public/a.css").Status; got != 0 {
		t.Errorf("below it, granted: %d", got)
	}
	write("/.htaccess", "")
	if got := s.Route("/a.txt").Status; got != 0 {
		t.Errorf("after it was opened: %d", got)
	}
	if err := os.Mkdir(s.root+"/odd", 0o755); err != nil {
		t.Fatal(err)
	}
	os.Mkdir(s.root+"/odd/.htaccess", 0o755)
	write("/odd/a.txt", "")
	if got := s.Route("/odd/a.txt").Status; got != 403 {
		t.Errorf("with a .htaccess that cannot be read: %d", got)
	}
}

// What is never sent unless somebody asks for it.
func TestDenyList(t *testing.T) {
	s := testSite(t, contract.Site{Deny: []string{"*.sql", "*~", "composer.lock", "/data/", "/vendor/", "!/vendor/*.css", "/docs/secret.txt", "!/data/open/"}},
		map[string]string{"a.txt": "", "x.SQL": "", "a.txt~": "", "sub/composer.lock": "", "data/a.txt": "", "Data/b.txt": "", "sub/data/a.txt": "",
			"vendor/x/readme.md": "", "vendor/x/a.css": "", "docs/secret.txt": "", "sub/docs/secret.txt": "", "data/open/a.txt": "", "data/run.php": ""})
	for path, want := range map[string]int{"/a.txt": 0, "/x.SQL": 404, "/a.txt~": 404, "/sub/composer.lock": 404, "/data/a.txt": 404, "/Data/b.txt": 404,
		"/sub/data/a.txt": 0, "/vendor/x/readme.md": 404, "/vendor/x/a.css": 0, "/docs/secret.txt": 404, "/sub/docs/secret.txt": 0,
		"/data/open/a.txt": 0, "/data/run.php": 0} {
		if got := s.Route(path).Status; got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	for _, wrong := range []string{"", "!", "*", "a*b", "/a/*b*", "/*/x"} {
		if _, err := newDenials([]string{wrong}); err == nil && wrong != "*" {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// testSite makes a site of files.
func testSite(t *testing.T, s contract.Site, contents map[string]string) *Site {
	t.Helper()
	s.Root, s.Index, s.Controller, s.Extensions, s.Pool = files.Make(t, contents), []string{"index.php"}, "index.php", []string{".php"}, "www"
	made, err := New(&s, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
