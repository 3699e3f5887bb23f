package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/files"
)

const (
	php82 = sapi.PHPVersion(80236)
	php83 = sapi.PHPVersion(80300)
	php84 = sapi.PHPVersion(80400)
	php85 = sapi.PHPVersion(80500)
)

func TestNormalize(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "//": "/", "/a": "/a", "/a/": "/a/", "/a//": "/a/", "//a///b": "/a/b", "/.": "/", "/./": "/", "/..": "/",
		"/../": "/", "/a/.": "/a/", "/a/..": "/", "/a/../": "/", "/a/b/..": "/a/", "/a/../../b": "/b", "/a/./b": "/a/b",
		"/...": "/...", "/.a": "/.a", "/%2e%2e/a": "/a", "/a%2Fb": "/a/b", "/%41%zz%4": "/A%zz%4", "*": "*", "*/..": "", "": "",
	} {
		if got := normalize(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestLocate(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"index.php", "a.txt", "s/index.php", "h/index.html", "v1.0/index.php", "b/file", "b/c.php"} {
		files.Write(t, filepath.Join(root, name), name)
	}
	for vpath, want := range map[string]location{
		"/":             {vpath: "/index.php"},
		"/a.txt":        {vpath: "/a.txt"},
		"/a.txt/x":      {vpath: "/a.txt", pathInfo: "/x"},
		"/s":            {vpath: "/s/index.php"},
		"/s/":           {vpath: "/s/index.php"},
		"/s/x/y":        {vpath: "/s/index.php", pathInfo: "/x/y"},
		"/h/":           {vpath: "/h/index.html"},
		"/x/y":          {vpath: "/index.php", pathInfo: "/x/y"},
		"/b/file/x":     {vpath: "/b/file", pathInfo: "/x"},
		"/b/c.php/x.y":  {vpath: "/b/c.php", pathInfo: "/x.y"},
		"/a.txt\x00.gz": {vpath: "/a.txt\x00.gz"},
	} {
		want.file = root + want.vpath
		info, err := os.Stat(UntilNUL(want.file))
		if err != nil {
			t.Fatal(err)
		}
		want.size = info.Size()
		for _, php := range []sapi.PHPVersion{php82, php84} {
			if got := locate(php, root, vpath); got != want {
				t.Errorf("%s: %q:\ngot  %+v\nwant %+v", php, vpath, got, want)
			}
		}
	}
	for _, vpath := range []string{"/b/", "/b", "/b/x", "/b/x.txt"} {
		for _, php := range []sapi.PHPVersion{php82, php84} {
			if got := locate(php, root, vpath); got != (location{vpath: vpath}) {
				t.Errorf("%s: %q: got %+v", php, vpath, got)
			}
		}
	}
	for vpath, since84 := range map[string]location{
		"/x.txt":   {vpath: "/index.php", pathInfo: "/x.txt"},
		"/v1.0/":   {vpath: "/v1.0/index.php"},
		"/s/x.txt": {vpath: "/s/index.php", pathInfo: "/x.txt"},
	} {
		if got := locate(php83, root, vpath); got != (location{vpath: vpath}) {
			t.Errorf("8.3: %q: got %+v", vpath, got)
		}
		got := locate(php84, root, vpath)
		if got.vpath != since84.vpath || got.pathInfo != since84.pathInfo || got.file != root+since84.vpath {
			t.Errorf("8.4: %q: got %+v", vpath, got)
		}
	}
	if got := locate(php84, filepath.Join(root, "gone"), "/x"); got.file != "" {
		t.Errorf("below a root that is gone: %+v", got)
	}
}
