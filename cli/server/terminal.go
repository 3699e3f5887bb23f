package server

import (
	"syscall"
	"unsafe"
)

// IsTerminal reports whether a descriptor is a terminal. The log on a terminal is colored if cli_server.color is set.
func IsTerminal(fd int) bool {
	var attributes syscall.Termios
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TCGETS, uintptr(unsafe.Pointer(&attributes)))
	return errno == 0
}
