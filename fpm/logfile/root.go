package logfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// linkError is a link that root does not follow.
type linkError struct {
	link  string
	owner uint32
}

func (e *linkError) Error() string {
	return fmt.Sprintf("the symbolic link %q is user %d's and leads to what is not; root does not follow it: make the link root's, or name the log itself",
		e.link, e.owner)
}

func isLinkError(err error) bool {
	var link *linkError
	return errors.As(err, &link)
}

// walk is a way to a log, one name after the other, so that nobody changes it between a look and a step.
type walk struct {
	dir     int // where it stands
	links   int
	doubted []linkError // links of users other than root that it has followed
	magic   bool        // it came here by a link of /proc
}

// openAsRoot opens a log as root. It follows a link of another user only to a directory or a file of that user.
func openAsRoot(path string) (fd int, err error) {
	if path == "" {
		return -1, unix.ENOENT
	}
	start := "/"
	if !filepath.IsAbs(path) {
		start = "."
	}
	w := &walk{}
	if w.dir, err = unix.Open(start, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return -1, err
	}
	defer func() { unix.Close(w.dir) }()
	names := split(path)
	for len(names) > 0 {
		name, last := names[0], len(names) == 1
		names = names[1:]
		target, err := w.link(name)
		switch {
		case err != nil && !(last && err == unix.ENOENT):
			return -1, err
		case target != "":
			names = append(split(target), names...)
			if len(names) == 0 {
				return -1, unix.EISDIR
			}
		case last:
			return w.open(name)
		default:
			if err := w.step(name); err != nil {
				return -1, err
			}
		}
	}
	return -1, unix.EISDIR
}

// split returns the names of a path, from the root if it is absolute.
func split(path string) []string {
	var names []string
	if strings.HasPrefix(path, "/") {
		names = append(names, "/")
	}
	for name := range strings.SplitSeq(path, "/") {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// link returns what a name links to; empty if it is not a link, or one that only the kernel can follow.
func (w *walk) link(name string) (target string, err error) {
	w.magic = false
	var s unix.Stat_t
	if err := unix.Fstatat(w.dir, name, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return "", err
	}
	if !isLink(s.Mode) {
		return "", nil
	}
	const most = 40
	if w.links++; w.links > most {
		return "", unix.ELOOP
	}
	proc := isProc(w.dir)
	// In a user namespace the kernel's own links have no owner.
	if s.Uid != 0 && !(proc && (name == "self" || name == "thread-self")) {
		w.doubted = append(w.doubted, linkError{name, s.Uid})
	}
	if proc {
		w.magic = true
		return "", nil
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(w.dir, name, buf)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", unix.ENOENT
	}
	return string(buf[:n]), nil
}

// noFollow is O_NOFOLLOW unless the kernel is to follow a link.
func (w *walk) noFollow() int {
	if w.magic {
		return 0
	}
	return unix.O_NOFOLLOW
}

func (w *walk) step(name string) error {
	next, err := unix.Openat(w.dir, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|w.noFollow(), 0)
	if err != nil {
		return err
	}
	unix.Close(w.dir)
	w.dir = next
	return nil
}

// open opens the log at the end of the way.
func (w *walk) open(name string) (fd int, err error) {
	how := flags | unix.O_NONBLOCK | w.noFollow()
	ours := w.doubtedBy(w.owner(w.dir))
	if w.magic { // whose directory it is says nothing about what the link leads to
		ours = w.doubtedBy(-1)
	}
	if ours != nil {
		how &^= unix.O_CREAT // not in that directory
	}
	for {
		fd, err = unix.Openat(w.dir, name, how, 0o600)
		if err != unix.EINTR {
			break
		}
	}
	switch {
	case err != nil && ours != nil:
		return -1, ours
	case err != nil:
		return -1, err
	}
	if ours != nil {
		if theirs := w.doubtedBy(w.owner(fd)); theirs != nil {
			unix.Close(fd)
			return -1, theirs
		}
	}
	return fd, nil
}

// doubtedBy returns a link that was followed and is of another user than this one; nil if there is none.
func (w *walk) doubtedBy(owner int) error {
	for i := range w.doubted {
		if int(w.doubted[i].owner) != owner {
			return &w.doubted[i]
		}
	}
	return nil
}

// owner returns the user ID of the owner of a file; -1 if it cannot be read.
func (w *walk) owner(fd int) int {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return -1
	}
	return int(s.Uid)
}
