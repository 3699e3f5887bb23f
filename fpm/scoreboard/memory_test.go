package scoreboard

import (
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestMemoryIsWrittenByItsOwnerOnly(t *testing.T) {
	b, slots := board(t, 2)
	for name, mem := range map[string][]byte{"worker": slots[0].mem, "master": b.mem} {
		if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err != unix.EACCES {
			t.Errorf("%s makes all of it writable: %v", name, err)
		}
	}
	for name, size := range map[string]int64{"shrunk": 0, "grown": 1 << 20} {
		if err := unix.Ftruncate(int(b.File().Fd()), size); err != unix.EPERM {
			t.Errorf("it can be %s: %v", name, err)
		}
	}
}

func TestForeignMemoryIsRefused(t *testing.T) {
	b, _ := board(t, 2)
	fd := int(b.File().Fd())
	unsealed, err := unix.MemfdCreate("x", unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(unsealed)
	unix.Ftruncate(unsealed, int64(b.size))
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, c := range []struct {
		name          string
		fd, slots, i  int
		want          string
		readerRefuses bool
	}{
		{"too many slots", fd, 3, 0, "bytes, want", true},
		{"no slots", fd, 0, 0, "0 slots", true},
		{"slot behind the last", fd, 2, 2, "slot 2 of 2", false},
		{"slot before the first", fd, 2, -1, "slot -1 of 2", false},
		{"not sealed", unsealed, 2, 0, "not sealed", true},
		{"a device", int(null.Fd()), 2, 0, "bytes, want", true},
		{"closed", 1 << 20, 2, 0, "bad file descriptor", true},
	} {
		if _, err := OpenSlot(c.fd, c.slots, c.i); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if _, err := OpenReader(c.fd, c.slots); (err != nil) != c.readerRefuses {
			t.Errorf("%s: reader's error %v", c.name, err)
		}
	}
	if _, err := Create(1 << 40); err == nil {
		t.Error("created for 2^40 slots")
	}
}

// Pages begin at pages, nothing overlaps, and the parts that are copied are whole words.
func TestLayout(t *testing.T) {
	for _, slots := range []int{1, 2, 100, 127, 128, 1000, 5000} {
		g, err := newGeometry(slots)
		if err != nil {
			t.Fatal(err)
		}
		if g.slot0%g.pageSize != 0 || g.slot0 < tableAt(slots) || g.at(slots-1)+g.stride != g.size {
			t.Errorf("%+v, table to %d", g, tableAt(slots))
		}
	}
	if n := unsafe.Sizeof(slotPage{}); int(n) > 4096 {
		t.Errorf("a slot has %d bytes", n)
	}
	for name, n := range map[string]uintptr{"slot": unsafe.Sizeof(slotData{}), "pool": unsafe.Sizeof(poolData{}), "entry": unsafe.Sizeof(tableEntry{}),
		"slot's offset": unsafe.Offsetof(slotPage{}.data), "pool's offset": unsafe.Offsetof(poolPage{}.data), "table's offset": unsafe.Sizeof(poolPage{})} {
		if n%wordSize != 0 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
	if unsafe.Offsetof(slotData{}.acceptedEpoch) != 3*wordSize {
		t.Error("stage, updated and accepted are not the first words")
	}
}

func TestLastOfABurstSeesAllOfIt(t *testing.T) {
	b, slots := board(t, 5)
	for _, s := range slots {
		s.Accepting()
	}
	for _, s := range slots[:4] {
		s.ReadingHeaders()
	}
	for _, s := range slots[:4] {
		s.Accepting()
	}
	var n Totals
	if !b.Totals(&n) || n.MaxActive != 4 || n.Active != 0 || n.Idle != 5 {
		t.Errorf("got %+v, want at most 4 active", n)
	}
	b.Vacate(3)
	if !b.Totals(&n) || n.MaxActive != 4 {
		t.Errorf("got %+v, want still 4", n)
	}
}

// A master makes a scoreboard for each pool of each generation.
func TestNothingStaysMapped(t *testing.T) {
	mapped := func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(maps), "/memfd:scoreboard")
	}
	before := mapped()
	b, err := Create(2)
	if err != nil {
		t.Fatal(err)
	}
	if mapped() == before {
		t.Fatal("a scoreboard is not seen in /proc/self/maps")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if after := mapped(); after > before {
		t.Errorf("a scoreboard that is closed has %d parts mapped", after-before)
	}
}
