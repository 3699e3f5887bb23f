// Package zygote is the parent's side of a zygote: it starts one, has it fork workers, and learns of their ends.
//
// A zygote is this same program, executed again with a control socket. Before any Go runs in it, it starts PHP once;
// then it forks a worker per Spawn, so that a worker begins with PHP started and shares its memory. The package is
// pure Go and never loads libphp: its process stays one that no extension can crash.
package zygote

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"github.com/phpsapi/phpsapi/sapi"
)

// environment names the control socket's descriptor in the zygote.
const environment = "PHPSAPI_ZYGOTE"

// Config says how to start a zygote.
type Config struct {
	Program string      // the program to execute: phpsapi itself
	Argv    []string    // what the process is to be called; Program where empty
	Engine  string      // the libphp to load
	Module  sapi.Module // what to start
	Env     []string    // its environment, and so its workers'; nil for this process's
	Stdout  *os.File    // nil for this process's
	Stderr  *os.File    // nil for this process's
}

// Exit is a worker's end.
type Exit struct {
	Pid    int
	Status syscall.WaitStatus
}

// Zygote is a running zygote. Its methods may be called from several goroutines.
type Zygote struct {
	// Version is the engine's PHP_VERSION.
	Version string
	// Exits gives each worker's end. It is closed when the zygote itself is gone. It must be read.
	Exits <-chan Exit

	process *exec.Cmd
	control int
	exits   chan Exit
	spawned chan []byte // the answers to fork
	spawn   sync.Mutex
}

// FailedError says that PHP could not be started. Its text is the engine's reason.
type FailedError struct{ Reason string }

func (e *FailedError) Error() string { return e.Reason }

// Start starts a zygote and waits until PHP is started in it. The error is a *sapi.EngineError where libphp could not be
// loaded, a *FailedError where PHP could not be started; PHP has then printed its own messages to Stderr.
func Start(config Config) (*Zygote, error) {
	message, err := start(config.Engine, config.Module)
	if err != nil {
		return nil, err
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("zygote: socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "zygote")
	defer theirs.Close()
	z := &Zygote{control: pair[0], exits: make(chan Exit, 64), spawned: make(chan []byte, 1)}
	z.Exits = z.exits
	if err := z.execute(config, theirs); err != nil {
		syscall.Close(z.control)
		return nil, err
	}
	if err := z.begin(config.Engine, message); err != nil {
		syscall.Close(z.control)
		z.process.Wait()
		return nil, err
	}
	go z.read()
	return z, nil
}

func (z *Zygote) execute(config Config, socket *os.File) error {
	command := exec.Command(config.Program)
	if len(config.Argv) > 0 {
		command.Args = config.Argv
	}
	command.Env = config.Env
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.ExtraFiles = []*os.File{socket}
	command.Env = append(command.Env, environment+"="+strconv.Itoa(3))
	command.Stdin = os.Stdin
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if config.Stdout != nil {
		command.Stdout = config.Stdout
	}
	if config.Stderr != nil {
		command.Stderr = config.Stderr
	}
	// A terminal's Ctrl-C is for the parent, which lets the workers finish.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("zygote: %w", err)
	}
	z.process = command
	return nil
}

// begin has PHP started.
func (z *Zygote) begin(engine string, message []byte) error {
	if err := syscall.Sendmsg(z.control, message, nil, nil, syscall.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("zygote: start: %w", err)
	}
	answer, err := z.receive(make([]byte, 4096))
	if err != nil {
		return fmt.Errorf("zygote: start: %w", err)
	}
	switch answer[0] {
	case msgReady:
		z.Version = string(answer[1:])
		return nil
	case msgLoad:
		return notLoaded(engine, answer[1:])
	case msgFailed:
		return &FailedError{string(answer[1:])}
	}
	return errMalformed
}

var errGone = errors.New("the zygote is gone")

func (z *Zygote) receive(buffer []byte) ([]byte, error) {
	for {
		n, _, err := syscall.Recvfrom(z.control, buffer, 0)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return nil, errGone
		default:
			return buffer[:n], nil
		}
	}
}

// read takes the zygote's messages until it is gone.
func (z *Zygote) read() {
	defer close(z.spawned)
	defer close(z.exits)
	buffer := make([]byte, 4096)
	for {
		message, err := z.receive(buffer)
		if err != nil {
			return
		}
		switch message[0] {
		case msgChild:
			z.spawned <- append([]byte(nil), message[1:]...)
		case msgExit:
			if e, err := exit(message[1:]); err == nil {
				z.exits <- e
			}
		}
	}
}

// Spawn forks a worker, passes it payload and files, and gives its pid. The files stay open here.
func (z *Zygote) Spawn(payload []byte, files ...*os.File) (int, error) {
	message, err := fork(payload)
	if err != nil {
		return 0, err
	}
	fds := make([]int, len(files))
	for i, file := range files {
		fds[i] = int(file.Fd())
	}
	z.spawn.Lock()
	defer z.spawn.Unlock()
	if err := syscall.Sendmsg(z.control, message, syscall.UnixRights(fds...), nil, syscall.MSG_NOSIGNAL); err != nil {
		return 0, fmt.Errorf("zygote: fork: %w", err)
	}
	answer, ok := <-z.spawned
	if !ok {
		return 0, errGone
	}
	return child(answer)
}

// Detach makes stdio the standard input, output and error of the zygote and of the workers it forks from now on. The
// file stays open here.
func (z *Zygote) Detach(stdio *os.File) error {
	z.spawn.Lock()
	defer z.spawn.Unlock()
	rights := syscall.UnixRights(int(stdio.Fd()))
	if err := syscall.Sendmsg(z.control, []byte{msgDetach}, rights, nil, syscall.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("zygote: detach: %w", err)
	}
	return nil
}

// Pid is the zygote's own process.
func (z *Zygote) Pid() int {
	return z.process.Process.Pid
}

// Close lets the zygote exit, and waits for it. Its workers live on, until their own descriptors tell them to end.
func (z *Zygote) Close() error {
	if err := syscall.Shutdown(z.control, syscall.SHUT_RDWR); err != nil && err != syscall.ENOTCONN {
		return err
	}
	err := z.process.Wait()
	for range z.Exits { // the reader ends by the socket's end
	}
	syscall.Close(z.control)
	return err
}
