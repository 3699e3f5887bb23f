// Counterpart: sapi/fpm/fpm/fpm_children.c (last_faults)

package pm

import (
	"time"
)

// Faults remembers the last deaths by SIGSEGV and SIGBUS, for emergency_restart_threshold.
type Faults struct {
	last     []time.Time // a ring
	at       int
	interval time.Duration
}

// NewFaults makes room for as many as the threshold; without threshold or interval nothing is ever too much.
func NewFaults(threshold int, interval time.Duration) *Faults {
	if threshold <= 0 || interval <= 0 {
		return &Faults{}
	}
	return &Faults{last: make([]time.Time, threshold), interval: interval}
}

// Add records a death and reports whether there were too many of them.
func (f *Faults) Add(now time.Time) bool {
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

// Backoff spaces out the replacement of workers that end before they were ever ready: the first is replaced at once,
// as php-fpm does with all.
type Backoff struct{ Failures int }

func (b *Backoff) Failed() time.Duration {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	b.Failures++
	if b.Failures < 3 {
		return 0
	}
	return min(most, first<<min(b.Failures-3, 10))
}

func (b *Backoff) Succeeded() { b.Failures = 0 }
