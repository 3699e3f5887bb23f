package master

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The php.ini of Debian was read for a libphp that has its own elsewhere. A reload asks again, beside the loop.
func TestPHPIniIsReadWhereTheEngineHasIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	workers := func(n string) {
		if err := os.WriteFile(filepath.Join(dir, "php.ini"), []byte("my.workers = "+n+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	workers("2")
	s := start(t, "[www]\nlisten = DIR/sock\npm = static\npm.max_children = ${my.workers}\n", "MASTER_TEST_PLACES="+dir)
	s.expect("ready to handle")
	s.settle(2)
	workers("3")
	if err := os.Remove(filepath.Join(dir, "asked")); err != nil {
		t.Fatal("the engine was not asked", err)
	}
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	s.settle(3)
	if text, err := os.ReadFile(filepath.Join(dir, "asked")); err != nil || string(text) != "libphp8.4.so\n" {
		t.Errorf("asked: %q, %v", text, err)
	}
}
