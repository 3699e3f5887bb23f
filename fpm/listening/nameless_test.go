package listening

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// In a container whose files were in fuse-overlayfs, /tmp too, the service did not start, and said that /proc was not mounted.
func TestSocketThatTheFileSystemForgetsIsMadeElsewhere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var tried []string
	err := inPrivateDirectory(func(dir string) error {
		tried = append(tried, dir)
		if len(tried) == 1 {
			return errForgotten
		}
		return nil
	})
	if err != nil || len(tried) != 2 || !strings.HasPrefix(tried[0], os.TempDir()) || strings.HasPrefix(tried[1], os.TempDir()) {
		t.Errorf("%v: tried %q", err, tried)
	}
	for _, dir := range tried {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s stays behind: %v", dir, err)
		}
	}
	err = inPrivateDirectory(func(string) error { return errForgotten })
	if !errors.Is(err, errForgotten) || !strings.Contains(err.Error(), "/dev/shm: ") {
		t.Errorf("got %v, want that no directory will do, with the last", err)
	}
	tried = nil
	if err := inPrivateDirectory(func(dir string) error { tried = append(tried, dir); return unix.EADDRINUSE }); err != unix.EADDRINUSE || len(tried) != 1 {
		t.Errorf("another error is not returned at once: %v, tried %q", err, tried)
	}
}

// A removed file of an ordinary file system is still there for its descriptor.
func TestRemovedFileIsNotForgotten(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	os.Remove(file.Name())
	if forgotten(int(file.Fd())) {
		t.Error("it counts as forgotten")
	}
	if forgotten(1 << 20) {
		t.Error("a descriptor that is not open counts as forgotten")
	}
}
