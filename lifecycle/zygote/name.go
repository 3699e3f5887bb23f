package zygote

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Name is what ps -C and pidof call this process: the file that was executed. Processes that it executes are given the
// same name, whatever file they are of.
func Name() string {
	var name [16]byte
	if unix.Prctl(unix.PR_GET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0, 0) != nil {
		return ""
	}
	text, _, _ := strings.Cut(string(name[:]), "\x00")
	return text
}
