package responder

import (
	"time"

	"golang.org/x/sys/unix"
)

// Pause sleeps for d. Unlike time.Sleep it needs no descriptor: Go's timers make one for their poller when the first of
// them is set, and the process dies if it cannot have it.
func Pause(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	for unix.Nanosleep(&left, &left) == unix.EINTR {
	}
}
