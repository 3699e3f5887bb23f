package master

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// isNameless reports whether a pool listens at a socket that no file names: it has one only while it is made, and is
// reached by a descriptor of what that named (socket.path). Nothing of it stays behind, however the master ends.
func isNameless(p *conf.Pool) bool { return p.Listen.Value == settings.Nameless }

// nameless returns the nameless socket.
func (l *listener) nameless(p *conf.Pool) (*socket, error) {
	if s := l.sockets.find(settings.Nameless); s != nil {
		return s, nil
	}
	var s *socket
	err := inPrivateDirectory(func(dir string) (err error) {
		s, err = listenNameless(filepath.Join(dir, "socket"))
		return err
	})
	if err != nil {
		l.log.bindFailed(settings.Nameless, err)
		return nil, err
	}
	l.sockets.open = append(l.sockets.open, s)
	return s, nil
}

// handed returns the socket by which workers in worker mode hand on connections to those of p, which run other scripts.
func (l *listener) handed(p *conf.Pool) (*socket, error) {
	key := p.Listen.Value
	if s := l.sockets.find(key); s != nil {
		return s, nil
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.log.socketNotMade(err)
		return nil, err
	}
	s := newSocket(pair[0], key, conf.Unix)
	s.pair = os.NewFile(uintptr(pair[1]), key)
	l.sockets.open = append(l.sockets.open, s)
	return s, nil
}

// listenNameless listens at a path, and removes it.
func listenNameless(path string) (*socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	defer os.Remove(path)
	inode, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Listen(fd, -1)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	s := newSocket(fd, settings.Nameless, conf.Unix)
	s.path = os.NewFile(uintptr(inode), settings.Nameless)
	return s, nil
}

// lend makes a user the owner of a nameless socket: to connect needs the permission to write.
func (s *socket) lend(uid, gid int) error {
	name := "/proc/self/fd/" + strconv.Itoa(int(s.path.Fd()))
	switch err := os.Chmod(name, 0o600); {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("its socket has no name and is reached by /proc, which is not mounted here: mount it, or name a socket in a php-fpm.conf (-y)")
	case err != nil:
		return err
	}
	return os.Chown(name, uid, gid)
}

// inPrivateDirectory calls use with a new directory that is nobody else's, and removes it, empty, then.
func inPrivateDirectory(use func(dir string) error) error {
	var why error
	for _, parent := range []string{os.TempDir(), "/run", "/dev/shm"} {
		dir, err := os.MkdirTemp(parent, "phpsapi-")
		if err != nil {
			why = err
			continue
		}
		defer os.Remove(dir)
		return use(dir)
	}
	return fmt.Errorf("no directory for a socket: %w", why)
}
