package site

import (
	"path/filepath"
	"strings"
)

// An internal path is an address for X-Accel-Redirect alone. It counts from the host's root and from the site's path:
// with the path /blog, /private is /private and /blog/private. Clients get 404 for both, whichever site would answer, and
// for the files of its directory under any other address.

// isInternal reports whether a clean path is an internal one of the site.
func (s *Site) isInternal(path string) bool {
	_, _, found := s.internal(path)
	return found
}

// internal returns the directory of the longest internal path that a clean path begins with, and where the rest begins.
func (s *Site) internal(path string) (dir string, end int, found bool) {
	for i := range s.Internal {
		prefix := strings.TrimRight(s.Internal[i].Path, "/")
		for _, below := range [...]string{"", s.prefix} {
			if !isSegment(path, below) || !isSegment(path[len(below):], prefix) {
				continue
			}
			if n := len(below) + len(prefix); !found || n > end {
				dir, end, found = s.Internal[i].Directory, n, true
			}
		}
	}
	return dir, end, found
}

// concealDirectory keeps the files of a directory from clients, if it is below the root. The names count as they are
// configured and as they are without symbolic links.
func (s *Site) concealDirectory(dir string) {
	for _, root := range []string{s.root, real(s.root)} {
		for _, dir := range []string{trimRoot(dir), real(dir)} {
			if below, ok := strings.CutPrefix(dir, root+"/"); ok {
				s.concealed = append(s.concealed, "/"+below)
			}
		}
	}
}

// real returns a directory's name without symbolic links, or as it is if that cannot be found out.
func real(dir string) string {
	if name, err := filepath.EvalSymlinks(dir); err == nil {
		dir = name
	}
	return trimRoot(dir)
}

// conceals reports whether a file, by its path below the root, is one of an internal path's directory.
func (s *Site) conceals(file string) bool {
	for _, dir := range s.concealed {
		if isSegment(file, dir) {
			return true
		}
	}
	return false
}
