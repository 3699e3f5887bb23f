package worker

import "testing"

// The clock has more bits than what is told of it: a wait is the same before and after their end, and so is a request that was accepted in the
// millisecond before it began to wait.
func TestWaitIsKnownOfItsLowBits(t *testing.T) {
	t.Parallel()
	const ms = 1_000_000
	for _, c := range []struct {
		began, accepted, want int64 // ms
	}{{5, 5, 5}, {5, 75, 5}, {1<<32 - 10, 1<<32 + 60, 1<<32 - 10}, {1<<40 + 1, 1<<40 + 2, 1<<40 + 1}, {77, 76, 77}} {
		if got := waitsSince(uint32(c.began), c.accepted*ms+ms/2); got != c.want*ms {
			t.Errorf("%+v: got %d ms", c, got/ms)
		}
	}
	if got := waitsSince(0, 5*ms); got != 0 {
		t.Errorf("of a client that tells nothing: %d", got)
	}
}
