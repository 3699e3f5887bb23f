package zygote

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signal sends a signal to a child of the zygote's. The error is ESRCH if pid is not one: the pid of a child that has
// ended may be another process's.
func (z *Zygote) Signal(pid int, signal syscall.Signal) error {
	if pid <= 0 {
		return syscall.ESRCH
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	switch err {
	case nil: // the process that is looked at below is the one that gets the signal
		defer unix.Close(pidfd)
	case unix.ESRCH, unix.EINVAL:
		return syscall.ESRCH
	default: // no pidfds here, or no descriptor left
		pidfd = -1
	}
	if !z.isChild(pid) {
		return syscall.ESRCH
	}
	if pidfd < 0 {
		return syscall.Kill(pid, signal)
	}
	return unix.PidfdSendSignal(pidfd, signal, nil, 0)
}

// isChild reports whether the process is a child of the zygote's, or of its process group, whose number nobody else
// can have while it has members. Without /proc it believes so.
func (z *Zygote) isChild(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		_, noProc := os.Stat("/proc/self/stat")
		return noProc != nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH)
	}
	// pid (name) state ppid pgrp; the name may have spaces and parentheses.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 3 {
		return false
	}
	own := strconv.Itoa(z.process.pid)
	if string(fields[2]) == own {
		return true
	}
	select {
	case <-z.process.dead: // its pid may be another process's
		return false
	default:
		return string(fields[1]) == own
	}
}
