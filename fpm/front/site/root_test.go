package site

import (
	"os"
	"path/filepath"
	"testing"
)

func TestResolve(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll(dir+"/a/b", 0o755)
	os.Symlink("loop", dir+"/loop")
	os.Symlink("../../a/b/..", dir+"/a/b/up")
	for name, want := range map[string]string{
		"/": "", "": "", "/..": "", dir + "/a/b": dir + "/a/b", dir + "/a/b/up/b": dir + "/a/b", dir + "/loop": "error", dir + "/no": "error",
	} {
		got, _, err := resolve(name)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
