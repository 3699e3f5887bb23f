package companion

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// An observer that was stopped outlived each upgrade of its service.
func TestAnObserverOfTheProgramBeforeIsEnded(t *testing.T) {
	const pid = 7
	var sent []syscall.Signal
	now := time.Now()
	k := &Keeper{Log: zlog.New(nil)}
	k.Kill = func(to int, signal syscall.Signal) error {
		if to != pid {
			t.Errorf("signal %v to process %d", signal, to)
		}
		sent = append(sent, signal)
		return nil
	}
	var all Observers
	all.Adopt([]int{pid}, now)
	for range int((observerPatience - time.Second) / time.Second) {
		now = now.Add(time.Second)
		tick(&all, k, now)
	}
	if len(sent) > 0 {
		t.Errorf("within its time to go it got %v", sent)
	}
	for range 3 {
		now = now.Add(time.Second)
		tick(&all, k, now)
	}
	if want := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL}; !slices.Equal(sent, want) {
		t.Errorf("it got %v, want %v", sent, want)
	}
}

// tick does what is due of observers, and reports whether another is to be started, and one is to be told.
func tick(o *Observers, k *Keeper, now time.Time) (start, tell bool) {
	o.Deadlines(func(t time.Time, do func(time.Time)) {
		if !t.IsZero() && !now.Before(t) {
			do(now)
		}
	}, func() *Keeper { return k }, func(time.Time) { start = true }, func(time.Time) { tell = true })
	return start, tell
}
