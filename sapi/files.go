package sapi

import (
	"fmt"
	"syscall"
)

// NeedFiles returns an error if the process cannot open so many more files. Go's runtime ends a process that has none
// left for its own with a trace.
func NeedFiles(count int) error {
	for range count {
		fd, err := syscall.Open("/", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			var limit syscall.Rlimit
			syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
			return fmt.Errorf("%w: the limit is %d, and %d more are needed (ulimit -n)", err, limit.Cur, count)
		}
		defer syscall.Close(fd)
	}
	return nil
}
