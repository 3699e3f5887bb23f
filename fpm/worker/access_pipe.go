package worker

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// accessPatience is how long a line of the access log waits for the reader of a pipe. The lines after one that was lost do not wait.
const accessPatience = time.Second

// An accessPipe is an access log to which writing may wait: a pipe whose reader has stopped, or a terminal.
type accessPipe struct {
	mayWait bool
	full    bool // the last line was lost
	lost    int  // lines since the last that was told
}

// writeAccess writes a line of the access log. The first that is written after some were lost tells how many they were.
func (k *worker) writeAccess(line []byte) {
	a := &k.access
	if !a.mayWait {
		unix.Write(a.fd, line)
		return
	}
	if n := a.write(a.fd, line); n > 0 {
		k.log.Logf(zlog.Warning, "[pool %s] %s", k.pool.Name, accessLinesLost(n))
	}
}

func accessLinesLost(n int) string {
	if n == 1 {
		return "1 line of the access log is lost: the log did not take it"
	}
	return fmt.Sprintf("%d lines of the access log are lost: the log did not take them", n)
}

// write writes a line, and returns how many were lost before it; 0 if it is lost itself.
func (a *accessPipe) write(fd int, line []byte) (lost int) {
	deadline := time.Now()
	if !a.full {
		deadline = deadline.Add(accessPatience)
	}
	for {
		n, err := writeNow(fd, line)
		if err == nil && n == len(line) {
			a.full = false
			lost, a.lost = a.lost, 0
			return lost
		}
		line = line[max(n, 0):]
		left := time.Until(deadline)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR || left <= 0 {
			a.full = true
			a.lost++
			return 0
		}
		if err == unix.EAGAIN {
			unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(left.Milliseconds())+1)
		}
	}
}

// writeNow writes what can be written without a wait. The descriptor stays one that waits: other processes may have it, too. Where
// the kernel cannot do that (pipes before Linux 6.4) it looks first: if several processes find the same last room, all but one wait.
func writeNow(fd int, line []byte) (int, error) {
	n, err := unix.Pwritev2(fd, [][]byte{line}, -1, unix.RWF_NOWAIT)
	switch err {
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.ESPIPE:
	default:
		return n, err
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0); n < 1 || err != nil {
		return 0, unix.EAGAIN
	}
	return unix.Write(fd, line)
}
