// Counterpart: sapi/fpm/fpm/fpm_shm.c

package scoreboard

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

// create makes a memfd that keeps its size.
func create(size int) (*os.File, error) {
	fd, err := unix.MemfdCreate("scoreboard", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("scoreboard: memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "scoreboard")
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		f.Close()
		return nil, fmt.Errorf("scoreboard: ftruncate to %d bytes: %w", size, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals|unix.F_SEAL_SEAL); err != nil {
		f.Close()
		return nil, fmt.Errorf("scoreboard: seal: %w", err)
	}
	return f, nil
}

// check refuses a descriptor whose memory could be too small, or become so.
func check(fd, size int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("scoreboard: fstat of descriptor %d: %w", fd, err)
	}
	if st.Size != int64(size) {
		return fmt.Errorf("scoreboard: descriptor %d has %d bytes, want %d", fd, st.Size, size)
	}
	if got, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil || got&seals != seals {
		return fmt.Errorf("scoreboard: descriptor %d is not sealed (%d, %v)", fd, got, err)
	}
	return nil
}

// mapAll maps everything for reading. Where there is a /proc it does so through
// a descriptor for reading, so that no mprotect(2) makes it writable.
func mapAll(fd, size int) ([]byte, error) {
	if ro, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		defer unix.Close(ro)
		fd = ro
	}
	b, err := mapPart(fd, 0, size, unix.PROT_READ)
	if err != nil {
		return nil, fmt.Errorf("scoreboard: mmap of %d bytes: %w", size, err)
	}
	return b, nil
}

// mapOwn maps a part for writing.
func mapOwn(fd, at, size int) ([]byte, error) {
	b, err := mapPart(fd, at, size, unix.PROT_READ|unix.PROT_WRITE)
	if err != nil {
		return nil, fmt.Errorf("scoreboard: mmap of %d bytes at %d for writing: %w", size, at, err)
	}
	return b, nil
}

// mapPart maps a part. unix.Mmap would note it in a table of Go's, of which each worker had its own.
func mapPart(fd, at, size, protection int) ([]byte, error) {
	p, err := unix.MmapPtr(fd, int64(at), nil, uintptr(size), protection, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), size), nil
}

// unmap takes back what mapPart did.
func unmap(b []byte) error {
	return unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}
