package site

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Target is what a path is: one of a file, a script, another location, or an error's status.
type Target struct {
	File     string // absolute
	Script   Script
	Location string // without a query
	Status   int
	// Remark stands for a message about the answer if the sites have no log: a text that differs for each message; "": no message.
	Remark string
}

// Script is the script that answers a request. Paths are the front's own: a pool's chroot is taken off when it is asked.
type Script struct {
	DocumentRoot string // DOCUMENT_ROOT
	Filename     string // SCRIPT_FILENAME, absolute
	Name         string // SCRIPT_NAME
	PathInfo     string // PATH_INFO; "": none
}

// ---- the path ----

var (
	errNul   = errors.New("NUL in the path")
	errAbove = errors.New("the path leads above the root")
)

// CleanPath makes the path of a URL, already decoded, one that leads straight from the root: no empty segments, no "."
// and no "..". A slash at the end stays, as it says that a directory is meant. An encoded slash is one like others.
func CleanPath(p string) (string, error) {
	if strings.IndexByte(p, 0) >= 0 {
		return "", errNul
	}
	if p == "" || p[0] != '/' {
		return "", errAbove
	}
	if isClean(p) {
		return p, nil
	}
	if leadsAbove(p) {
		return "", errAbove
	}
	cleaned := path.Clean(p)
	last := p[strings.LastIndexByte(p, '/')+1:]
	if cleaned != "/" && (last == "" || last == "." || last == "..") {
		cleaned += "/"
	}
	return cleaned, nil
}

// isClean reports whether no segment is empty, "." or "..", the one after the last slash apart, which may be empty.
func isClean(p string) bool {
	for i := 0; i < len(p); i++ {
		if p[i] != '/' || i+1 == len(p) {
			continue
		}
		rest := p[i+1:]
		if rest[0] == '/' {
			return false
		}
		if rest[0] == '.' && (isSegment(rest, ".") || isSegment(rest, "..")) {
			return false
		}
	}
	return true
}

// isSegment reports whether p's first segment is this one.
func isSegment(p, segment string) bool {
	return strings.HasPrefix(p, segment) && (len(p) == len(segment) || p[len(segment)] == '/')
}

// leadsAbove reports whether somewhere more segments have been left than entered.
func leadsAbove(p string) bool {
	depth := 0
	for segment := range strings.SplitSeq(p, "/") {
		switch segment {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// ---- what it means ----

// Route finds out what a clean path is that the site answers, and whether it may be sent.
func (s *Site) Route(path string) Target {
	t := s.find(path)
	switch {
	case t.File != "":
		file := t.File[len(s.root):]
		if s.conceals(file) {
			return Target{Status: http.StatusNotFound}
		}
		if withheld, remark := s.withholds(file); withheld {
			return Target{Status: http.StatusNotFound, Remark: remark}
		}
		denied, remark := s.access.denies(file)
		if denied {
			return Target{Status: http.StatusForbidden, Remark: remark}
		}
		t.Remark = remark
	case t.Script.Name != "":
		denied, remark := s.access.denies(t.Script.Filename[len(s.root):])
		if denied {
			return Target{Status: http.StatusForbidden, Remark: remark}
		}
		t.Remark = remark
	}
	return t
}

// find finds out what a clean path is: the script in it, else the file, else the directory's index, else the controller.
func (s *Site) find(path string) Target {
	rest := path[len(s.prefix):]
	if t, ok := s.scriptIn(rest); ok {
		return t
	}
	if isHidden(rest) {
		return Target{Status: http.StatusNotFound}
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
			return Target{Status: http.StatusNotFound}
		}
		return Target{File: s.root + rest}
	case directory:
		if t, ok := s.index(rest + "/"); ok && t.Status == 0 {
			return Target{Location: (&url.URL{Path: path + "/"}).EscapedPath()}
		}
	case forbidden:
		return Target{Status: http.StatusForbidden}
	case other:
		return Target{Status: http.StatusNotFound}
	}
	return s.control(rest)
}

// scriptIn finds the first segment that is a script, so that what follows it is PATH_INFO. ok is false if no segment is
// a script.
func (s *Site) scriptIn(rest string) (t Target, ok bool) {
	for end := 1; end <= len(rest); end++ {
		if end < len(rest) && rest[end] != '/' || !s.isScript(rest[:end]) {
			continue
		}
		switch s.look(rest[:end]) {
		case regular:
			if isHidden(rest[:end]) {
				return Target{Status: http.StatusNotFound}, true
			}
			return s.script(rest[:end], rest[end:]), true
		case forbidden:
			return Target{Status: http.StatusForbidden}, true
		case missing: // and so is what would be below it, however often it is named
			return Target{}, false
		}
	}
	return Target{}, false
}

// isScript reports whether a pool runs files of this name.
func (s *Site) isScript(name string) bool {
	for _, e := range s.Extensions {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}

// index is the index of a directory, whose path ends in a slash. ok is false if it has none.
func (s *Site) index(dir string) (t Target, ok bool) {
	for _, name := range s.Index {
		switch s.look(dir + name) {
		case regular:
			if s.isScript(name) {
				return s.script(dir+name, ""), true
			}
			if !s.isSource(name) {
				return Target{File: s.root + dir + name}, true
			}
		case forbidden:
			return Target{Status: http.StatusForbidden}, true
		}
	}
	return Target{}, false
}

// control returns the path to the site's controller.
func (s *Site) control(rest string) Target {
	if s.Controller == "" || s.look(s.controllerFile) != regular {
		return Target{Status: http.StatusNotFound}
	}
	t := s.controller
	t.Script.PathInfo = rest
	return t
}

func (s *Site) script(name, pathInfo string) Target {
	return Target{Script: Script{
		DocumentRoot: cmp.Or(s.root, "/"),
		Filename:     s.root + name,
		Name:         s.prefix + name,
		PathInfo:     pathInfo,
	}}
}

// wellKnown is the one directory with a dot that is not hidden (RFC 8615).
const wellKnown = "/.well-known"

// isHidden reports whether a clean path has a segment that begins with a dot.
func isHidden(p string) bool {
	if isSegment(p, wellKnown) {
		p = p[len(wellKnown):]
	}
	return strings.Contains(p, "/.")
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
func (s *Site) look(path string) entry {
	var st unix.Stat_t
	var memory [256]byte
	name := append(append(append(memory[:0], s.root...), path...), 0)
	dir := unix.AT_FDCWD
	for {
		_, _, err := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&st)), 0, 0, 0)
		switch err {
		case 0:
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

// StaysFile reports whether a clean path for which Route returned a file names that file for as long as it is a regular file and no .htaccess
// denies it. It does not if the path is a directory's or could be a script's.
func (s *Site) StaysFile(path string) bool {
	rest := path[len(s.prefix):]
	if strings.HasSuffix(rest, "/") {
		return false
	}
	for end := 1; end <= len(rest); end++ {
		if (end == len(rest) || rest[end] == '/') && s.isScript(rest[:end]) {
			return false
		}
	}
	return true
}

// IsDenied reports whether a .htaccess denies a file that Route has returned, or gives rise to a Target.Remark.
func (s *Site) IsDenied(file string) bool {
	denied, remark := s.access.denies(file[len(s.root):])
	return denied || remark != ""
}
