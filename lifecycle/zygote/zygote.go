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
	control *os.File // in the hands of Go's poller: a goroutine that waits for it holds no thread
	raw     syscall.RawConn
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
	z := &Zygote{exits: make(chan Exit, 64), spawned: make(chan []byte, 1)}
	z.Exits = z.exits
	syscall.SetNonblock(pair[0], true)
	z.control = os.NewFile(uintptr(pair[0]), "zygote")
	if z.raw, err = z.control.SyscallConn(); err != nil {
		z.control.Close()
		return nil, err
	}
	if err := z.execute(config, theirs); err != nil {
		z.control.Close()
		return nil, err
	}
	if err := z.begin(config.Engine, message); err != nil {
		z.control.Close()
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
	if err := z.send(message, nil); err != nil {
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

func (z *Zygote) send(message []byte, fds []int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	var err error
	if waited := z.raw.Write(func(control uintptr) bool {
		err = syscall.Sendmsg(int(control), message, rights, nil, syscall.MSG_NOSIGNAL)
		return err != syscall.EAGAIN && err != syscall.EINTR
	}); waited != nil {
		return waited
	}
	return err
}

func (z *Zygote) receive(buffer []byte) ([]byte, error) {
	var n int
	var err error
	if waited := z.raw.Read(func(control uintptr) bool {
		n, _, err = syscall.Recvfrom(int(control), buffer, 0)
		return err != syscall.EAGAIN && err != syscall.EINTR
	}); waited != nil {
		return nil, waited
	}
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, errGone
	}
	return buffer[:n], nil
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
	fds := make([]int, len(files))
	for i, file := range files {
		fds[i] = int(file.Fd())
	}
	return z.fork(msgFork, payload, fds)
}

// Answer forks a child that answers one CGI request, as lifecycle/handover_child.c reads it from request, and gives its
// pid. The descriptors stay open here.
func (z *Zygote) Answer(request []byte, fds ...int) (int, error) {
	return z.fork(msgAnswer, request, fds)
}

func (z *Zygote) fork(order byte, payload []byte, fds []int) (int, error) {
	message, err := fork(order, payload)
	if err != nil {
		return 0, err
	}
	z.spawn.Lock()
	defer z.spawn.Unlock()
	if err := z.send(message, fds); err != nil {
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
	if err := z.send([]byte{msgDetach}, []int{int(stdio.Fd())}); err != nil {
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
	var err error
	if gone := z.raw.Control(func(control uintptr) { err = syscall.Shutdown(int(control), syscall.SHUT_RDWR) }); gone != nil {
		return gone
	}
	if err != nil && err != syscall.ENOTCONN {
		return err
	}
	err = z.process.Wait()
	for range z.Exits { // the reader ends by the socket's end
	}
	z.control.Close()
	return err
}
