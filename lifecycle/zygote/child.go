package zygote

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Child is a process that a zygote has forked. Its methods may be called from several goroutines.
type Child struct {
	zygote *Zygote
	pid    int
	told   int64 // when its birth was told, as ticks has it
	done   chan struct{}
	// doubted says that only the zygote, which may lie, has said that the process is its child.
	doubted bool
	// The rest is set before done is closed.
	status syscall.WaitStatus
	peak   int64
	known  bool
}

// Pid names the process to people and in books. After its end another process may have it: only Signal and Ended are about
// the child itself.
func (c *Child) Pid() int { return c.pid }

// Done is closed when the zygote has told the child's end, or is gone and can tell no more.
func (c *Child) Done() <-chan struct{} { return c.done }

// Status returns how the child ended. known is false until Done is closed, and if the zygote is gone: the child may live
// on then.
func (c *Child) Status() (status syscall.WaitStatus, known bool) {
	select {
	case <-c.done:
		return c.status, c.known
	default:
		return 0, false
	}
}

// Peak returns the most memory, in bytes, that the child had resident; 0 until it has ended, and if nobody can tell.
func (c *Child) Peak() int64 {
	if _, known := c.Status(); !known {
		return 0
	}
	return c.peak
}

// Wait waits for Done, or until ctx has ended, and returns Status.
func (c *Child) Wait(ctx context.Context) (status syscall.WaitStatus, known bool) {
	select {
	case <-c.done:
	case <-ctx.Done():
	}
	return c.Status()
}

// Signal sends a signal to the child, and never to a process that was given its pid. The error is ESRCH if the child has
// ended.
func (c *Child) Signal(signal syscall.Signal) error {
	pidfd, err := c.open()
	switch {
	case err != nil:
		return err
	case pidfd < 0:
		return syscall.Kill(c.pid, signal)
	}
	defer unix.Close(pidfd)
	return unix.PidfdSendSignal(pidfd, signal, nil, 0)
}

// Ended reports whether the child has ended, even if its zygote does not tell because it is stopped, hangs or is gone.
func (c *Child) Ended() bool {
	pidfd, err := c.open()
	if err != nil || pidfd < 0 {
		return err == syscall.ESRCH
	}
	defer unix.Close(pidfd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
	return n > 0 && err == nil
}

// open returns a pidfd of the child; -1 if there can be none, because the kernel has none or no descriptor is left. The error
// is ESRCH if the pid is not the child's any more.
func (c *Child) open() (pidfd int, err error) {
	if _, known := c.Status(); known {
		return -1, syscall.ESRCH
	}
	pidfd, err = unix.PidfdOpen(c.pid, 0)
	switch err {
	case nil: // the process that is looked at below is the one that it is of
	case unix.ESRCH, unix.EINVAL:
		return -1, syscall.ESRCH
	default:
		pidfd = -1
	}
	if !c.isCurrent() {
		if pidfd >= 0 {
			unix.Close(pidfd)
		}
		return -1, syscall.ESRCH
	}
	return pidfd, nil
}

// isCurrent reports whether the process with the child's pid is the child. It is, if it began before the child's birth was
// told and is the zygote's child: the zygote forks one at a time. The children of a zygote that has ended are in its process
// group, unless they have left it; the number of a group is nobody else's while it has members.
func (c *Child) isCurrent() bool {
	own := c.zygote.process.pid
	text, err := os.ReadFile("/proc/" + strconv.Itoa(c.pid) + "/stat")
	if err != nil { // there is no /proc, it hides the process, or no descriptor is left
		group, err := unix.Getpgid(c.pid)
		return err == nil && group == own
	}
	parent, group, began, ok := parseStat(text)
	if !ok || began > c.told {
		return false
	}
	select {
	case <-c.zygote.process.dead: // its pid may be another process's
		return !c.doubted || group == own
	default:
		return parent == own || group == own
	}
}

// parseStat takes from /proc/PID/stat the process's parent, its group and when it began, as ticks has it.
func parseStat(text []byte) (parent, group int, began int64, ok bool) {
	// pid (name) state ppid pgrp ...; the name may have spaces and parentheses. starttime is the 22nd.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return 0, 0, 0, false
	}
	var err [3]error
	parent, err[0] = strconv.Atoi(string(fields[1]))
	group, err[1] = strconv.Atoi(string(fields[2]))
	began, err[2] = strconv.ParseInt(string(fields[19]), 10, 64)
	return parent, group, began, errors.Join(err[:]...) == nil
}

// ticks is the time since the system was started, as /proc tells when a process began: in hundredths of a second.
func ticks() int64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 1<<63 - 1
	}
	return int64(now.Sec)*100 + int64(now.Nsec)/1e7
}
