package scoreboard

import (
	"strings"
	"sync/atomic"
	"testing"
)

func TestReportOutlivesItsWorker(t *testing.T) {
	b, slots := board(t, 2)
	room, length := slots[1].ReportRoom()
	if got := b.Report(1); got != "" || len(room) != reportPages*b.pageSize {
		t.Errorf("a new worker has reported %q in %d bytes", got, len(room))
	}
	n := copy(room, "signal 11\nphp a() /x.php:1")
	atomic.StoreUint64(length, uint64(n))
	if got := b.Report(1); got != "signal 11\nphp a() /x.php:1" {
		t.Errorf("got %q", got)
	}
	if got := b.Report(0) + b.Report(2) + b.Report(-1); got != "" {
		t.Errorf("others have reported %q", got)
	}
	open(t, b, 1)
	if got := b.Report(1); got != "" {
		t.Errorf("the slot's next worker has reported %q", got)
	}
}

// A worker may claim any length.
func TestReportIsBounded(t *testing.T) {
	b, slots := board(t, 2)
	room, length := slots[0].ReportRoom()
	for i := range room {
		room[i] = 0xff
	}
	for _, n := range []uint64{1<<64 - 1, 1 << 63, uint64(len(room)) + 1} {
		atomic.StoreUint64(length, n)
		if got := b.Report(0); got != strings.Repeat("\xff", len(room)) {
			t.Errorf("of %d bytes %d are read", n, len(got))
		}
	}
	for i := range 20 {
		atomic.StoreUint64(length, uint64(i))
		if got := b.Report(0); len(got) != i {
			t.Errorf("of %d bytes %d are read", i, len(got))
		}
	}
	b.Vacate(0)
	if got := b.Report(0); got != "" {
		t.Errorf("a vacant slot has a report of %d bytes", len(got))
	}
}

func TestWhatIsKnownOfTheRequestAndItsResponse(t *testing.T) {
	b, slots := board(t, 1)
	s := slots[0]
	s.ReadingHeaders()
	s.Info(&Request{Method: []byte("GET"), Host: []byte("example.org:8080"), Target: []byte("/orders/17?x=1"), Client: []byte("192.0.2.7")})
	if got := b.Sent(0); got != SentNothing {
		t.Errorf("got %d", got)
	}
	*s.Mark() = uint64(SentAll)
	if got := b.Sent(0); got != SentAll {
		t.Errorf("got %d", got)
	}
	var p Proc
	if !b.Snapshot(0, &p) || p.Host != "example.org:8080" || p.Target != "/orders/17?x=1" || p.Client != "192.0.2.7" {
		t.Errorf("got %+v", p)
	}
	s.Receiving()
	if b.Snapshot(0, &p); p.Host+p.Target+p.Client != "" {
		t.Errorf("the next request begins with %+v", p)
	}
	s.ReceivedNothing()
	if b.Snapshot(0, &p); p.Host != "example.org:8080" || p.Target != "/orders/17?x=1" || p.Client != "192.0.2.7" {
		t.Errorf("the last request is forgotten: %+v", p)
	}
	*s.Mark() = 1<<64 - 1
	if got := b.Sent(0); got > SentAll {
		t.Errorf("got %d", got)
	}
	open(t, b, 0)
	if got := b.Sent(0); got != SentNothing {
		t.Errorf("the slot's next worker begins with %d", got)
	}
}
