package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/machine"
)

// claimable is how long after the kernel has killed a process that may be found out to be a worker: a large process takes its time to end.
const claimable = 10 * time.Second

// kernelKills counts the processes of the master's control group that the kernel has killed for lack of memory.
type kernelKills struct {
	group *machine.Group // nil: it has none that tells
	known bool
	count int64
	left  int // that were not claimed
	at    time.Time
}

// look takes note of how many there are. It is to be called once a second.
func (k *kernelKills) look(now time.Time) {
	if !k.known {
		k.known = true
		if k.group = machine.OwnGroup(); k.group != nil {
			k.count, _ = k.group.OutOfMemoryKills()
		}
		return
	}
	if k.group == nil {
		return
	}
	if n, ok := k.group.OutOfMemoryKills(); ok {
		k.add(n, now)
	}
}

// add takes note that there are n in all.
func (k *kernelKills) add(n int64, now time.Time) {
	if n > k.count {
		k.left += int(min(n-k.count, 1<<20))
		k.count, k.at = n, now
	}
	if now.Sub(k.at) > claimable {
		k.left = 0
	}
}

// claim reports whether one of them may be a process that SIGKILL has just ended, and counts it no more.
func (k *kernelKills) claim(now time.Time) bool {
	k.look(now)
	if k.left == 0 {
		return false
	}
	k.left--
	return true
}
