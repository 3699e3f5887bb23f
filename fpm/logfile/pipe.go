package logfile

import (
	"time"

	"golang.org/x/sys/unix"
)

// pipePatience is how long a line waits for the reader of a pipe. The lines after one that was lost do not wait.
const pipePatience = time.Second

// A Pipe writes to a log where writing may wait: a pipe whose reader has stopped, or a terminal.
type Pipe struct {
	full bool // the last line was lost
	lost int  // lines since the last that was told
}

// Write writes a line, and returns how many were lost before it. It returns 0 if the line is lost itself, and an error if that is not for lack of room.
func (p *Pipe) Write(fd int, line []byte) (lost int, err error) {
	deadline := time.Now()
	if !p.full {
		deadline = deadline.Add(pipePatience)
	}
	for {
		n, err := writeNow(fd, line)
		if err == nil && n == len(line) {
			p.full = false
			lost, p.lost = p.lost, 0
			return lost, nil
		}
		line = line[max(n, 0):]
		left := time.Until(deadline)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR || left <= 0 {
			p.full = true
			p.lost++
			if err == unix.EAGAIN || err == unix.EINTR {
				err = nil
			}
			return 0, err
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
