// Package files makes the files of tests and reads what programs have written. A test fails at once if it cannot have
// its files.
package files

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Make writes files below a new directory, by their names in it, and returns the directory. Its name has no symbolic
// links, and it is removed with the test.
func Make(t testing.TB, contents map[string]string) (dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	Fill(t, dir, contents)
	return dir
}

// Fill writes files below a directory that is there, by their names in it.
func Fill(t testing.TB, dir string, contents map[string]string) {
	t.Helper()
	for name, text := range contents {
		Write(t, filepath.Join(dir, name), text)
	}
}

// Write writes a file that everybody may read, makes the directories that it lacks, and returns its path.
func Write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Program writes a program, which everybody may execute, and returns its path. Meanwhile no process is forked: it would
// have the file open for writing, and until it has executed its own program nobody could execute this one.
func Program(t testing.TB, path string, text []byte) string {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Read returns the text of a file, which must be there.
func Read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Text returns the text of a file, and nothing if it cannot be read: it may not have been written yet.
func Text(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// Exists reports whether there is a file.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
