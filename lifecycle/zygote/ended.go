package zygote

import (
	"time"

	"golang.org/x/sys/unix"
)

// Kill ends the zygote at once. Exits is closed; Close still has to be called. Its workers live on, as after Close.
func (z *Zygote) Kill() {
	z.process.kill()
	z.hangUp()
}

// End is Close with a patience of the caller's.
func (z *Zygote) End(patience time.Duration) error {
	defer time.AfterFunc(patience, z.Kill).Stop()
	return z.Close()
}

// Ended reports whether the process has ended, even if its zygote does not say so, because it is stopped or hangs. The
// caller has not been told of the process's end: afterwards the pid may be another process's.
func Ended(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err == unix.ESRCH
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0 && err == nil
}
