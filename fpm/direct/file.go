package direct

import (
	"net/http"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/permission"
)

// file is a file that is to be sent.
type file struct {
	fd   int
	size int64
	*looked
}

// looked is what is known of a file. It is true as long as the file's state is the same.
type looked struct {
	is       fileState
	readable bool // by the front
	modified time.Time
	// The values of headers; coding is empty for a file that has no content coding.
	mediaType, tag, since, coding []byte
}

// lookedAt names a file that is remembered: by its name without symbolic links, and by its content coding if it is sent as the precompressed
// form of another file.
type lookedAt struct{ name, coding string }

// found is the outcome of opening a file.
type found int

const (
	opened found = iota
	none         // there is no such file
	unseen       // the front must look: it may not open the file, or this worker cannot
)

// fileState tells a file from another, or from an earlier state of itself.
type fileState struct {
	dev, ino       uint64
	size           int64
	changed        unix.Timespec
	modified       unix.Timespec
	mode, uid, gid uint32
}

// mostLooked is how many files are remembered.
const mostLooked = 1024

// files opens files that are to be sent.
type files struct {
	reach reach
	seen  map[lookedAt]*looked
	name  []byte
}

// open opens a regular file by its absolute path. coding is its content coding if it is the precompressed form of another file, else "".
func (f *files) open(path, coding string, now time.Time) (file, found) {
	i := strings.LastIndexByte(path, '/')
	dir := f.reach.of(path[:i], now)
	if dir.standing != open {
		return file{}, unseen
	}
	f.name = append(append(append(f.name[:0], dir.real...), path[i:]...), 0)
	fd, errno := f.openName()
	switch errno {
	case 0:
	case unix.ENOENT:
		return file{}, none
	default:
		return file{}, unseen
	}
	var st unix.Stat_t
	if _, _, errno := unix.RawSyscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(&st)), 0); errno == 0 && st.Mode&unix.S_IFMT == unix.S_IFREG {
		if l := f.look(fd, &st, coding); l.readable {
			return file{fd, st.Size, l}, opened
		}
	}
	closeFile(fd)
	return file{}, unseen
}

// openName opens the file f.name, which ends in a NUL. It follows no symbolic links if the front's user is another than this process's:
// one may have been made since the path was looked at.
func (f *files) openName() (fd int, errno unix.Errno) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	dir, name := unix.AT_FDCWD, unsafe.SliceData(f.name)
	for {
		var n uintptr
		if f.reach.user == nil {
			n, _, errno = unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(name)), flags, 0, 0, 0)
		} else {
			how := unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_NO_SYMLINKS}
			n, _, errno = unix.Syscall6(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		}
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func closeFile(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// look returns what is known of the open file of that name.
func (f *files) look(fd int, st *unix.Stat_t, coding string) *looked {
	name := f.name[:len(f.name)-1]
	is := fileState{st.Dev, st.Ino, st.Size, st.Ctim, st.Mtim, st.Mode, st.Uid, st.Gid}
	if l := f.seen[lookedAt{string(name), coding}]; l != nil && l.is == is {
		return l
	}
	dated := st.Mtim != unix.Timespec{} // net/http takes the first second of 1970 for no time
	l := &looked{is: is, readable: dated && f.isReadable(fd, st), modified: time.Unix(st.Mtim.Unix())}
	mediaType, _ := site.ContentType(site.OriginalName(string(name), coding))
	l.mediaType, l.coding = []byte(mediaType), []byte(coding)
	l.tag = site.AppendEntityTag(nil, l.modified, st.Size, coding)
	l.since = l.modified.UTC().AppendFormat(nil, http.TimeFormat)
	if len(f.seen) >= mostLooked || f.seen == nil {
		f.seen = map[lookedAt]*looked{}
	}
	f.seen[lookedAt{string(name), coding}] = l
	return l
}

// isReadable reports whether the front may read an open file.
func (f *files) isReadable(fd int, st *unix.Stat_t) bool {
	if f.reach.user == nil {
		return true
	}
	acl, err := permission.ACLOf(fd)
	return err == nil && f.reach.user.May(permission.File{UID: st.Uid, GID: st.Gid, Mode: st.Mode, ACL: acl}, permission.Read)
}

// read reads from an offset on. It returns how many bytes it has read, 0 at the end of the file and after an error.
func (f *file) read(p []byte, offset int64) int {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_PREAD64, uintptr(f.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(offset), 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EINTR:
		default:
			return 0
		}
	}
}
