package server

import (
	"os"
	"path/filepath"
	"testing"
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
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
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
		info, err := os.Stat(untilNUL(want.file))
		if err != nil {
			t.Fatal(err)
		}
		want.size = info.Size()
		if got := locate(root, vpath); got != want {
			t.Errorf("%q:\ngot  %+v\nwant %+v", vpath, got, want)
		}
	}
	for _, vpath := range []string{"/b/", "/b", "/b/x", "/x.txt", "/v1.0/", "/s/x.txt"} {
		if got := locate(root, vpath); got != (location{vpath: vpath}) {
			t.Errorf("%q: got %+v", vpath, got)
		}
	}
	if got := locate(filepath.Join(root, "gone"), "/x"); got.file != "" {
		t.Errorf("below a root that is gone: %+v", got)
	}
}
