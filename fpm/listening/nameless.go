package listening

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

// IsNameless reports whether a pool listens at a unix socket whose file was removed after it was made. Clients reach it
// by a descriptor of that file (Socket.Path). No file is left behind, however the master ends.
func IsNameless(p *conf.Pool) bool { return p.Listen.Value == settings.Nameless }

// nameless returns the nameless socket.
func (o *Opener) nameless(p *conf.Pool) (*Socket, error) {
	if s := o.Sockets.Find(settings.Nameless); s != nil {
		return s, nil
	}
	s, err := NewNameless()
	if err != nil {
		o.log().bindFailed(settings.Nameless, err)
		return nil, err
	}
	o.Sockets.open = append(o.Sockets.open, s)
	return s, nil
}

// handed returns the socket by which workers in worker mode hand on connections to those of p, which run other scripts.
func (o *Opener) handed(p *conf.Pool) (*Socket, error) {
	key := p.Listen.Value
	if s := o.Sockets.Find(key); s != nil {
		return s, nil
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		o.log().socketNotMade(err)
		return nil, err
	}
	s := NewSocket(pair[0], key, conf.Unix)
	s.pair = os.NewFile(uintptr(pair[1]), key)
	o.Sockets.open = append(o.Sockets.open, s)
	return s, nil
}

// NewNameless opens a nameless socket that is not among any Sockets.
func NewNameless() (s *Socket, err error) {
	err = inPrivateDirectory(func(dir string) (err error) {
		s, err = listenNameless(filepath.Join(dir, "socket"))
		return err
	})
	return s, err
}

// errForgotten is of a file system that does not find a removed socket by its descriptor, such as fuse-overlayfs, in which container engines without
// root keep a container's files.
var errForgotten = errors.New("its file system loses a socket whose file was removed: mount a tmpfs there, or name a socket in a php-fpm.conf (-y)")

// listenNameless listens at a path, and removes it. It returns errForgotten if the socket cannot be reached after that.
func listenNameless(path string) (*Socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	inode, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	os.Remove(path)
	if err == nil {
		err = unix.Listen(fd, -1)
	}
	if err == nil && forgotten(inode) {
		err = errForgotten
		unix.Close(inode)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	s := NewSocket(fd, settings.Nameless, conf.Unix)
	s.path = os.NewFile(uintptr(inode), settings.Nameless)
	return s, nil
}

// forgotten reports whether /proc is there and does not lead to a descriptor's file.
func forgotten(fd int) bool {
	if _, err := os.Lstat(byDescriptor(fd)); err != nil {
		return false // without /proc Lend fails, and says so
	}
	return errors.Is(os.Chmod(byDescriptor(fd), 0o600), fs.ErrNotExist)
}

func byDescriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// Lend makes a user the owner of a nameless socket: to connect needs the permission to write.
func (s *Socket) Lend(uid, gid int) error {
	name := byDescriptor(int(s.path.Fd()))
	switch err := os.Chmod(name, 0o600); {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("its socket has no name and is reached by /proc, which is not mounted here: mount it, or name a socket in a php-fpm.conf (-y)")
	case err != nil:
		return err
	}
	return os.Chown(name, uid, gid)
}

// inPrivateDirectory calls use with a new directory that is nobody else's, and removes it, empty, then. If use returns errForgotten it is called
// with a directory elsewhere.
func inPrivateDirectory(use func(dir string) error) error {
	var why error
	for _, parent := range []string{os.TempDir(), "/run", "/dev/shm"} {
		dir, err := os.MkdirTemp(parent, "phpsapi-")
		if err != nil {
			why = err
			continue
		}
		err = use(dir)
		os.Remove(dir)
		if !errors.Is(err, errForgotten) {
			return err
		}
		why = fmt.Errorf("%s: %w", parent, err)
	}
	return fmt.Errorf("no directory for a socket: %w", why)
}
