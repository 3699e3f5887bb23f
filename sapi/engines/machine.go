package engines

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Machine is where PHPs are looked for.
type Machine struct {
	Root        string // the directory that stands for /; empty for / itself
	Path        string // PATH; empty for that of a system without one
	LibraryPath string // LD_LIBRARY_PATH
	Self        string // this program's file, every symbolic link followed
	OfProgram   string // the version of the PHP that is a part of this program, such as 8.2.36; empty if it has none
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// This returns the machine that the process runs on. self is its program's file.
func This(self string) Machine {
	return Machine{Path: os.Getenv("PATH"), LibraryPath: os.Getenv("LD_LIBRARY_PATH"), Self: self}
}

// stockPHP is a php that the machine has.
type stockPHP struct {
	name    string // its path, or of a link to it the path that ends in a version; empty: there is none
	version string // what that ends in
	library string // the libphp beside a php whose name has no version
}

// php returns the first php in PATH that is not this program. Debian's is a link to /etc/alternatives/php, and that to
// /usr/bin/php8.4. A php that was installed elsewhere, /opt/php/bin/php, may have its libphp beside it, /opt/php/lib/libphp.so.
func (m Machine) php() stockPHP {
	search := m.Path
	if search == "" {
		search = defaultPath
	}
	for dir := range strings.SplitSeq(search, ":") {
		if !filepath.IsAbs(dir) {
			continue
		}
		name, there := m.follow(filepath.Join(dir, "php"), func(path string) bool { return NamedVersion(path) != "" })
		if !there {
			continue
		}
		if version := NamedVersion(name); version != "" {
			return stockPHP{name: name, version: version}
		}
		if m.isSelf(name) || !m.isExecutable(name) {
			continue
		}
		php := stockPHP{name: name}
		if beside := filepath.Join(filepath.Dir(filepath.Dir(name)), "lib/libphp.so"); m.isFile(beside) {
			php.library = beside
		}
		return php
	}
	return stockPHP{}
}

// follow follows symbolic links, until one is enough, and reports whether there is something.
func (m Machine) follow(path string, enough func(path string) bool) (end string, there bool) {
	for range 40 { // as many as Linux follows
		target, err := os.Readlink(m.Root + path)
		if err != nil {
			return path, errors.Is(err, syscall.EINVAL) // not a link
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		if path = target; enough(path) {
			return path, true
		}
	}
	return path, false
}

// isSelf reports whether a file is phpsapi: this program or, by its name, another one.
func (m Machine) isSelf(path string) bool {
	if strings.HasPrefix(filepath.Base(path), "phpsapi") {
		return true
	}
	file, err := os.Stat(m.Root + path)
	self, wrong := os.Stat(m.Self)
	return err == nil && wrong == nil && os.SameFile(file, self)
}

func (m Machine) isExecutable(path string) bool {
	info, err := os.Stat(m.Root + path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func (m Machine) isFile(path string) bool {
	info, err := os.Stat(m.Root + path)
	return err == nil && info.Mode().IsRegular()
}

// libraryName is the name that Debian gives libphp of a version. The loader's cache does not know it (the library calls
// itself libphp.so), so that a search for it looks into some forty directories.
func libraryName(version string) string { return "libphp" + version + ".so" }

// library returns the path of a version's libphp; empty if it is not in any of the directories.
func (m Machine) library(version string) string {
	name := libraryName(version)
	if path := filepath.Join(debianDir, name); m.isFile(path) {
		return path
	}
	for _, dir := range m.libraryDirs() {
		if path := filepath.Join(dir, name); m.isFile(path) {
			return path
		}
	}
	return ""
}

// debianDir is where Debian's packages have libphp.
const debianDir = "/usr/lib"

// libraryDirs are the directories where the loader and the distributions have libraries, in the order of a search.
func (m Machine) libraryDirs() []string {
	var dirs []string
	for dir := range strings.SplitSeq(m.LibraryPath, ":") {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	multiarch := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	for _, dir := range []string{"/usr/local/lib", "/usr/local/lib/" + multiarch, "/usr/lib/" + multiarch, debianDir, "/usr/lib64"} {
		dirs = append(dirs, filepath.Clean(dir))
	}
	return dirs
}
