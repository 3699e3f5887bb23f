package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ringPages are the pages of a ring: enough for some 13,000 system calls.
const ringPages = 256

// SystemCalls returns a Counter of a process's system calls, by their names.
func SystemCalls(pid int) (*Counter, error) {
	id, err := tracepoint("raw_syscalls/sys_enter")
	if err != nil {
		return nil, fmt.Errorf("system calls cannot be counted: %w", err)
	}
	c := &Counter{read: func(e *event, counts map[string]int) error {
		return e.samples(func(data []byte) { // 8 bytes that all tracepoints have, and the call's number
			counts[callName(int(binary.NativeEndian.Uint64(data[8:])))]++
		})
	}}
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Sample: 1, Sample_type: unix.PERF_SAMPLE_RAW}
	if err := c.open(pid, "system calls", &attr, ringPages); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// tracepoint returns the number of a tracepoint. If tracefs is mounted nowhere, it is for a moment, where nobody else sees it.
func tracepoint(name string) (id uint64, err error) {
	text, err := os.ReadFile("/sys/kernel/tracing/events/" + name + "/id")
	if err != nil {
		cmd := exec.Command("sh", "-c", `mount -t tracefs tracefs /sys/kernel/tracing && cat "/sys/kernel/tracing/events/$1/id"`, "sh", name)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		if text, err = cmd.Output(); err != nil {
			return 0, fmt.Errorf("the tracepoint %s: tracefs: %w", name, err)
		}
	}
	return strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
}

// callName is the name of a system call, as far as a worker makes it.
func callName(number int) string {
	if name, ok := callNames[number]; ok {
		return name
	}
	return fmt.Sprintf("system call %d", number)
}

var callNames = map[int]string{
	unix.SYS_ACCEPT4:         "accept4",
	unix.SYS_BRK:             "brk",
	unix.SYS_CHDIR:           "chdir",
	unix.SYS_CLOCK_GETTIME:   "clock_gettime",
	unix.SYS_CLOSE:           "close",
	unix.SYS_EPOLL_CTL:       "epoll_ctl",
	unix.SYS_EPOLL_PWAIT:     "epoll_pwait",
	unix.SYS_FCHDIR:          "fchdir",
	unix.SYS_FCNTL:           "fcntl",
	unix.SYS_FSTAT:           "fstat",
	unix.SYS_FUTEX:           "futex",
	unix.SYS_GETCWD:          "getcwd",
	unix.SYS_GETPEERNAME:     "getpeername",
	unix.SYS_GETPID:          "getpid",
	unix.SYS_GETTIMEOFDAY:    "gettimeofday",
	unix.SYS_IOCTL:           "ioctl",
	unix.SYS_LSEEK:           "lseek",
	unix.SYS_MADVISE:         "madvise",
	unix.SYS_MMAP:            "mmap",
	unix.SYS_MUNMAP:          "munmap",
	unix.SYS_NANOSLEEP:       "nanosleep",
	unix.SYS_NEWFSTATAT:      "newfstatat",
	unix.SYS_OPENAT:          "openat",
	unix.SYS_READ:            "read",
	unix.SYS_READLINKAT:      "readlinkat",
	unix.SYS_RECVFROM:        "recvfrom",
	unix.SYS_RECVMSG:         "recvmsg",
	unix.SYS_RT_SIGACTION:    "rt_sigaction",
	unix.SYS_RT_SIGPROCMASK:  "rt_sigprocmask",
	unix.SYS_SENDMSG:         "sendmsg",
	unix.SYS_SENDTO:          "sendto",
	unix.SYS_SETITIMER:       "setitimer",
	unix.SYS_SHUTDOWN:        "shutdown",
	unix.SYS_TIMES:           "times",
	unix.SYS_WRITE:           "write",
	unix.SYS_WRITEV:          "writev",
	unix.SYS_PPOLL:           "ppoll",
	unix.SYS_RESTART_SYSCALL: "restart_syscall",
}
