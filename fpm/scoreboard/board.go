// Counterpart: sapi/fpm/fpm/fpm_scoreboard.c (fpm_scoreboard_init_main, fpm_scoreboard_proc_alloc, fpm_scoreboard_proc_free)

package scoreboard

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Board is a pool's scoreboard as the master has it. It is for one goroutine
// at a time, its Reader included. Which slots are whose is the master's own
// knowledge: a Board never searches for a free one.
type Board struct {
	*Reader
	file  *os.File
	own   []byte
	last  uint64 // the last ticket given
	taken []tableEntry
	pool  poolData
}

// Create makes a pool's scoreboard. Its descriptor is closed on exec.
func Create(slots int) (*Board, error) {
	g, err := newGeometry(slots)
	if err != nil {
		return nil, err
	}
	f, err := create(g.size)
	if err != nil {
		return nil, err
	}
	b := &Board{file: f, taken: make([]tableEntry, slots)}
	if b.Reader, err = OpenReader(int(f.Fd()), slots); err != nil {
		f.Close()
		return nil, err
	}
	if b.own, err = mapOwn(int(f.Fd()), 0, g.slot0); err != nil {
		b.Reader.Close()
		f.Close()
		return nil, err
	}
	return b, nil
}

// File returns the descriptor to pass to workers. It stays the Board's.
func (b *Board) File() *os.File { return b.file }

// Close unmaps the master's part, unless it is closed: something else may be mapped there by then. Workers that have it mapped keep theirs.
func (b *Board) Close() error {
	if err := b.file.Close(); err != nil {
		return err
	}
	unmap(b.own)
	b.Reader.Close()
	return nil
}

// Publish tells readers of the pool.
func (b *Board) Publish(p Pool) {
	d := &b.pool
	put(d.name[:], []byte(p.Name))
	put(d.pm[:], []byte(p.PM))
	d.startEpoch = p.StartEpoch
	d.listenQueue, d.maxListenQueue, d.listenQueueLen = int64(p.ListenQueue), int64(p.MaxListenQueue), int64(p.ListenQueueLen)
	if d.http = 0; p.HTTP {
		d.http = 1
	}
	d.workerMode = uint64(p.WorkerMode.Kind)
	d.booting, d.bootTime, d.bootFailures = uint64(p.WorkerMode.Booting), int64(p.WorkerMode.BootTime), p.WorkerMode.Failures
	d.restarts = p.WorkerMode.Restarts
	d.httpQueue, d.maxHTTPQueue, d.httpRefused = int64(p.HTTPQueue), int64(p.MaxHTTPQueue), p.HTTPRefused
	d.weight = p.Weight
	d.httpBusy, d.parked, d.started, d.ended = int64(p.HTTPBusy), int64(p.Parked), p.Started, p.Ended
	d.maxChildrenReached, d.slow = p.MaxChildrenReached, p.Slow
	b.write(func(page *poolPage) { page.data = *d })
}

// Occupy gives slot i to a worker that is about to be forked. It panics if i is not a slot, or is occupied.
func (b *Board) Occupy(i int) {
	if b.taken[i].ticket != 0 {
		panic("BUG: scoreboard slot is occupied")
	}
	b.last++
	b.OutputOpen(i, false, false)
	b.setEntry(i, tableEntry{ticket: b.last, startEpoch: time.Now().Unix()})
}

// SetPid tells readers the pid of the worker in slot i.
func (b *Board) SetPid(i, pid int) {
	e := b.taken[i]
	e.pid = int64(pid)
	b.setEntry(i, e)
}

// OutputOpen tells slot i's worker of which pipe the log may have output that nothing has ended yet. Any goroutine may
// call it, from Occupy to Vacate.
func (b *Board) OutputOpen(i int, stdout, stderr bool) {
	word := uint64(0)
	if stdout {
		word |= stdoutOpen
	}
	if stderr {
		word |= stderrOpen
	}
	atomic.StoreUint64(&b.ownEntry(i).outputOpen, word)
}

// Vacate takes slot i back from a worker that is gone, or that was never
// forked, and returns the last that can be read of it. What the worker counted
// stays in the Totals. A vacant slot stays so.
func (b *Board) Vacate(i int) (last Proc) {
	e := b.taken[i]
	if e.ticket == 0 {
		return last
	}
	var counted *countPage
	b.Snapshot(i, &last)
	if p := b.slotPage(i); atomic.LoadUint64(&p.ticket) == e.ticket {
		requests, connections, slow := p.counts()
		d := &b.pool
		d.retiredRequests += requests
		d.retiredConnections += connections
		d.retiredSlow += slow
		d.retiredPeak = max(d.retiredPeak, uint64(clamp(atomic.LoadUint64(&p.peak), b.slots)))
		d.retiredMemoryPeak = max(d.retiredMemoryPeak, atomic.LoadUint64(&p.memoryPeak))
		counted = b.countPage(i)
		b.keepCaches(i)
	}
	b.change(i, tableEntry{}, counted)
	return last
}

func (b *Board) setEntry(i int, e tableEntry) { b.change(i, e, nil) }

// change writes the table and the retired counts in one change, so that no
// reader counts a worker's requests twice or not at all. counted is what the
// worker that is gone has counted; nil: nothing.
func (b *Board) change(i int, e tableEntry, counted *countPage) {
	b.taken[i] = e
	b.write(func(page *poolPage) {
		page.data = b.pool
		if counted != nil {
			page.retired.add(&counted.tally)
			b.retiredSites().add(&counted.sites)
		}
		to := b.ownEntry(i)
		to.pid, to.startEpoch = e.pid, e.startEpoch
		atomic.StoreUint64(&to.ticket, e.ticket)
	})
}

// retiredSites is that of all workers that are gone, to write.
func (b *Board) retiredSites() *Sites { return (*Sites)(unsafe.Pointer(&b.own[b.sites])) }

// ownEntry is slot i's in the table, to write.
func (b *Board) ownEntry(i int) *tableEntry { return (*tableEntry)(unsafe.Pointer(&b.own[tableAt(i)])) }

func (b *Board) write(change func(*poolPage)) {
	page := (*poolPage)(unsafe.Pointer(&b.own[0]))
	atomic.AddUint32(&page.seq, 1)
	change(page)
	atomic.AddUint32(&page.seq, 1)
}

// ForReading returns a descriptor of the scoreboard by which it can only be
// read. It is the caller's to close.
func (b *Board) ForReading() (*os.File, error) {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", b.File().Fd()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("scoreboard: a descriptor for reading: %w", err)
	}
	return os.NewFile(uintptr(fd), "scoreboard"), nil
}
