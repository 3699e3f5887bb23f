package sapi

import (
	"os/exec"
	"path/filepath"
)

// Binary finds PHP_BINARY: the absolute path under which the program was called as argv0. Unlike php it does not
// follow a symbolic link there, because the link's name decides which of php, php-cgi and php-fpm the program is.
// Empty if there is no such executable.
func Binary(argv0 string) string {
	path, err := exec.LookPath(argv0)
	if err != nil {
		return ""
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return ""
	}
	return path
}
