package zygote

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Name is what ps -C and pidof call this process: the file that was executed. Processes that it executes are given the
// same name, whatever file they are of.
func Name() string {
	if text, err := os.ReadFile("/proc/self/comm"); err == nil { // the main thread's, which may have been given it later
		return strings.TrimSuffix(string(text), "\n")
	}
	var name [16]byte
	if unix.Prctl(unix.PR_GET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0, 0) != nil {
		return ""
	}
	text, _, _ := strings.Cut(string(name[:]), "\x00")
	return text
}
