package machine

import "time"

// claimable is how long after the kernel has killed a process that may be found out to be one's own: a large process takes its time to end.
const claimable = 10 * time.Second

// mostUnclaimed bounds how many kills are remembered, whatever the kernel tells.
const mostUnclaimed = 1 << 20

// Kills counts the processes of this process's control group that the kernel has killed for lack of memory. A parent whose child was ended by SIGKILL
// learns from it whether that may be why. The zero value has counted none. All methods are for one goroutine.
type Kills struct {
	count func() (n int64, ok bool) // how many there are in all; nil: it was not looked for
	known int64                     // of those
	left  int                       // that were not claimed
	at    time.Time                 // when the last one was noticed
}

// Look takes note of how many the kernel has killed by now. Call it about once a second. The first call begins to count.
func (k *Kills) Look(now time.Time) {
	begins := k.count == nil
	if begins {
		k.count = func() (int64, bool) { return 0, false }
		if group := OwnGroup(); group != nil {
			k.count = group.OutOfMemoryKills
		}
	}
	n, ok := k.count()
	switch {
	case !ok:
	case begins:
		k.known = n
	default:
		k.add(n, now)
	}
}

// add takes note that there are n in all.
func (k *Kills) add(n int64, now time.Time) {
	if n > k.known {
		k.left += int(min(n-k.known, mostUnclaimed))
		k.known, k.at = n, now
	}
	if now.Sub(k.at) > claimable {
		k.left = 0
	}
}

// Claim reports whether a process that SIGKILL has just ended may be one of those that the kernel has killed in the last ten seconds. It answers true
// no more often than the kernel has killed.
func (k *Kills) Claim(now time.Time) bool {
	k.Look(now)
	if k.left == 0 {
		return false
	}
	k.left--
	return true
}
