package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A sharedObject is a library of the system's.
type sharedObject struct {
	name    string          // what the loader looks for, such as libcurl.so.4
	file    string          // where it is
	pkg     string          // the Debian package that has it; empty if there is none
	symbols map[string]bool // those that it defines, and which of them are objects
}

// loaded are the files of libraries that a linker finds by a script, or by none of their own.
var loaded = map[string]string{"c": "libc.so.6", "m": "libm.so.6", "gcc_s": "libgcc_s.so.1", "rt": "librt.so.1", "dl": "libdl.so.2"}

// sharedLibrary returns the library that the linker is told of by an argument such as -lcurl.
func sharedLibrary(argument string) (sharedObject, error) {
	name := strings.TrimPrefix(argument, "-l")
	if file, ok := loaded[name]; ok {
		return libraryFile(file)
	}
	return libraryFile("lib" + name + ".so")
}

// compilersLibrary returns the archive of what the compiler calls in place of instructions, such as the tables of what the processor can do. An
// object gets what it needs of it as its own.
func compilersLibrary() (string, error) {
	said, err := exec.Command("cc", "-print-libgcc-file-name").Output()
	if err != nil {
		return "", fmt.Errorf("cc: %w", err)
	}
	return strings.TrimSpace(string(said)), nil
}

// linkerInput is the library that a script for the linker, which may stand in a library's place, names first.
var linkerInput = regexp.MustCompile(`INPUT\s*\(\s*([^\s()]+)`)

// libraryFile returns the library in a file of the linker's directories.
func libraryFile(name string) (sharedObject, error) {
	var shared sharedObject
	said, err := exec.Command("cc", "-print-file-name="+name).Output()
	if err != nil {
		return shared, fmt.Errorf("cc: %w", err)
	}
	path := strings.TrimSpace(string(said))
	file, err := elf.Open(path)
	if err != nil {
		text, _ := os.ReadFile(path)
		if input := linkerInput.FindSubmatch(text); input != nil && string(input[1]) != name {
			return libraryFile(string(input[1]))
		}
		return shared, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	names, err := file.DynString(elf.DT_SONAME)
	if err != nil || len(names) != 1 {
		return shared, fmt.Errorf("%s has no name for the loader", path)
	}
	shared.name, shared.file = names[0], filepath.Join(filepath.Dir(filepath.Clean(path)), names[0])
	if shared.symbols, err = defined(path); err != nil {
		return shared, err
	}
	if !exists(shared.file) { // the loader finds it elsewhere
		shared.file, err = filepath.EvalSymlinks(path)
	}
	shared.pkg = debianPackage(shared.file)
	return shared, err
}

// debianPackage returns the Debian package that a file is of; empty if it is of none. dpkg knows some files by their place before /lib
// became a link to /usr/lib.
func debianPackage(file string) string {
	for _, name := range []string{file, strings.TrimPrefix(file, "/usr"), "/usr" + file} {
		said, _ := exec.Command("dpkg-query", "-S", name).Output()
		if pkg, _, found := strings.Cut(string(said), ":"); found {
			return pkg
		}
	}
	return ""
}

// system returns what the machine that the program is built on calls itself, such as Debian GNU/Linux 12 (bookworm).
func system() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); found {
			return strings.Trim(name, `"'`)
		}
	}
	return "the system that this program was built on"
}
