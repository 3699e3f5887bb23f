// Counterpart: sapi/fpm/fpm/fpm_request.c (fpm_request_end)

package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTimes tells what CPU time each request took, by times(2), which counts in ticks. A request begins where the last one ended.
// One that has taken less than a tick, since whenever, took none: the system is not asked, unless each request is logged with
// its CPU time.
type cpuTimes struct {
	last  unix.Tms
	short time.Duration // what the requests since then have taken, by the clock
	exact bool
}

// tick is what times(2) counts in.
const tick = 10 * time.Millisecond

// of returns the CPU time of a request that has taken so long by the clock.
func (c *cpuTimes) of(took time.Duration) (user, system time.Duration) {
	if c.short += took; c.short < tick && !c.exact {
		return 0, 0
	}
	c.short = 0
	return c.sinceLast()
}

// sinceLast returns the time since the last call, children that were waited for included.
func (c *cpuTimes) sinceLast() (user, system time.Duration) {
	var now unix.Tms
	if _, err := unix.Times(&now); err != nil {
		return 0, 0
	}
	user = time.Duration(now.Utime-c.last.Utime+now.Cutime-c.last.Cutime) * tick
	system = time.Duration(now.Stime-c.last.Stime+now.Cstime-c.last.Cstime) * tick
	c.last = now
	return user, system
}
