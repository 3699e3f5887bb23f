// Package serve is the harness of the tests that run servers. It builds phpsapi (Main), runs a service of it with its files, its
// log and its operator (Service) or any other server in the foreground (Start, Run), php-fpm and nginx among them, asks them
// (Ask, Load), and says what their processes take of the machine. What a test wants of a server the test knows.
package serve

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Process is a server that runs, with its children.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start runs a server until it is ready. said is what it says of why it is not; nil: nothing.
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

// Pid is the master's.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// WaitFor waits until something is so. The error says that it was not within the patience, or that the server ended before.
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

// Spent is the CPU time, user and system, of a server that has ended: its master's, and that of all processes that were waited for.
func (p *Process) Spent() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Signal sends the master a signal.
func (p *Process) Signal(sig syscall.Signal) { p.cmd.Process.Signal(sig) }

// Stop ends the server.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Signal(syscall.SIGKILL)
		<-p.done
	}
}
