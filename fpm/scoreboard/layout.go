// Counterpart: sapi/fpm/fpm/fpm_scoreboard.h (fpm_scoreboard_s, fpm_scoreboard_proc_s)

package scoreboard

import (
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/phpsapi/phpsapi/fpm/tracecontext"
)

// Sizes of the texts, in bytes, with the NUL that ends them.
const (
	poolSize   = 32
	pmSize     = 16
	methodSize = 16
	uriSize    = 512
	querySize  = 2048
	userSize   = 32
	scriptSize = 256
	idSize     = 64
	hostSize   = 128
	targetSize = 512
	clientSize = 48

	shortURISize   = 128 // of a request that is not Long
	shortQuerySize = 512
)

// reportPages is how many pages for a report follow a worker's own. They take memory only if there is a report.
const reportPages = 3

// ownPages is how many pages a worker's page and that of its tally are, with the pages of sites, which take memory only if there are requests for them.
func ownPages(page int) int { return 1 + (int(unsafe.Sizeof(countPage{}))+page-1)/page }

const (
	wordSize    = 8
	maxSlots    = 1 << 20
	maxAttempts = 100 // of a reader
)

// slotPage is a worker's page. Each count is whole by itself; the rest is
// whole as its sequence count says.
type slotPage struct {
	ticket        uint64 // that of the master's table when the worker opened the slot
	requests      uint64
	connections   uint64
	slow          uint64
	peak          uint64 // most active workers this one saw
	memoryPeak    uint64 // most memory that a request of this one needed, bytes
	ownMemory     uint64 // in worker mode: the process's own, bytes; when it was first measured, and after how many requests
	firstMemory   uint64
	firstRequests uint64
	http          uint64 // see Slot.HTTP: the state, and above it the listener
	spoke         int64  // ns of CLOCK_MONOTONIC
	report        uint64 // bytes of the report in the pages that follow; 0: there is none
	sent          uint64 // Sent
	seq           uint32
	keeps         uint32 // 1: a connection is kept, and idle
	data          slotData
}

// slotData is whole words, and the times come first: activity reads no further.
type slotData struct {
	stage         uint64
	updated       int64 // ns of CLOCK_MONOTONIC: see Proc
	accepted      int64 // ns of CLOCK_MONOTONIC
	acceptedEpoch int64
	duration      int64 // ns
	cpuUser       int64 // ns
	cpuSystem     int64 // ns
	memory        uint64
	contentLength uint64
	queued        int64 // ns; 0: not known
	trace         tracecontext.TraceID
	span, parent  tracecontext.SpanID
	traceFlags    uint64
	method        [methodSize]byte
	uri           [uriSize]byte
	query         [querySize]byte
	user          [userSize]byte
	script        [scriptSize]byte
	id            [idSize]byte
	host          [hostSize]byte
	target        [targetSize]byte
	client        [clientSize]byte
}

// activityWords is how much of slotData tells what a worker is doing.
const activityWords = 4

// poolPage is the master's, and followed by its table of slots and by the Sites of all workers that are gone.
type poolPage struct {
	seq         uint32
	_           uint32
	cachesUntil int64  // see Board.WatchCaches; whole by itself
	resets      uint64 // see Board.ResetDone; whole by itself
	data        poolData
	retired     tally      // of all workers that are gone
	caches      cachesPage // what the last of them that has asked the caches has known
}

type poolData struct {
	name               [poolSize]byte
	pm                 [pmSize]byte
	startEpoch         int64
	listenQueue        int64
	maxListenQueue     int64
	listenQueueLen     int64
	http               uint64 // 1: Pool.HTTP
	httpQueue          int64
	maxHTTPQueue       int64
	httpRefused        uint64
	httpBusy           int64
	parked             int64
	weight             int64
	started            uint64
	ended              [Causes]uint64
	maxChildrenReached uint64
	slow               uint64
	retiredRequests    uint64
	retiredConnections uint64
	retiredSlow        uint64
	retiredPeak        uint64
	retiredMemoryPeak  uint64
	workerMode         uint64 // WorkerMode.Kind
	booting            uint64
	bootTime           int64 // ns
	bootFailures       uint64
	restarts           [Reasons]uint64
}

// tableEntry is a slot in the master's table.
type tableEntry struct {
	ticket     uint64 // 0: vacant
	pid        int64
	startEpoch int64
	outputOpen uint64 // whole by itself
}

// The bits of outputOpen.
const (
	stdoutOpen = 1 << iota
	stderrOpen
)

const (
	entryWords = unsafe.Sizeof(tableEntry{}) / wordSize
	slotWords  = unsafe.Sizeof(slotData{}) / wordSize
	poolWords  = unsafe.Sizeof(poolData{}) / wordSize
)

// geometry is where things are in a memfd for that many slots.
type geometry struct{ slots, pageSize, sites, stride, slot0, size int }

func newGeometry(slots int) (geometry, error) {
	if slots < 1 || slots > maxSlots {
		return geometry{}, fmt.Errorf("scoreboard: %d slots: 1 to %d are possible", slots, maxSlots)
	}
	page := os.Getpagesize()
	sites := int(unsafe.Sizeof(poolPage{})) + slots*int(unsafe.Sizeof(tableEntry{}))
	slot0 := (sites + int(unsafe.Sizeof(Sites{})) + page - 1) / page * page
	stride := (ownPages(page) + reportPages) * page
	return geometry{slots: slots, pageSize: page, sites: sites, stride: stride, slot0: slot0, size: slot0 + slots*stride}, nil
}

// has reports whether there is a slot i.
func (g geometry) has(i int) bool { return i >= 0 && i < g.slots }

// at is where slot i's page is.
func (g geometry) at(i int) int { return g.slot0 + i*g.stride }

// load copies shared words, one by one so that each is whole.
func load(dst, src unsafe.Pointer, words uintptr) {
	d, s := unsafe.Slice((*uint64)(dst), words), unsafe.Slice((*uint64)(src), words)
	for i := range d {
		d[i] = atomic.LoadUint64(&s[i])
	}
}

// consistently runs read until nothing was written meanwhile; not for ever.
func consistently(seq *uint32, read func()) bool {
	for range maxAttempts {
		before := atomic.LoadUint32(seq)
		if before%2 != 0 {
			continue
		}
		read()
		if atomic.LoadUint32(seq) == before {
			return true
		}
	}
	return false
}

// put writes text as C has it, cut where it does not fit.
func put(field, text []byte) {
	n := copy(field[:len(field)-1], text)
	field[n] = 0
}

// get reads text up to its NUL, or the field's end.
func get(field []byte) string {
	for i, c := range field {
		if c == 0 {
			return string(field[:i])
		}
	}
	return string(field)
}

// Layout tells layouts of the memory apart: that of another version of this program may be another one.
func Layout() uint64 {
	h := fnv.New64a()
	for _, t := range []reflect.Type{reflect.TypeFor[slotPage](), reflect.TypeFor[poolPage](), reflect.TypeFor[tally](), reflect.TypeFor[countPage](), reflect.TypeFor[tableEntry](), reflect.TypeFor[Sites]()} {
		describe(h, t)
	}
	return h.Sum64()
}

func describe(w io.Writer, t reflect.Type) {
	fmt.Fprint(w, t.Kind(), t.Size())
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			fmt.Fprint(w, f.Name, f.Offset)
			describe(w, f.Type)
		}
	case reflect.Array:
		describe(w, t.Elem())
	}
}
