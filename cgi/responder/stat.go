package responder

import (
	"bytes"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// statter asks for files, without allocating.
type statter struct {
	base time.Time // since when the times of seen count
	home func()    // goes to the process's own directory, which relative paths are of
	seen [1 << seenBits]seen
	info unix.Stat_t
	path [unix.PathMax]byte
}

// seen is a file that was there. Like php-fpm, whose realpath cache keeps it for 120 seconds, a worker need not ask for
// the same script at each request; that one is gone shows when it is opened.
type seen struct {
	path  []byte
	until time.Duration
}

const (
	seenBits = 4
	seenFor  = 2 * time.Second
)

// stat reports whether there is a file of this path, and whether it is a regular one. Only of regular files it says so
// from memory.
func (s *statter) stat(path []byte) (exists, regular bool) {
	if len(path) >= len(s.path) {
		return false, false
	}
	known := &s.seen[hash(path)]
	if bytes.Equal(known.path, path) && time.Since(s.base) < known.until {
		return true, true
	}
	if len(path) == 0 || path[0] != '/' {
		s.home()
	}
	s.path[copy(s.path[:], path)] = 0
	_, _, errno := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(unix.AT_FDCWD&(1<<64-1)), uintptr(unsafe.Pointer(&s.path[0])),
		uintptr(unsafe.Pointer(&s.info)), 0, 0, 0)
	exists = errno == 0
	regular = exists && s.info.Mode&unix.S_IFMT == unix.S_IFREG
	if regular && path[0] == '/' {
		known.path = append(known.path[:0], path...)
		known.until = time.Since(s.base) + seenFor
	}
	return exists, regular
}

// hash is a place in statter.seen.
func hash(path []byte) int {
	h := uint32(2166136261) // FNV-1a
	for _, c := range path {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h >> (32 - seenBits))
}
