package announce

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A reload removed the pid file before it wrote another: a reader found none, or an empty one.
func TestPidFileIsThereDuringAReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	log := zlog.New(io.Discard)
	want := fmt.Sprint(os.Getpid())
	if err := WritePID(path, log); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if text, err := os.ReadFile(path); string(text) != want {
				t.Errorf("got %q, %v", text, err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 500 {
		if err := WritePID(path, log); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
	if files, err := filepath.Glob(path + "?*"); len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o133 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestPidFileReplacesWhatIsInItsPlace(t *testing.T) {
	dir := t.TempDir()
	log := zlog.New(io.Discard)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	if err := WritePID(link, log); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(secret); string(text) != "secret" {
		t.Errorf("a link was followed: %q, %v", text, err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WritePID(fifo, log); err == nil {
		t.Error("a pipe without a reader is not an error")
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := WritePID(fifo, log); err != nil {
		t.Errorf("a pipe with a reader: %v", err)
	}
	RemovePID(fifo, log)
	if info, err := os.Lstat(fifo); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe was replaced or removed: %v", err)
	}
	if err := WritePID(filepath.Join(dir, "none", "pid"), log); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}
