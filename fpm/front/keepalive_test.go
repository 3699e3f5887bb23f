package front

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/test/wait"
)

// An idle client is not asked every 15 s whether it is there, as net would have it, whether the front has accepted the connection or been
// given it.
func TestIdleClientsAreAskedSeldom(t *testing.T) {
	t.Parallel()
	old, next, heir := successors(t, false, "127.0.0.1:0", time.Millisecond, nil)
	asked := func(f *tested) {
		t.Helper()
		wait.Until(t, "a connection", func() bool { return len(f.connections.all()) == 1 })
		for option, want := range map[int]int{unix.TCP_KEEPIDLE: int(site.KeepAliveIdle.Seconds()), unix.TCP_KEEPINTVL: int(site.KeepAliveInterval.Seconds()),
			unix.TCP_KEEPCNT: site.KeepAliveCount} {
			if got, err := unix.GetsockoptInt(int(f.connections.all()[0].descriptor()), unix.IPPROTO_TCP, option); err != nil || got != want {
				t.Errorf("option %d is %d, %v, want %d", option, got, err, want)
			}
		}
	}
	old.dial(t)
	asked(old)
	wait.Until(t, "it is in the lot", func() bool {
		old.connections.lot.mu.Lock()
		defer old.connections.lot.mu.Unlock()
		return len(old.connections.lot.parked) == 1
	})
	old.yield(heir)
	asked(next)
}
