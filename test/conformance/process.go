package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// A Command is a program to run to its end together with all that it starts.
type Command struct {
	Path string
	Args []string // without the program's name
	Dir  string
	Env  []string
	// User is the user that runs it; nil: this process's own.
	User *syscall.Credential
	// Output takes what it and its children print, both streams.
	Output io.Writer
}

// becomeSubreaper makes this process the parent of every descendant whose own
// parent dies, so that a daemon a test leaves behind is found, and can be ended
// by its pid.
func becomeSubreaper() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", errno)
	}
	return nil
}

// run runs the command in a session of its own, on a terminal of its own,
// until it ends or ctx is done, then ends what it left behind, and returns how
// many processes that were. It waits for any child, so nothing else may be
// running.
func (c Command) run(ctx context.Context) (left int, err error) {
	master, slave, err := openTerminal(c.User)
	if err != nil {
		return 0, err
	}
	process, err := os.StartProcess(c.Path, append([]string{c.Path}, c.Args...), &os.ProcAttr{
		Dir:   c.Dir,
		Env:   c.Env,
		Files: []*os.File{slave, slave, slave},
		Sys:   &syscall.SysProcAttr{Setsid: true, Credential: c.User},
	})
	slave.Close()
	if err != nil {
		master.Close()
		return 0, err
	}
	pid := process.Pid
	process.Release()
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-pid, syscall.SIGKILL) })
	copied := make(chan struct{})
	go func() {
		io.Copy(c.Output, master) // ends with EIO when nobody has the terminal any more
		close(copied)
	}()
	status, err := reapUntil(pid)
	stop()
	left = endOrphans()
	select {
	case <-copied:
	case <-time.After(time.Second): // something unkillable still has it
	}
	master.Close()
	<-copied
	switch {
	case ctx.Err() != nil:
		return left, context.Cause(ctx)
	case err != nil:
		return left, err
	case status.Signaled():
		return left, fmt.Errorf("%s: %v", filepath.Base(c.Path), status.Signal())
	case status.ExitStatus() != 0:
		return left, fmt.Errorf("%s: exit status %d", filepath.Base(c.Path), status.ExitStatus())
	}
	return left, nil
}

// reapUntil collects dead children, adopted ones too (a test may wait for a
// daemon to be gone, and a zombie is not gone), until pid is among them.
func reapUntil(pid int) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		dead, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return status, fmt.Errorf("wait4: %w", err)
		case dead == pid:
			return status, nil
		}
	}
}

// endOrphans waits a second for the children that are still there to end by
// themselves, then kills them, and those whose parent dies of that, until none
// is left or ten seconds are over. It returns how many it had to kill.
func endOrphans() int {
	killed := map[int]bool{}
	start := time.Now()
	for {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
		children := childrenOf(os.Getpid())
		if len(children) == 0 || time.Since(start) > 10*time.Second {
			return len(killed)
		}
		if time.Since(start) > time.Second {
			for _, pid := range children {
				killed[pid] = true
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// childrenOf lists the processes whose parent is pid.
func childrenOf(pid int) []int {
	var children []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended meanwhile
		}
		if parentIn(stat) == pid {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			children = append(children, child)
		}
	}
	return children
}

// parentIn returns the parent's pid from the text of /proc/pid/stat, -1 when
// the text is no such thing. The second field, the command's name, may itself
// hold blanks and parentheses.
func parentIn(stat []byte) int {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return -1
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return -1
	}
	return parent
}
