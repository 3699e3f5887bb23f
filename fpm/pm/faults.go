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

// Backoff says when a worker that ended before it was ever ready is to be replaced. The first two in a row are replaced at once, as php-fpm
// does with all.
type Backoff struct{ Failures int } // in a row

// Failed notes that a worker ended before it was ready, and returns how long to wait before another is forked: 0 to 5 s.
func (b *Backoff) Failed() time.Duration {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	b.Failures++
	if b.Failures < 3 {
		return 0
	}
	return min(most, first<<min(b.Failures-3, 10))
}

// Succeeded notes that a worker is ready: the next failure is a first one.
func (b *Backoff) Succeeded() { b.Failures = 0 }
