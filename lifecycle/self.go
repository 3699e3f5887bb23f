package lifecycle

/*
#include "boot.h"
*/
import "C"

import (
	"os"
	"path/filepath"
)

// Self returns the program's own executable, with every symbolic link followed. It is empty if that is not known.
func Self() string {
	path, err := os.Executable()
	if err == nil {
		return path
	}
	// Without /proc there is the path that exec was called with.
	if path = C.GoString(C.boot_executable()); path == "" {
		return ""
	}
	if path, err = filepath.Abs(path); err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return ""
	}
	return path
}
