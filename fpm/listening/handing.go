package listening

import (
	"os"

	"golang.org/x/sys/unix"
)

// Handing are the ends of the two socket pairs by which workers that speak HTTP and fronts give each other connections. The master
// keeps them to its end: what was sent survives the processes at either end.
type Handing struct {
	ToFront, FromWorkers *os.File
	ToWorkers, Untaken   *os.File
}

// handingBuffer is how much may wait in such a pair, in bytes.
const handingBuffer = 4 << 20

// NewHanding makes the two pairs.
func NewHanding() (*Handing, error) {
	h := &Handing{}
	for _, pair := range []struct{ to, from **os.File }{{&h.ToFront, &h.FromWorkers}, {&h.ToWorkers, &h.Untaken}} {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			h.Close()
			return nil, err
		}
		if unix.SetsockoptInt(ends[0], unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, handingBuffer) != nil {
			unix.SetsockoptInt(ends[0], unix.SOL_SOCKET, unix.SO_SNDBUF, handingBuffer)
		}
		*pair.to, *pair.from = os.NewFile(uintptr(ends[0]), "handing over"), os.NewFile(uintptr(ends[1]), "handing over")
	}
	return h, nil
}

// ends are those of the pairs, in the order in which they are left to another program.
func (h *Handing) ends() []**os.File {
	return []**os.File{&h.ToFront, &h.FromWorkers, &h.ToWorkers, &h.Untaken}
}

// Close closes the ends. h may be nil.
func (h *Handing) Close() {
	if h == nil {
		return
	}
	for _, end := range h.ends() {
		if *end != nil {
			(*end).Close()
		}
	}
}
