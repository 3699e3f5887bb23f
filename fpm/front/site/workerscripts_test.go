package site

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

// released makes a directory with two releases and a link to the first.
func released(t *testing.T) (root, link string) {
	t.Helper()
	root = files.Make(t, map[string]string{"1/index.php": "", "2/index.php": "", "other.php": ""})
	link = filepath.Join(root, "current")
	if err := os.Symlink("1", link); err != nil {
		t.Fatal(err)
	}
	return root, link
}

func TestWorkerScriptsAreKnownByTheirLinksAndWhatTheyLeadTo(t *testing.T) {
	root, link := released(t)
	w := NewWorkerScripts([]string{link + "/index.php"})
	excluded := func(want bool, names ...string) {
		t.Helper()
		for _, name := range names {
			if got := w.Excludes(filepath.Join(root, name)); got != want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
	excluded(false, "current/index.php", "1/index.php")
	excluded(true, "2/index.php", "other.php", "index.php")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("2", link); err != nil {
		t.Fatal(err)
	}
	excluded(false, "2/index.php", "current/index.php", "1/index.php") // what was booted answers still
	excluded(true, "other.php")
	if names, sure := w.Look(); !sure || len(names) != 3 || !slices.Equal(names, w.Names()) {
		t.Errorf("%v, %v", names, sure)
	}
}

// A path that cannot be followed may lead anywhere.
func TestNothingIsExcludedByAPathThatCannotBeFollowed(t *testing.T) {
	root, link := released(t)
	w := NewWorkerScripts([]string{link + "/index.php", root + "/none/worker.php"})
	for _, name := range []string{"other.php", "1/index.php", "none/worker.php"} {
		if w.Excludes(filepath.Join(root, name)) {
			t.Error(name)
		}
	}
}
