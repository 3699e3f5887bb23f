package zygote

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// environment names the control socket's descriptor in the zygote, and after a space the process.
const environment = "PHPSAPI_ZYGOTE"

const (
	// closeTime is how long a zygote may take to end when it is told to, and failTime when its start has failed: how it
	// ended is worth a wait.
	closeTime = 500 * time.Millisecond
	failTime  = 2 * time.Second
	// killTime is how long SIGKILL may take to have effect.
	killTime = 3 * time.Second
	// slowTick is how often a zygote that takes longer than AnswerTime is looked at.
	slowTick = time.Second
)

// process is a zygote's process. A goroutine waits for it from its beginning on.
type process struct {
	command *exec.Cmd
	pid     int
	dead    chan struct{} // closed when it has been waited for

	mu       sync.Mutex
	starting bool // its process group is what PHP's start has made, not workers
	reaped   bool // the pid may be another process's
}

// Self returns the program to execute as a zygote of this process. It is the very program that runs here, even if its file
// has been replaced; path, if there is no /proc.
func Self(path string) string {
	const self = "/proc/self/exe"
	if unix.Access(self, unix.X_OK) != nil {
		return path
	}
	return self
}

// execute starts the process; ended is called when it has ended.
func execute(config Config, socket *os.File, ended func()) (*process, error) {
	command := exec.Command(config.Program)
	if len(config.Argv) > 0 {
		command.Args = config.Argv
	}
	command.Env = config.Env
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.ExtraFiles = []*os.File{socket}
	command.Env = append(command.Env, environment+"="+strconv.Itoa(3)+" "+Name())
	command.Stdin = os.Stdin
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if config.Stdout != nil {
		command.Stdout = config.Stdout
	}
	if config.Stderr != nil {
		command.Stderr = config.Stderr
	}
	pidfd := -1
	// A group of its own: a terminal's Ctrl-C is for the parent, which lets the workers finish.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, PidFD: &pidfd}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("zygote: %w", err)
	}
	p := &process{command: command, pid: command.Process.Pid, dead: make(chan struct{}), starting: true}
	if config.Executed != nil {
		config.Executed(p.pid)
	}
	go p.wait(pidfd, ended)
	return p, nil
}

// wait waits for the process. It stays a zombie, whose pid nobody else can have, until what it has started is killed.
func (p *process) wait(pidfd int, ended func()) {
	if !pollable(pidfd) {
		for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
	}
	p.mu.Lock()
	if p.starting {
		syscall.Kill(-p.pid, syscall.SIGKILL)
	}
	p.command.Wait()
	p.reaped = true
	p.mu.Unlock()
	close(p.dead)
	ended()
}

// pollable waits for a process by its pidfd in Go's poller, so that no thread is held for the zygote's life. It returns
// false if that is not possible.
func pollable(pidfd int) bool {
	if pidfd < 0 {
		return false
	}
	syscall.SetNonblock(pidfd, true)
	file := os.NewFile(uintptr(pidfd), "pidfd")
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && err != unix.EINTR
	}) == nil
}

// begun says that PHP has started. It returns false if the process has ended.
func (p *process) begun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting = false
	return !p.reaped
}

// keepGroup says that the process has no workers: its group ends with it for good.
func (p *process) keepGroup() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting = true
}

// kill ends the process at once, while it starts with its group.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reaped:
	case p.starting:
		syscall.Kill(-p.pid, syscall.SIGKILL)
	default:
		syscall.Kill(p.pid, syscall.SIGKILL)
	}
}

var errUnkillable = errors.New("zygote: the process does not end, not even by SIGKILL")

// end waits until the process has ended, and makes it end if it takes long.
func (p *process) end(patience time.Duration) error {
	if p.ended(patience) {
		return nil
	}
	p.kill()
	if p.ended(killTime) {
		return nil
	}
	return errUnkillable
}

// ended waits for the process's end for a while.
func (p *process) ended(patience time.Duration) bool {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-p.dead:
		return true
	case <-timeout.C:
		return false
	}
}

// status is how the process ended; known is false while it runs, and if nobody can tell.
func (p *process) status() (status syscall.WaitStatus, known bool) {
	select {
	case <-p.dead:
	default:
		return 0, false
	}
	if p.command.ProcessState == nil {
		return 0, false
	}
	status, known = p.command.ProcessState.Sys().(syscall.WaitStatus)
	return status, known
}
