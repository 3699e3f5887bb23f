package handover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a resident's listening socket.
type Socket struct {
	file *os.File
	path string      // what is to be removed with it; empty if systemd made it
	made fingerprint // of path
	lock *os.File    // held as long as the socket is listened on; nil if systemd made it
}

// firstActivated is the first descriptor of socket activation: SD_LISTEN_FDS_START.
const firstActivated = 3

// ErrBusy says that another resident listens, or is about to.
var ErrBusy = errors.New("another resident listens there")

// Listen returns the socket that systemd has passed, if there is one, and otherwise listens at path. lock is the locked
// file that Start has passed, or nil.
func Listen(path string, lock *os.File) (*Socket, error) {
	fd, activated, err := activatedSocket()
	if activated {
		if err != nil {
			return nil, fmt.Errorf("systemd's socket: %w", err)
		}
		return newSocket(fd)
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if lock == nil {
		if lock, err = lockFile(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	s, err := listenAt(path)
	if err != nil {
		note(lock, err)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.lock = lock
	return s, nil
}

func activatedSocket() (fd int, activated bool, err error) {
	count, pid := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return 0, false, nil
	}
	if count != "1" {
		return 0, true, fmt.Errorf("there are %s, and one is served: leave one ListenSequentialPacket= in the unit", count)
	}
	kind, err := syscall.GetsockoptInt(firstActivated, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err == nil && kind != syscall.SOCK_SEQPACKET {
		err = errors.New("it is not a packet socket: use ListenSequentialPacket= in the unit")
	}
	syscall.CloseOnExec(firstActivated)
	return firstActivated, true, err
}

// listenAt makes the socket, in place of one that nobody listens on any more. The caller holds the lock.
func listenAt(path string) (*Socket, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		syscall.Close(fd)
		return nil, errors.New("exists and is not a socket: remove it or choose another path")
	}
	if isListening(path) { // systemd's, or one whose lock was removed
		syscall.Close(fd)
		return nil, ErrBusy
	}
	os.Remove(path)
	before := syscall.Umask(0o177)
	err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
	syscall.Umask(before)
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("bind: %w", err)
	}
	s, err := newSocket(fd)
	if err == nil {
		s.path, s.made = path, fingerprintOf(path)
	}
	return s, err
}

// isListening reports whether somebody listens at path.
func isListening(path string) bool {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
	return err != syscall.ECONNREFUSED && err != syscall.ENOENT
}

// newSocket listens. On systemd's socket this makes the kernel tell clients that it is this process's.
func newSocket(fd int) (*Socket, error) {
	if err := syscall.Listen(fd, unix.SOMAXCONN); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return &Socket{file: os.NewFile(uintptr(fd), "listener")}, nil
}

func (s *Socket) accept() (*os.File, error) {
	raw, err := s.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	if err := raw.Read(func(listener uintptr) bool {
		fd, _, failed = syscall.Accept4(int(listener), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		return failed != syscall.EAGAIN
	}); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return os.NewFile(uintptr(fd), "client"), nil
}

// Close closes the socket, removes its file, and lets another resident listen there. A socket that systemd made is only closed.
func (s *Socket) Close() {
	if s.path != "" {
		if now := fingerprintOf(s.path); now.device == s.made.device && now.inode == s.made.inode {
			os.Remove(s.path)
		}
	}
	s.file.Close()
	if s.lock != nil {
		os.Remove(s.lock.Name())
		s.lock.Close()
	}
}

// checkPath refuses a path at which another user could put something in the socket's place.
func checkPath(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s: the zygote's path must be absolute: each request has another current directory", path)
	}
	if len(path) >= len(syscall.RawSockaddrUnix{}.Path) {
		return fmt.Errorf("%s: a socket's path has at most %d bytes", path, len(syscall.RawSockaddrUnix{}.Path)-1)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for ; ; dir = filepath.Dir(dir) {
		var stat syscall.Stat_t
		if err := syscall.Stat(dir, &stat); err != nil {
			return fmt.Errorf("%s: %s: %w", path, dir, err)
		}
		if stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
			return fmt.Errorf("%s: %s belongs to user %d, who could replace the socket: use a directory of root's or your own",
				path, dir, stat.Uid)
		}
		if stat.Mode&0o022 != 0 && stat.Mode&syscall.S_ISVTX == 0 {
			return fmt.Errorf("%s: others may write to %s and could replace the socket: chmod go-w %s", path, dir, dir)
		}
		if dir == "/" {
			return nil
		}
	}
}

// soPeerGroups is SO_PEERGROUPS of <asm-generic/socket.h>.
const soPeerGroups = 59

// hasGroups reports whether the peer's supplementary groups are these.
func hasGroups(fd int, groups []int) bool {
	list := make([]uint32, len(groups)+1)
	size := uint32(len(groups)) * 4
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.SOL_SOCKET, soPeerGroups,
		uintptr(unsafe.Pointer(&list[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || int(size) != len(groups)*4 {
		return false
	}
	for _, group := range list[:len(groups)] {
		if !slices.Contains(groups, int(group)) {
			return false
		}
	}
	return true
}
