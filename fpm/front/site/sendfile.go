package site

import (
	"net/url"
	"path/filepath"
	"strings"
)

// NamedPath returns the file that a script names by a header, X-Sendfile or X-Accel-Redirect; "": none that may be sent.
func (s *Site) NamedPath(header, value string) string {
	if header == "X-Sendfile" {
		return s.sendfilePath(value)
	}
	return s.accelPath(value)
}

// sendfilePath returns the file that X-Sendfile names; "": none that may be sent.
func (s *Site) sendfilePath(name string) string {
	if !filepath.IsAbs(name) || strings.IndexByte(name, 0) >= 0 {
		return ""
	}
	path := s.chroot + filepath.Clean(name)
	for _, dir := range s.sendable {
		if isSegment(path, dir) && !isHidden(path[len(dir):]) && !s.isSource(path) {
			return path
		}
	}
	return ""
}

// accelPath returns the file of the address that X-Accel-Redirect names; "": none that may be sent. A query is of no meaning to a file.
func (s *Site) accelPath(name string) string {
	name, _, _ = strings.Cut(name, "?")
	decoded, err := url.PathUnescape(name)
	if err != nil {
		return ""
	}
	path, err := CleanPath(decoded)
	if err != nil || isHidden(path) || s.isSource(path) {
		return ""
	}
	dir, end, found := s.internal(path)
	switch {
	case found && (end > len(s.prefix) || !isSegment(path, s.prefix)):
		return trimRoot(dir) + path[end:]
	case isSegment(path, s.prefix):
		return s.root + path[len(s.prefix):]
	}
	return ""
}
