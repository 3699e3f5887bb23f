package listening

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A service whose listen was a directory by mistake has removed it, and served there.
func TestOnlyASocketIsRemovedFromAListenPath(t *testing.T) {
	socket := func(t *testing.T, path string) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(t *testing.T, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make   func(t *testing.T, path string)
		listen bool // there
	}{
		"nothing":            {func(*testing.T, string) {}, true},
		"a socket":           {socket, true},
		"a link to a socket": {func(t *testing.T, path string) { socket(t, path+".to"); check(t, os.Symlink(path+".to", path)) }, true},
		"a link to nothing":  {func(t *testing.T, path string) { check(t, os.Symlink("nowhere", path)) }, true},
		"an empty directory": {func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o755)) }, false},
		"a file":             {func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte("precious"), 0o600)) }, false},
		"a link to a device": {func(t *testing.T, path string) { check(t, os.Symlink(os.DevNull, path)) }, false},
		"a pipe":             {func(t *testing.T, path string) { check(t, unix.Mkfifo(path, 0o600)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			c.make(t, path)
			before, _ := os.Lstat(path)
			o := Opener{Sockets: &Sockets{}, Log: zlog.New(io.Discard), Config: &conf.Config{}}
			s, err := o.Pool(&conf.Pool{Listen: conf.Text{Value: path}, Domain: conf.Unix})
			if (err == nil) != c.listen {
				t.Errorf("listening returns %v", err)
			}
			if s != nil {
				s.Close()
				if _, err := os.Lstat(path); err == nil {
					t.Error("the socket stays after its end")
				}
				return
			}
			if err != unix.EADDRINUSE {
				t.Errorf("error %v, want %v", err, unix.EADDRINUSE)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was removed or replaced: %v", err)
			}
		})
	}
}
