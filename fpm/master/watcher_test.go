package master

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Each connection at an ondemand pool's socket made an event, whether the loop came to take them or not.
func TestArrivalsDoNotFillTheMastersMemory(t *testing.T) {
	box := newMailbox()
	w, err := newWatcher(box)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	if _, err := w.each(pair[0]); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		unix.Write(pair[1], []byte("x"))
		time.Sleep(time.Millisecond)
	}
	if events := box.take(); len(events) != 2 {
		t.Errorf("%d events, want one and the word that it may continue", len(events))
	} else {
		events[1].happen(nil)
	}
	wait.Until(t, "another event", func() bool { return len(box.take()) > 0 })
}
