// Package serve runs servers for tests and benchmarks, and measures them. Main builds phpsapi before a package's tests run.
//
//	Process   any server that runs in the foreground, such as php-fpm or nginx, with its children: Start makes it, for programs that are not tests
//	Server    a Process that ends with its test, and what it prints: Run makes it
//	Service   phpsapi fpm with its files, its error log and its operator's commands, which ends with its test: NewService makes it
//
// Ask makes one request by HTTP, Load many of them, by any protocol. The functions that take a pid measure a process: its CPU time, memory and
// descriptors. What a server ought to do its test knows.
package serve

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Process is a server that was started, its master, with all processes below that.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start starts a server and waits until ready returns true. If it does not in time, the error has what said returns, the server's log for example.
// said may be nil.
func Start(name string, cmd *exec.Cmd, ready func() bool, said func() string) (*Process, error) {
	p, err := launch(name, cmd)
	if err != nil {
		return nil, err
	}
	if err := p.WaitFor(30*time.Second, ready); err != nil {
		text := ""
		if said != nil {
			text = "\n" + said()
		}
		p.Stop()
		return nil, fmt.Errorf("%s does not serve: %w%s", name, err, text)
	}
	return p, nil
}

func launch(name string, cmd *exec.Cmd) (*Process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &Process{name, cmd, make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Pid returns the pid of the master.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// WaitFor waits until so returns true. It returns an error if that takes longer than patience, or the server ends before.
func (p *Process) WaitFor(patience time.Duration, so func() bool) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		ended := p.Ended() != "" // before so: what the server says at its end counts
		if so() {
			return nil
		}
		if ended {
			return errors.New("the master has ended")
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v", patience)
		}
	}
}

// Ended returns how the master has ended, empty if it has not ended.
func (p *Process) Ended() string {
	select {
	case <-p.done:
		return p.cmd.ProcessState.String()
	default:
		return ""
	}
}

// Spent returns the CPU time, user and system, of a server that has ended: its master's, and that of all processes that were waited for.
func (p *Process) Spent() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Signal sends the master a signal.
func (p *Process) Signal(sig syscall.Signal) { p.cmd.Process.Signal(sig) }

// Stop ends the server by SIGTERM, and after ten seconds by SIGKILL.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Signal(syscall.SIGKILL)
		<-p.done
	}
}
