package site

import (
	"path"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

func TestCleanPath(t *testing.T) {
	for _, c := range []struct {
		path, want string
		err        error
	}{
		{"/", "/", nil},
		{"/a/b", "/a/b", nil},
		{"/a/b/", "/a/b/", nil},
		{"//a///b//", "/a/b/", nil},
		{"/./a/./b/.", "/a/b/", nil},
		{"/a/../b", "/b", nil},
		{"/a/b/..", "/a/", nil},
		{"/a/..", "/", nil},
		{"/...", "/...", nil},
		{"/..a/.b./c..", "/..a/.b./c..", nil},
		{`/a\..\b`, `/a\..\b`, nil},
		{"/..", "", errAbove},
		{"/a/../..", "", errAbove},
		{"/../a", "", errAbove},
		{"/a/../../a", "", errAbove},
		{"", "", errAbove},
		{"*", "", errAbove},
		{"a/b", "", errAbove},
		{"/a\x00.php", "", errNul},
	} {
		if got, err := CleanPath(c.path); got != c.want || err != c.err {
			t.Errorf("%q: got %q, %v, want %q, %v", c.path, got, err, c.want, c.err)
		}
	}
}

func TestHiddenPaths(t *testing.T) {
	for p, want := range map[string]bool{
		"/.env": true, "/.git/config": true, "/a/.htaccess": true, "/a/.b/c": true, "/.well-known/.x": true,
		"/.well-knownish": true, "/a/.well-known/x": true,
		"/.well-known/acme-challenge/x": false, "/.well-known": false, "/a.b/c.d": false, "/a./b": false, "/": false,
	} {
		if got := isHidden(p); got != want {
			t.Errorf("%q: got %v, want %v", p, got, want)
		}
	}
}

func TestSourceIsRecognized(t *testing.T) {
	s := &Site{lowerExtensions: []string{".php", ".page"}}
	for name, want := range map[string]bool{
		"/x.php": true, "/x.PHP": true, "/x.Php": true, "/x.php~": true, "/x.php.bak": true, "/x.php_": true, "/x.php_old": true,
		"/x.php.swp": true, "/x.php ": true, "/x.php.": true, "/x.php.1": true, "/x.php-2026": true, "/#x.php#": true,
		"/x.phtml": true, "/x.phar": true, "/x.phps": true, "/x.inc": true, "/x.php7": true, "/x.inc.orig": true,
		"/x.page": true, "/x.PAGE~": true, "/dir/x.php;": true,
		"/x.html": false, "/x.php.html": false, "/jquery.php.js": false, "/xphp": false, "/php": false, "/x.php.d/readme": false,
		"/x.phpx": false, "/incl": false, "/x.include": false, "/x": false, "/x.zip": false,
	} {
		if got := s.isSource(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// A file type of one's own may be a script's, too.
func TestScriptsNameGoesBeforeItsType(t *testing.T) {
	s := &Site{lowerExtensions: []string{".html"}}
	if !s.isSource("/x.html") || s.isSource("/x.css") {
		t.Errorf("x.html: %v, x.css: %v, want true, false", s.isSource("/x.html"), s.isSource("/x.css"))
	}
	// security.limit_extensions are ends of names, whatever they are.
	s = &Site{lowerExtensions: []string{"tpl", ".my-php"}}
	if !s.isSource("/X.TPL") || !s.isSource("/X.My-Php") || s.isSource("/x.my") || s.isSource("/x.tp") {
		t.Errorf("X.TPL: %v, X.My-Php: %v, x.my: %v", s.isSource("/X.TPL"), s.isSource("/X.My-Php"), s.isSource("/x.my"))
	}
}

// Whatever a path is, what it leads to is below the root, has no hidden segment and is not a source.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"/", "/a/../b", "/../x", "/x.php/y", "/x.php~", "/.env", "/.well-known/x", "//", "/a%00", "/x.PHP",
		"/./..", "/a/./.././../b", "/index.php/../../etc/passwd", "/sub/", "/sub", "/X.css/"} {
		f.Add(p)
	}
	s := routed(f, map[string]string{"index.php": "", "x.php": "", "x.PHP": "secret", "x.php~": "secret", ".env": "secret",
		"a": "a", "b.css": "", "sub/index.html": "", ".git/config": "", ".well-known/x": "", "x.inc": "secret"},
		contract.Site{Controller: "index.php"})
	f.Fuzz(func(t *testing.T, p string) {
		cleaned, err := CleanPath(p)
		if err != nil {
			return
		}
		if again, err := CleanPath(cleaned); err != nil || again != cleaned {
			t.Errorf("%q: cleaned %q, and again %q, %v", p, cleaned, again, err)
		}
		if strings.Contains(cleaned+"/", "/../") || strings.Contains(cleaned, "//") {
			t.Errorf("%q: cleaned %q", p, cleaned)
		}
		target := s.Route(cleaned)
		for _, name := range []string{target.File, target.Script.Filename} {
			if name == "" {
				continue
			}
			rest, below := strings.CutPrefix(name, s.root+"/")
			if !below || path.Clean(name) != name || isHidden("/"+rest) {
				t.Errorf("%q: leads to %s", p, name)
			}
		}
		if target.File != "" && s.isSource(target.File) {
			t.Errorf("%q: sends %s", p, target.File)
		}
	})
}
