package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
)

// watched starts a watch of a directory and returns what it tells.
func watched(t *testing.T, dir string) chan string {
	t.Helper()
	told := make(chan string, 100)
	w, err := Start([]string{dir}, func(path string) { told <- path })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return told
}

func wait(t *testing.T, told chan string) string {
	t.Helper()
	select {
	case path := <-told:
		return path
	case <-time.After(20 * time.Second):
		t.Fatal("no change was told")
		return ""
	}
}

func TestChangesAreToldOnceTheyHaveEnded(t *testing.T) {
	dir := t.TempDir()
	files.Write(t, dir+"/src/a.php", "1")
	told := watched(t, dir)
	for range 5 {
		files.Write(t, dir+"/src/a.php", "2")
	}
	if path := wait(t, told); path != dir+"/src/a.php" {
		t.Errorf("got %s", path)
	}
	files.Write(t, dir+"/src/new/deep/b.php", "1") // directories that were not there before
	wait(t, told)
	files.Write(t, dir+"/src/new/deep/b.php", "2")
	if path := wait(t, told); path != dir+"/src/new/deep/b.php" {
		t.Errorf("got %s", path)
	}
	os.Rename(dir+"/src/a.php", dir+"/src/c.php") // as editors write
	wait(t, told)
	os.Remove(dir + "/src/c.php")
	wait(t, told)
	files.Write(t, dir+"/.env", "A=1")
	if path := wait(t, told); path != dir+"/.env" {
		t.Errorf("got %s", path)
	}
}

// What an application writes while it runs, a cache of compiled templates say, made it reload without end.
func TestWhatAnApplicationWritesIsNoChange(t *testing.T) {
	dir := t.TempDir()
	files.Write(t, dir+"/var/cache/a.php", "1")
	files.Write(t, dir+"/.git/a.php", "1")
	told := watched(t, dir)
	for _, name := range []string{"var/cache/b.php", ".git/b.php", "node_modules/x/a.php", "upload.jpg", "app.log", ".a.php.swp", "storage/views/1.php"} {
		files.Write(t, dir+"/"+name, "1")
	}
	files.Write(t, dir+"/last.php", "1")
	if path := wait(t, told); path != dir+"/last.php" {
		t.Errorf("%s was told", path)
	}
}

func TestWatchOfNothing(t *testing.T) {
	if _, err := Start([]string{"/no/such/directory"}, nil); err == nil {
		t.Error("no error")
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

// A changed file of a package that Composer had linked into vendor, from a repository of type path, reloaded nothing.
func TestLinksToDirectoriesAreFollowed(t *testing.T) {
	dir := t.TempDir()
	files.Write(t, dir+"/packages/lib/src/a.php", "1")
	files.Write(t, dir+"/other/deep/b.php", "1")
	files.Write(t, dir+"/app/a.php", "1")
	link(t, "../../../packages/lib", dir+"/app/vendor/acme/lib")
	link(t, dir+"/other", dir+"/packages/lib/other") // by a link only
	link(t, "app", dir+"/current")
	for _, top := range []string{dir + "/app", dir + "/current"} {
		told := watched(t, top)
		for _, file := range []string{"packages/lib/src/a.php", "other/deep/b.php", "app/a.php"} {
			files.Write(t, dir+"/"+file, "2")
			got := wait(t, told)
			if real, err := filepath.EvalSymlinks(got); err != nil || real != dir+"/"+file {
				t.Errorf("%s: %s was told, want %s", top, got, file)
			}
		}
		if err := os.Remove(dir + "/app/new"); err == nil {
			wait(t, told)
		}
		files.Write(t, dir+"/late/c.php", "1")
		link(t, dir+"/late", dir+"/app/new") // a link that was not there before
		wait(t, told)
		files.Write(t, dir+"/late/c.php", "2")
		if got := wait(t, told); filepath.Base(got) != "c.php" {
			t.Errorf("%s: %s was told", top, got)
		}
		os.Remove(dir + "/app/new")
	}
}

// Links in circles, to what is above, and to what the application writes, add nothing to watch.
func TestLinksThatAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	files.Write(t, dir+"/app/src/a.php", "1")
	files.Write(t, dir+"/app/var/b.php", "1")
	files.Write(t, dir+"/shared/c.php", "1")
	files.Write(t, dir+"/logs/d.php", "1")
	for name, to := range map[string]string{"root": "/", "up": "..", "self": ".", "src/again": "../src", "written": "var", "logged": "../logs", "nothing": "none",
		"loop": "loop", "twice": "../shared", "thrice": "../shared", "cache": "../shared"} {
		link(t, to, dir+"/app/"+name)
	}
	link(t, "../app", dir+"/shared/back")
	told := make(chan string, 100)
	w, err := Start([]string{dir + "/app"}, func(path string) { told <- path })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := w.watcher.WatchList(); len(got) != 3 {
		t.Errorf("these are watched: %q", got)
	}
	for _, name := range []string{"app/var/b.php", "e.php", "logs/d.php"} {
		files.Write(t, dir+"/"+name, "2")
	}
	files.Write(t, dir+"/shared/c.php", "2")
	if path := wait(t, told); filepath.Base(path) != "c.php" {
		t.Errorf("%s was told", path)
	}
}

// A link to a tree of very many directories is not followed, and that is told; the same tree without a link is watched.
func TestLinksToVeryManyDirectoriesAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	files.Write(t, dir+"/app/a.php", "1")
	const most = 20
	for i := range most {
		if err := os.MkdirAll(fmt.Sprintf("%s/many/%d/%d", dir, i/10, i), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link(t, "../many", dir+"/app/many")
	link(t, "../many/1", dir+"/app/one")
	w, err := start([]string{dir + "/app"}, most, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := w.Unfollowed(); len(got) != 1 || got[0] != dir+"/app/many" {
		t.Errorf("not followed: %q", got)
	}
	if got := len(w.watcher.WatchList()); got != 1+11 {
		t.Errorf("%d directories are watched", got)
	}
}
