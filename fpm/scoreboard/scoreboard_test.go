package scoreboard

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// board is a Board for a test, with a Slot for each.
func board(t testing.TB, slots int) (*Board, []*Slot) {
	t.Helper()
	b, err := Create(slots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	var all []*Slot
	for i := range slots {
		b.Occupy(i)
		b.SetPid(i, 100+i)
		all = append(all, open(t, b, i))
	}
	return b, all
}

func open(t testing.TB, b *Board, i int) *Slot {
	t.Helper()
	s, err := OpenSlot(int(b.File().Fd()), b.Slots(), i)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRequestShowsStageByStage(t *testing.T) {
	b, slots := board(t, 3)
	s := slots[1]
	var p Proc
	look := func(want Stage) {
		t.Helper()
		if !b.Snapshot(1, &p) || p.Stage != want || p.Pid != 101 {
			t.Fatalf("got %+v, want stage %q of 101", p, want)
		}
		var a Activity
		if !b.Activity(1, &a) || a.Stage != want || a.Accepted != p.Accepted || a.Requests != p.Requests || a.Updated != p.Updated {
			t.Fatalf("activity %+v of %+v", a, p)
		}
	}
	look(Creating)
	s.Accepting()
	look(Accepting)
	before := b.now()
	s.CountConnection()
	s.ReadingHeaders()
	look(ReadingHeaders)
	if p.Requests != 1 || p.Connections != 1 || p.Accepted < before || p.Accepted > b.now() || time.Now().Unix()-p.AcceptedEpoch > 1 {
		t.Errorf("accepted %+v", p)
	}
	s.Info(&Request{Method: []byte("GET"), URI: []byte("/a.php"), Query: []byte("b=c"), User: []byte("me"),
		Script: []byte("/srv/a.php"), ContentLength: 12})
	look(Info)
	if p.Method != "GET" || p.URI != "/a.php" || p.Query != "b=c" || p.User != "me" || p.Script != "/srv/a.php" || p.ContentLength != 12 {
		t.Errorf("info %+v", p)
	}
	s.Executing()
	look(Executing)
	time.Sleep(time.Millisecond)
	s.CountSlow()
	s.End(s.Elapsed(), 3*time.Millisecond, 2*time.Millisecond, 2<<20)
	look(Finished)
	if p.Duration < time.Millisecond || p.Duration != s.Duration() || p.CPUUser != 3*time.Millisecond || p.CPUSystem != 2*time.Millisecond ||
		p.Memory != 2<<20 || p.Slow != 1 {
		t.Errorf("end %+v", p)
	}
	s.Accepting()
	look(Accepting)
	if p.URI != "/a.php" {
		t.Errorf("an idle worker must show its last request, got %q", p.URI)
	}
	last := p
	s.Receiving()
	look(ReadingHeaders)
	if p.Method+p.URI+p.Query+p.User+p.Script != "" || p.Requests != 1 || p.Accepted == last.Accepted {
		t.Errorf("what may be the next request shows the one before, or is counted: %+v", p)
	}
	s.ReceivedNothing()
	look(Accepting)
	last.Updated = p.Updated
	if p != last {
		t.Errorf("got %+v, want %+v as before", p, last)
	}
	s.Receiving()
	s.ReadingHeaders()
	look(ReadingHeaders)
	if p.Method+p.URI+p.Query+p.User+p.Script != "" || p.ContentLength != 0 || p.Requests != 2 {
		t.Errorf("the next request shows the one before: %+v", p)
	}
}

func (b *Board) now() int64 { return NewClock().Now() }

func TestTextsAreCut(t *testing.T) {
	b, slots := board(t, 1)
	long := bytes.Repeat([]byte("x"), 4096)
	slots[0].Info(&Request{Method: long, URI: long, Query: long, User: long, Script: append([]byte("a\x00b"), long...)})
	b.Publish(Pool{Name: string(long), PM: string(long)})
	var p Proc
	var n Totals
	if !b.Snapshot(0, &p) || !b.Totals(&n) {
		t.Fatal("cannot read")
	}
	for _, c := range []struct {
		name, got string
		want      int
	}{{"method", p.Method, 15}, {"uri", p.URI, 127}, {"query", p.Query, 511}, {"user", p.User, 31}, {"pool", n.Pool.Name, 31}, {"pm", n.Pool.PM, 15}} {
		if c.got != strings.Repeat("x", c.want) {
			t.Errorf("%s has %d bytes, want %d", c.name, len(c.got), c.want)
		}
	}
	if p.Script != "a" {
		t.Errorf("script %q, want what is before the NUL", p.Script)
	}
	r := Request{URI: long, Query: long, Long: true}
	slots[0].Info(&r)
	if !b.Snapshot(0, &p) || len(p.URI) != 511 || len(p.Query) != 2047 {
		t.Errorf("since 8.5 uri has %d bytes and query %d", len(p.URI), len(p.Query))
	}
	if shown := r.Shown(); string(shown.URI) != p.URI || string(shown.Query) != p.Query {
		t.Errorf("%d and %d bytes are shown, and read %d and %d", len(shown.URI), len(shown.Query), len(p.URI), len(p.Query))
	}
}

func TestCountsOutliveTheirWorker(t *testing.T) {
	b, slots := board(t, 2)
	var n Totals
	want := func(idle, active, most int, requests, slow uint64) {
		t.Helper()
		if !b.Totals(&n) || n.Idle != idle || n.Active != active || n.MaxActive != most || n.Requests != requests || n.Slow != slow {
			t.Fatalf("got %+v, want idle %d, active %d, max %d, requests %d, slow %d", n, idle, active, most, requests, slow)
		}
	}
	want(0, 0, 0, 0, 0)
	slots[0].Accepting()
	slots[1].Accepting()
	want(2, 0, 0, 0, 0)
	slots[0].ReadingHeaders()
	slots[1].ReadingHeaders()
	slots[1].CountSlow()
	b.Publish(Pool{Name: "www", PM: "static", Slow: 4})
	want(0, 2, 2, 2, 5)
	if last := b.Vacate(1); last.Pid != 101 || last.Requests != 1 || last.Stage != ReadingHeaders {
		t.Errorf("last %+v", last)
	}
	want(0, 1, 2, 2, 5)
	if b.Used(1) || b.Snapshot(1, new(Proc)) || b.Activity(1, new(Activity)) {
		t.Error("a vacant slot shows something")
	}
	b.Occupy(1)
	b.SetPid(1, 201)
	var p Proc
	if b.Snapshot(1, &p) || p != (Proc{Pid: 201, StartEpoch: p.StartEpoch}) || p.StartEpoch == 0 {
		t.Errorf("before it opened its slot a worker shows %+v", p)
	}
	want(0, 1, 2, 2, 5)
	s := open(t, b, 1)
	if !b.Snapshot(1, &p) || p.Requests != 0 || p.Stage != Creating {
		t.Errorf("new worker shows %+v", p)
	}
	s.Accepting()
	s.ReadingHeaders()
	want(0, 2, 2, 3, 5)
}

func TestOutputOpenIsOneWorkersOwn(t *testing.T) {
	b, slots := board(t, 2)
	for _, want := range [][2]bool{{}, {true, false}, {false, true}, {true, true}} {
		b.OutputOpen(1, want[0], want[1])
		b.SetPid(1, 7)
		if stdout, stderr := slots[1].OutputOpen(); stdout != want[0] || stderr != want[1] {
			t.Errorf("got %v, %v, want %v", stdout, stderr, want)
		}
		if stdout, stderr := slots[0].OutputOpen(); stdout || stderr {
			t.Error("the other worker's output is open")
		}
	}
	b.Vacate(1)
	b.Occupy(1)
	if stdout, stderr := open(t, b, 1).OutputOpen(); stdout || stderr {
		t.Error("a new worker begins with the old one's output")
	}
}

func TestTheMemoryPeakOutlivesItsWorker(t *testing.T) {
	b, err := Create(2)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var totals Totals
	for i, peaks := range [][]uint64{{3, 9, 4}, {5}} {
		b.Occupy(i)
		s, err := OpenSlot(int(b.File().Fd()), 2, i)
		if err != nil {
			t.Fatal(err)
		}
		for _, peak := range peaks {
			s.ReadingHeaders()
			s.End(s.Elapsed(), 0, 0, peak<<20)
			s.Accepting()
		}
	}
	if !b.Totals(&totals) || totals.MemoryPeak != 9<<20 {
		t.Errorf("of both workers: %d", totals.MemoryPeak)
	}
	b.Vacate(0)
	if !b.Totals(&totals) || totals.MemoryPeak != 9<<20 {
		t.Errorf("when the greater one has gone: %d", totals.MemoryPeak)
	}
}
