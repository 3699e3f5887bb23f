package watch

import (
	"os"
	"path/filepath"
	"testing"
	"time"
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

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
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
	write(t, dir+"/src/a.php", "1")
	told := watched(t, dir)
	for range 5 {
		write(t, dir+"/src/a.php", "2")
	}
	if path := wait(t, told); path != dir+"/src/a.php" {
		t.Errorf("got %s", path)
	}
	write(t, dir+"/src/new/deep/b.php", "1") // directories that were not there before
	wait(t, told)
	write(t, dir+"/src/new/deep/b.php", "2")
	if path := wait(t, told); path != dir+"/src/new/deep/b.php" {
		t.Errorf("got %s", path)
	}
	os.Rename(dir+"/src/a.php", dir+"/src/c.php") // as editors write
	wait(t, told)
	os.Remove(dir + "/src/c.php")
	wait(t, told)
	write(t, dir+"/.env", "A=1")
	if path := wait(t, told); path != dir+"/.env" {
		t.Errorf("got %s", path)
	}
}

// What an application writes while it runs, a cache of compiled templates say, made it reload without end.
func TestWhatAnApplicationWritesIsNoChange(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/var/cache/a.php", "1")
	write(t, dir+"/.git/a.php", "1")
	told := watched(t, dir)
	for _, name := range []string{"var/cache/b.php", ".git/b.php", "node_modules/x/a.php", "upload.jpg", "app.log", ".a.php.swp", "storage/views/1.php"} {
		write(t, dir+"/"+name, "1")
	}
	write(t, dir+"/last.php", "1")
	if path := wait(t, told); path != dir+"/last.php" {
		t.Errorf("%s was told", path)
	}
}

func TestWatchOfNothing(t *testing.T) {
	if _, err := Start([]string{"/no/such/directory"}, nil); err == nil {
		t.Error("no error")
	}
}
