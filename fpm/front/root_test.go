package front

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

// A release is put in place by switching a link: the next request has all of the new one.
func TestSwitchedReleaseServesTheNextRequest(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"1", "2"} {
		public := filepath.Join(dir, "releases", release, "public")
		if err := os.MkdirAll(public, 0o755); err != nil {
			t.Fatal(err)
		}
		files.Fill(t, public, map[string]string{"index.php": "", "app.css": "css" + release})
	}
	point := func(link, to string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	point("latest", "releases/1/../1") // a link to a link, relative and with detours
	point("current", dir+"//latest/.")
	o := orders(t, nil, echo)
	o.Sites[0].Root = filepath.Join(dir, "current", "public")
	f := start(t, o)
	want := func(release string) {
		t.Helper()
		root := filepath.Join(dir, "releases", release, "public")
		if got := f.get(t, "/app.css").body; got != "css"+release {
			t.Errorf("release %s: got %q", release, got)
		}
		for _, path := range []string{"/", "/route/x"} {
			body := f.get(t, path).body
			for _, line := range []string{"DOCUMENT_ROOT=" + root, "SCRIPT_FILENAME=" + root + "/index.php", "SCRIPT_NAME=/index.php"} {
				if !strings.Contains(body, line+"\n") {
					t.Errorf("release %s: want %s in\n%s", release, line, body)
				}
			}
		}
	}
	want("1")
	point("latest", "releases/2")
	want("2")
	point("current", "releases/1")
	want("1")
	if err := os.RemoveAll(filepath.Join(dir, "releases", "2")); err != nil {
		t.Fatal(err)
	}
	want("1")
	os.Remove(filepath.Join(dir, "current"))
	if got := f.get(t, "/app.css").StatusCode; got != 404 {
		t.Errorf("without the link: %d", got)
	}
	point("current", "releases/1")
	want("1")
}
