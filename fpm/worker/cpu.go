// Counterpart: sapi/fpm/fpm/fpm_request.c (fpm_request_end)

package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTimes tells what CPU time each request took: one call of times(2) per request, as a request begins where the last
// one ended.
type cpuTimes struct {
	last unix.Tms
}

// tick is what times(2) counts in.
const tick = 10 * time.Millisecond

// sinceLast gives the time since the last call, children that were waited for included.
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
