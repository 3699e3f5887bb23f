package engines

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Libraries returns the paths of all libphps that are found: in the directories of libraries, and beside the machine's php.
// A library with several names has the one that tells its version.
func (m Machine) Libraries() []string {
	type library struct{ file, name string }
	if m.OfProgram != "" {
		return []string{OfProgram} // no other can be loaded
	}
	var found []library
	add := func(path string) {
		file, there := m.follow(path, func(string) bool { return false })
		if !there || !m.isFile(file) {
			return
		}
		if i := slices.IndexFunc(found, func(l library) bool { return l.file == file }); i >= 0 {
			if version(found[i].name) == "" && version(path) != "" {
				found[i].name = path
			}
			return
		}
		found = append(found, library{file, path})
	}
	for _, dir := range m.libraryDirs() {
		entries, _ := os.ReadDir(m.Root + dir)
		for _, entry := range entries {
			if name := entry.Name(); name == "libphp.so" || version(name) != "" {
				add(filepath.Join(dir, name))
			}
		}
	}
	if beside := m.php().library; beside != "" {
		add(beside)
	}
	var paths []string
	for _, l := range found {
		paths = append(paths, l.name)
	}
	return paths
}

// version returns the version that the name of a libphp has, such as 8.4 of libphp8.4.so; empty if it has none.
func version(library string) string {
	name, found := strings.CutPrefix(filepath.Base(library), "libphp")
	text, ends := strings.CutSuffix(name, ".so")
	if !found || !ends || !IsVersion(text) {
		return ""
	}
	return text
}
