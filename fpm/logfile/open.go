package logfile

import (
	"os"

	"golang.org/x/sys/unix"
)

const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_NOCTTY | unix.O_CLOEXEC

// Open opens a log for appending, and makes a file of mode 0600 if there is none. Writing to it blocks, as it does for
// stock PHP.
//
// A path that names a descriptor of this process, such as /dev/stderr, is that descriptor if it cannot be opened: a pipe
// that another user made, or a socket. A pipe that nobody reads yet is opened all the same; what is written before it
// has a reader is lost.
func Open(path string) (*os.File, error) {
	fd, err := openOrShare(path)
	if err != nil {
		return nil, err
	}
	if !fd.shared {
		if err := unix.SetNonblock(fd.number, false); err != nil {
			unix.Close(fd.number)
			return nil, err
		}
	}
	return os.NewFile(uintptr(fd.number), path), nil
}

// Append opens a log, appends to it and closes it. It does not wait for the reader of a pipe: a full one is an error.
// opened reports whether the log could be opened.
func Append(path string, text []byte) (opened bool, err error) {
	fd, err := openOrShare(path)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd.number)
	for {
		if _, err = unix.Write(fd.number, text); err != unix.EINTR {
			return true, err
		}
	}
}

// opened is an open descriptor. A shared one has flags that are others' too.
type opened struct {
	number int
	shared bool
}

// openOrShare opens a log that does not block, or duplicates the descriptor that its path names.
func openOrShare(path string) (opened, error) {
	fd, err := open(path)
	if err == unix.ENXIO { // a pipe without a reader, or a socket
		fd, err = openUnread(path)
	}
	if err == nil {
		return opened{number: fd}, nil
	}
	if own := descriptor(path); own >= 0 && !isLinkError(err) {
		if fd, dupErr := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3); dupErr == nil {
			return opened{fd, true}, nil
		}
	}
	return opened{}, err
}

// openUnread opens a pipe without a reader, by being one for the moment.
func openUnread(path string) (fd int, err error) {
	reader, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, unix.ENXIO
	}
	defer unix.Close(reader)
	return open(path)
}

// open opens without waiting. Only root has more rights than those who may have made the path.
func open(path string) (fd int, err error) {
	if os.Geteuid() == 0 {
		return openAsRoot(path)
	}
	for {
		fd, err = unix.Open(path, flags|unix.O_NONBLOCK, 0o600)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// Check reports whether a log could be opened. It makes the file if there is none.
func Check(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// isProc reports whether a descriptor belongs to a file of /proc, whose links lead elsewhere than they say.
func isProc(fd int) bool {
	var s unix.Statfs_t
	return unix.Fstatfs(fd, &s) == nil && s.Type == unix.PROC_SUPER_MAGIC
}

func isLink(mode uint32) bool { return mode&unix.S_IFMT == unix.S_IFLNK }
