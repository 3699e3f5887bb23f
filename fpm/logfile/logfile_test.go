package logfile

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/wait"
)

// A slow log was a pipe that nobody read: open(2) stopped the master.
func TestPipeWithoutAReaderIsOpenedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	wait.Returns(t, "opening", func() {
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString("lost\n"); err == nil {
			t.Error("a write without a reader has no error")
		}
		reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer reader.Close()
		if _, err := f.WriteString("read\n"); err != nil {
			t.Error(err)
		}
		f.Close()
		if text, err := io.ReadAll(reader); string(text) != "read\n" {
			t.Errorf("got %q, %v", text, err)
		}
	})
}

func TestFilesAreMadeAndAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString("x")
		f.Close()
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != 2 || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	if _, err := Open(filepath.Dir(path)); err != unix.EISDIR {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open(filepath.Join(filepath.Dir(path), "none", "log")); err != unix.ENOENT {
		t.Errorf("without a directory: %v", err)
	}
	if _, err := Open(""); err != unix.ENOENT {
		t.Errorf("no path: %v", err)
	}
	if f, err := Open("/dev/null"); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
}

// Standard error was a socket, or a pipe of another user's: neither can be opened again.
func TestOwnDescriptorThatCannotBeOpenedIsUsed(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	ours := os.NewFile(uintptr(pair[1]), "socket")
	defer ours.Close()
	link := filepath.Join(t.TempDir(), "log")
	target := "/proc/self/fd/" + strconv.Itoa(pair[0])
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{target, "/dev/fd/" + strconv.Itoa(pair[0]), link} {
		f, err := Open(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		f.WriteString("line\n")
		f.Close()
		buf := make([]byte, 10)
		if n, err := ours.Read(buf); string(buf[:n]) != "line\n" {
			t.Errorf("%s: got %q, %v", path, buf[:n], err)
		}
	}
}

// The directory of a slow log was www-data's, who put a link to root's file there. Root opened it and handed the
// descriptor to the worker.
func TestRootFollowsAUsersLinkOnlyToWhatIsThatUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const user = 65534
	base := t.TempDir()
	mkdir := func(name string, owner int) string {
		path := filepath.Join(base, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write := func(path string, owner int) string {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(target, path string, owner int) string {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
		return path
	}
	roots, theirs := mkdir("root", 0), mkdir("theirs", user)
	secret := write(filepath.Join(roots, "secret"), 0)
	mine := write(filepath.Join(roots, "mine"), user)
	shared := write(filepath.Join(theirs, "made-by-root"), 0)
	for name, c := range map[string]struct {
		path    string
		refused bool
	}{
		"root's file by their link":             {link(secret, filepath.Join(theirs, "a"), user), true},
		"a new file of root's directory":        {link(filepath.Join(roots, "new"), filepath.Join(theirs, "b"), user), true},
		"through a directory":                   {filepath.Join(link(roots, filepath.Join(theirs, "c"), user), "secret"), true},
		"a new file through a directory":        {filepath.Join(theirs, "c", "new"), true},
		"by two links":                          {link("a", filepath.Join(theirs, "d"), 0), true},
		"by an open file":                       {link("/proc/self/fd/0", filepath.Join(theirs, "e"), user), true},
		"root's link":                           {link(secret, filepath.Join(theirs, "f"), 0), false},
		"root's file in their directory":        {link("made-by-root", filepath.Join(theirs, "g"), user), false},
		"the same from elsewhere":               {link(shared, filepath.Join(roots, "h"), user), false},
		"a new file in their directory":         {link("new", filepath.Join(theirs, "i"), user), false},
		"their file in root's directory":        {link(mine, filepath.Join(theirs, "j"), user), false},
		"no link":                               {filepath.Join(theirs, "k"), false},
		"a path with dots":                      {filepath.Join(theirs, "..") + "/./theirs//../root/secret", false},
		"an own descriptor that can be opened":  {"/proc/self/fd/2", false},
		"one that is called by its usual name":  {"/dev/stderr", false},
		"root's link to one, as in a container": {link("/dev/stderr", filepath.Join(roots, "l"), 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(c.path)
			if err == nil {
				f.Close()
			}
			if refused := err != nil && strings.Contains(err.Error(), "root does not follow it"); refused != c.refused || err != nil && !refused {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(roots, "new")); err == nil {
		t.Error("a file was made in root's directory")
	}
	loop := link("loop", filepath.Join(theirs, "loop"), 0)
	if _, err := Open(loop); err != unix.ELOOP {
		t.Errorf("a loop: %v", err)
	}
}
