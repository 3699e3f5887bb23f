package probe

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Instructions returns how many instructions the main thread of a process executes in user mode, from a wait to a wait: do is called
// while it waits in the kernel, and it must come to such a wait again some time after do. A repeated instruction counts once. The
// process is stepped, and takes some thousand times as long as otherwise.
func Instructions(pid int, do func() error) (n int, err error) {
	runtime.LockOSThread() // a process has one tracing thread
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(pid); err != nil {
		return 0, fmt.Errorf("instructions cannot be counted: ptrace(2): %w", err)
	}
	if err := unix.PtraceInterrupt(pid); err != nil {
		return 0, err
	}
	if _, err := waitStop(pid); err != nil {
		return 0, err
	}
	s := stepper{pid: pid}
	done := make(chan error, 1)
	go func() {
		done <- do()
		s.endAtRest()
	}()
	if err := s.run(); err != nil {
		return 0, err
	}
	return int(s.steps.Load()), errors.Join(<-done, unix.PtraceDetach(pid))
}

// stepper steps a process.
type stepper struct {
	pid   int
	steps atomic.Int64
	ends  atomic.Bool
}

// endSignal ends the last step, which may be a wait. The process does not get it.
const endSignal = unix.SIGURG

// endAtRest ends the stepping when the process has done nothing for a while.
func (s *stepper) endAtRest() {
	for still, last := 0, int64(-1); still < 5; time.Sleep(20 * time.Millisecond) {
		still++
		if now := s.steps.Load(); now != last {
			still, last = 0, now
		}
	}
	s.ends.Store(true)
	unix.Tgkill(s.pid, s.pid, endSignal)
}

// run steps the process, which is stopped, until endAtRest says that it is enough. The process is stopped then.
func (s *stepper) run() error {
	var registers unix.PtraceRegs
	last, signal := uint64(0), unix.Signal(0)
	for {
		if _, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_SINGLESTEP, uintptr(s.pid), 0, uintptr(signal), 0, 0); errno != 0 {
			return fmt.Errorf("ptrace(2): %w", errno)
		}
		stop, err := waitStop(s.pid)
		if err != nil {
			return err
		}
		switch signal = 0; {
		case stop == endSignal && s.ends.Load():
			return nil
		case stop != unix.SIGTRAP:
			signal = stop
			continue
		}
		if err := unix.PtraceGetRegs(s.pid, &registers); err != nil {
			return err
		}
		if pc := registers.PC(); pc != last {
			last = pc
			s.steps.Add(1)
		}
	}
}

// waitStop waits until the process has stopped, and returns by which signal.
func waitStop(pid int) (unix.Signal, error) {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case !status.Stopped():
			return 0, fmt.Errorf("process %d has ended", pid)
		default:
			return status.StopSignal(), nil
		}
	}
}
