package handover

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A fingerprint tells a file from another, or from a later state of itself. The zero one is that of no file.
type fingerprint struct {
	device, inode    uint64
	size             int64
	changed, written syscall.Timespec
}

func fingerprintOf(path string) fingerprint {
	var stat syscall.Stat_t
	if syscall.Stat(path, &stat) != nil {
		return fingerprint{}
	}
	return fingerprint{stat.Dev, stat.Ino, stat.Size, stat.Ctim, stat.Mtim}
}

// watched are files, and what they were.
type watched map[string]fingerprint

func watch(paths []string) watched {
	w := watched{}
	for _, path := range paths {
		w[path] = fingerprintOf(path)
	}
	return w
}

// changed reports whether one of the files is another now.
func (w watched) changed() bool {
	for path, then := range w {
		if fingerprintOf(path) != then {
			return true
		}
	}
	return false
}

// iniFiles are the files that a module's settings come from, and those that would be read if they were there: php.ini
// under both of its names in every place it is looked for, the directories of further .ini files, and these.
func iniFiles(name, path, scanDir string) []string {
	var files []string
	for _, place := range strings.Split(path, ":") {
		switch info, err := os.Stat(place); {
		case place == "":
		case err == nil && info.IsDir():
			files = append(files, filepath.Join(place, "php-"+name+".ini"), filepath.Join(place, "php.ini"))
		default:
			files = append(files, place)
		}
	}
	for _, dir := range strings.Split(scanDir, ":") {
		if dir == "" {
			continue
		}
		files = append(files, dir)
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), ".ini") {
				files = append(files, filepath.Join(dir, entry.Name()))
			}
		}
	}
	return files
}

// variablesIn are the names of the variables that .ini files refer to as ${NAME}.
func variablesIn(files []string) []string {
	var names []string
	for _, file := range files {
		text, _ := os.ReadFile(file) // of a directory: nothing
		for _, rest := range strings.Split(string(text), "${")[1:] {
			if name, _, found := strings.Cut(rest, "}"); found {
				name, _, _ = strings.Cut(name, ":-")
				names = append(names, name)
			}
		}
	}
	return names
}
