package front

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/front/upstream"
)

// target is what a path is: one of a file, a script, another location, or an error's status.
type target struct {
	file     string // absolute
	script   upstream.Script
	location string
	status   int
}

// entry is what stat(2) says of a path.
type entry int

const (
	missing entry = iota
	regular
	directory
	forbidden
	other // a device, a socket, a pipe
)

// look asks for a file of the site by a path below its root. Symbolic links are followed wherever they lead: who may
// make them below the root may say what is served.
func (s *site) look(path string) entry {
	var st unix.Stat_t
	for {
		err := unix.Stat(s.root+path, &st)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EACCES, unix.EPERM:
			return forbidden
		default:
			return missing
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			return regular
		case unix.S_IFDIR:
			return directory
		}
		return other
	}
}

// route finds out what a clean path is that the site answers, and whether it may be sent.
func (s *site) route(path string) target {
	t := s.find(path)
	switch {
	case t.file != "":
		file := t.file[len(s.root):]
		if s.conceals(file) || s.withholds(file) {
			return target{status: http.StatusNotFound}
		}
		if s.access.denies(file) {
			return target{status: http.StatusForbidden}
		}
	case t.script.Name != "":
		if s.access.denies(t.script.Filename[len(s.root):]) {
			return target{status: http.StatusForbidden}
		}
	}
	return t
}

// find finds out what a clean path is: the script in it, else the file, else the directory's index, else the controller.
func (s *site) find(path string) target {
	rest := path[len(s.prefix):]
	if t, ok := s.scriptIn(rest); ok {
		return t
	}
	if isHidden(rest) {
		return target{status: http.StatusNotFound}
	}
	if strings.HasSuffix(rest, "/") {
		if t, ok := s.index(rest); ok {
			return t
		}
		return s.control(rest)
	}
	switch s.look(rest) {
	case regular:
		if s.isSource(rest) {
			return target{status: http.StatusNotFound}
		}
		return target{file: s.root + rest}
	case directory:
		if t, ok := s.index(rest + "/"); ok && t.status == 0 {
			return target{location: (&url.URL{Path: path + "/"}).EscapedPath()}
		}
	case forbidden:
		return target{status: http.StatusForbidden}
	case other:
		return target{status: http.StatusNotFound}
	}
	return s.control(rest)
}

// scriptIn finds the first segment that is a script, so that what is behind it is PATH_INFO. ok is false where there is
// none.
func (s *site) scriptIn(rest string) (t target, ok bool) {
	for end := 1; end <= len(rest); end++ {
		if end < len(rest) && rest[end] != '/' || !s.isScript(rest[:end]) {
			continue
		}
		switch s.look(rest[:end]) {
		case regular:
			if isHidden(rest[:end]) {
				return target{status: http.StatusNotFound}, true
			}
			return s.script(rest[:end], rest[end:]), true
		case forbidden:
			return target{status: http.StatusForbidden}, true
		case missing: // and so is what would be below it, however often it is named
			return target{}, false
		}
	}
	return target{}, false
}

// isScript says whether a pool runs files of this name.
func (s *site) isScript(name string) bool {
	for _, e := range s.Extensions {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}

// index is the index of a directory, whose path ends in a slash. ok is false where it has none.
func (s *site) index(dir string) (t target, ok bool) {
	for _, name := range s.Index {
		switch s.look(dir + name) {
		case regular:
			if s.isScript(name) {
				return s.script(dir+name, ""), true
			}
			if !s.isSource(name) {
				return target{file: s.root + dir + name}, true
			}
		case forbidden:
			return target{status: http.StatusForbidden}, true
		}
	}
	return target{}, false
}

// control gives the path to the site's controller.
func (s *site) control(rest string) target {
	if s.Controller == "" {
		return target{status: http.StatusNotFound}
	}
	name := "/" + s.Controller
	if s.look(name) != regular {
		return target{status: http.StatusNotFound}
	}
	return s.script(name, rest)
}

func (s *site) script(name, pathInfo string) target {
	return target{script: upstream.Script{
		DocumentRoot: cmp.Or(s.root, "/"),
		Filename:     s.root + name,
		Name:         s.prefix + name,
		PathInfo:     pathInfo,
	}}
}
