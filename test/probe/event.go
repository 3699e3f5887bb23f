package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Counter counts events of one kind. The threads that it counts for are those that the process had when it was made.
type Counter struct {
	events []*event
	read   func(*event, map[string]int) error
}

// event is a perf event of one thread.
type event struct {
	name string
	fd   int
	ring []byte // nil: it only counts
}

// Count returns how often each event has occurred during do, by name. It may be called again.
func (c *Counter) Count(do func() error) (map[string]int, error) {
	for _, e := range c.events {
		if err := e.begin(); err != nil {
			return nil, err
		}
	}
	failed := do()
	counts := map[string]int{}
	for _, e := range c.events {
		if err := unix.IoctlSetInt(e.fd, unix.PERF_EVENT_IOC_DISABLE, 0); err != nil {
			return nil, err
		}
	}
	for _, e := range c.events {
		if err := c.read(e, counts); err != nil {
			return nil, err
		}
	}
	return counts, failed
}

// Close gives up what the Counter has of the kernel.
func (c *Counter) Close() {
	for _, e := range c.events {
		if e.ring != nil {
			unix.Munmap(e.ring)
		}
		unix.Close(e.fd)
	}
	c.events = nil
}

// open adds an event of each thread of a process.
func (c *Counter) open(pid int, name string, attr *unix.PerfEventAttr, ringPages int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) == 0 {
		return fmt.Errorf("process %d has no threads: %w", pid, errors.Join(err, os.ErrNotExist))
	}
	attr.Size = uint32(unsafe.Sizeof(*attr))
	attr.Bits = unix.PerfBitDisabled
	for _, thread := range threads {
		tid, err := strconv.Atoi(filepath.Base(thread))
		if err != nil {
			return err
		}
		fd, err := unix.PerfEventOpen(attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			return fmt.Errorf("perf_event_open(2) for %s: %w", name, err)
		}
		e := &event{name: name, fd: fd}
		c.events = append(c.events, e)
		if ringPages > 0 {
			if e.ring, err = unix.Mmap(fd, 0, (1+ringPages)*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
				return fmt.Errorf("mmap(2) of a perf event: %w", err)
			}
		}
	}
	return nil
}

// begin forgets what has been counted, and counts.
func (e *event) begin() error {
	if e.ring != nil {
		head, tail := e.ends()
		atomic.StoreUint64(tail, atomic.LoadUint64(head))
	}
	if err := unix.IoctlSetInt(e.fd, unix.PERF_EVENT_IOC_RESET, 0); err != nil {
		return err
	}
	return unix.IoctlSetInt(e.fd, unix.PERF_EVENT_IOC_ENABLE, 0)
}

// count returns how often the event has occurred.
func (e *event) count() (int, error) {
	var b [8]byte
	if _, err := unix.Read(e.fd, b[:]); err != nil {
		return 0, err
	}
	return int(binary.NativeEndian.Uint64(b[:])), nil
}

// ends are the places that tell up to where the kernel has written the ring, and up to where it has been read.
func (e *event) ends() (head, tail *uint64) {
	page := (*unix.PerfEventMmapPage)(unsafe.Pointer(&e.ring[0]))
	return &page.Data_head, &page.Data_tail
}

// samples calls use with the raw data of each sample since begin.
func (e *event) samples(use func(data []byte)) error {
	missing, err := e.count()
	if err != nil {
		return err
	}
	headAt, tailAt := e.ends()
	head, tail := atomic.LoadUint64(headAt), atomic.LoadUint64(tailAt)
	data := e.ring[os.Getpagesize():]
	size := uint64(len(data))
	record := make([]byte, 0, 1<<16)
	for tail < head {
		at := func(n uint64) byte { return data[(tail+n)%size] }
		kind := uint32(at(0)) | uint32(at(1))<<8
		length := uint64(at(6)) | uint64(at(7))<<8
		record = record[:0]
		for i := uint64(8); i < length; i++ {
			record = append(record, at(i))
		}
		tail += length
		if kind == unix.PERF_RECORD_SAMPLE { // the size of the raw data, and that
			use(record[4:])
			missing--
		}
	}
	if missing > 0 {
		return fmt.Errorf("%s are too many to be counted at once: %d were lost", e.name, missing)
	}
	return nil
}
