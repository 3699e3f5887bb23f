// Counterpart: sapi/fpm/fpm/fpm_children.c (last_faults)

package master

import "time"

// faults remembers the last deaths by SIGSEGV and SIGBUS, for emergency_restart_threshold.
type faults struct {
	last     []time.Time // a ring
	at       int
	interval time.Duration
}

// newFaults makes room for as many as the threshold; without threshold or interval nothing is ever too much.
func newFaults(threshold int, interval time.Duration) *faults {
	if threshold <= 0 || interval <= 0 {
		return &faults{}
	}
	return &faults{last: make([]time.Time, threshold), interval: interval}
}

// add records a death and reports whether there were too many of them.
func (f *faults) add(now time.Time) bool {
	if len(f.last) == 0 {
		return false
	}
	f.last[f.at] = now
	f.at = (f.at + 1) % len(f.last)
	for _, t := range f.last {
		if now.Sub(t).Truncate(time.Second) > f.interval {
			return false
		}
	}
	return true
}

// backoff spaces out the replacement of workers that end before they were ever ready: the first is replaced at once,
// as php-fpm does with all.
type backoff struct{ failures int }

func (b *backoff) failed() time.Duration {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	b.failures++
	if b.failures < 3 {
		return 0
	}
	return min(most, first<<min(b.failures-3, 10))
}

func (b *backoff) succeeded() { b.failures = 0 }
