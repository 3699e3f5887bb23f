package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Symbolic links to directories are followed, as Composer's path repositories are such links. A directory is watched once, under the
// first name that leads to it, its own before a link's. Not followed are links to what is above a watched directory, such as /, to
// what is left out, and those by which more than MaxLinked directories would be watched.

// MaxLinked is how many directories are watched because links lead to them, in all.
const MaxLinked = 10_000

// identity is what a directory is, whatever its name.
type identity struct{ device, inode uint64 }

// identify returns the identity of a directory, or of the one to which a link leads. false: there is none.
func identify(path string) (id identity, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return id, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, false
	}
	return identity{uint64(stat.Dev), stat.Ino}, true
}

// claim notes that a directory is watched under a name. It returns false if it is already, under another.
func (w *Watch) claim(path string) bool {
	id, ok := identify(path)
	if !ok {
		return false
	}
	if known, claimed := w.known[id]; claimed && known != path {
		if there, ok := identify(known); ok && there == id { // else it has been moved, or the number is another's now
			return false
		}
	}
	w.known[id] = path
	return true
}

// follow watches what a symbolic link to a directory leads to, as add does, and returns a file in it.
func (w *Watch) follow(link string) (file string, err error) {
	real, err := filepath.EvalSymlinks(link)
	if err != nil || w.isAbove(real) || w.isLeftOut(real) {
		return "", nil
	}
	if w.linked+count(real, w.most-w.linked) > w.most {
		w.unfollowed = append(w.unfollowed, link)
		return "", nil
	}
	return w.walk(link, false)
}

// isAbove reports whether a directory is one of those that Start was given, or above one.
func (w *Watch) isAbove(real string) bool {
	for _, top := range w.tops {
		if real == "/" || top == real || strings.HasPrefix(top, real+"/") {
			return true
		}
	}
	return false
}

// isLeftOut reports whether a directory is in one that is left out by its name, as the application writes there.
func (w *Watch) isLeftOut(real string) bool {
	below := filepath.Base(real)
	for _, top := range w.tops {
		if path, ok := strings.CutPrefix(real, strings.TrimSuffix(top, "/")+"/"); ok {
			below = path
		}
	}
	for name := range strings.SplitSeq(below, "/") {
		if isLeft(name) {
			return true
		}
	}
	return false
}

// count returns how many directories would be watched from one on, links apart. It stops when there are more than most.
func count(top string, most int) (n int) {
	filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case path != top && isLeft(d.Name()):
			return fs.SkipDir
		case n > most:
			return fs.SkipAll
		}
		n++
		return nil
	})
	return n
}
