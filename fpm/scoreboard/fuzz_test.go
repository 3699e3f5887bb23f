package scoreboard

import (
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzSlot fills a worker's page, and the master's for good measure, with
// anything: readers and master continue.
func FuzzSlot(f *testing.F) {
	f.Add([]byte{}, []byte{}, uint16(0))
	f.Add([]byte{1}, []byte{0xff, 0xff}, uint16(8))
	all := make([]byte, 4096)
	for i := range all {
		all[i] = 0xff
	}
	f.Add(all, all, uint16(0))
	f.Add(all, []byte{}, uint16(48))     // all but the counts
	f.Add(all[:2], []byte{}, uint16(32)) // peak
	f.Fuzz(func(t *testing.T, slot, pool []byte, at uint16) {
		b, slots := board(t, 3)
		mem, err := unix.Mmap(int(b.File().Fd()), 0, b.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Munmap(mem)
		copy(mem[b.at(1)+int(at)%b.pageSize:b.at(2)], slot)
		look(t, b, slots)
		copy(mem[:b.slot0], pool)
		look(t, b, slots)
		for i := range slots {
			b.Vacate(i)
			b.Occupy(i)
			b.SetPid(i, 1)
		}
		s := open(t, b, 1)
		s.Accepting()
		s.ReadingHeaders()
		b.Publish(Pool{Name: "www"})
		look(t, b, slots)
		for _, s := range append(slots, s) {
			unmap(s.mem)
			unmap(s.own)
		}
	})
}

func look(t *testing.T, b *Board, slots []*Slot) {
	var p Proc
	var a Activity
	var n Totals
	for i := range slots {
		b.Snapshot(i, &p)
		b.Activity(i, &a)
		if n := len(b.Report(i)); n > reportPages*b.pageSize || b.Sent(i) > SentOverdue {
			t.Errorf("a report of %d bytes, sent %d", n, b.Sent(i))
		}
		slots[i].ReadingHeaders()
		slots[i].Info(&Request{URI: []byte("/x")})
		if p.Stage >= stages || a.Stage >= stages || p.Stage.String() == "" || len(p.Method) > methodSize || len(p.URI) > uriSize ||
			len(p.Query) > querySize || len(p.User) > userSize || len(p.Script) > scriptSize || len(p.Host) > hostSize || len(p.Target) > targetSize || len(p.Client) > clientSize {
			t.Errorf("out of bounds: %+v %+v", p, a)
		}
	}
	var sites Sites
	b.Sites(&sites)
	sites.Each(func(number int, m *Measures) {
		if number < 0 || number >= MostSites || m.Duration.Total() > (buckets+1)*mostCounted {
			t.Errorf("out of bounds: site %d, %+v", number, m.Duration)
		}
	})
	b.Totals(&n)
	if n.Idle < 0 || n.Active < 0 || n.Idle+n.Active > len(slots) || n.MaxActive < 0 || n.MaxActive > len(slots) ||
		len(n.Pool.Name) > poolSize || len(n.Pool.PM) > pmSize {
		t.Errorf("out of bounds: %+v", n)
	}
}
