package logfile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// descriptor returns the number of the descriptor of this process that a path names, through links if need be; -1 if it
// names none.
func descriptor(path string) int {
	const mostLinks = 40
	for range mostLinks {
		dir, name := filepath.Split(path)
		switch strings.TrimRight(dir, "/") {
		case "/proc/self/fd", "/dev/fd", "/proc/thread-self/fd", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd":
			if n, err := strconv.Atoi(name); err == nil && n >= 0 {
				return n
			}
			return -1
		}
		target, err := os.Readlink(path)
		if err != nil {
			return -1
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return -1
}
