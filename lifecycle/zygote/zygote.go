package zygote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// AnswerTime is how long a zygote may take to answer an order. One that takes longer is given up.
const AnswerTime = 10 * time.Second

// Config says how to start a zygote.
type Config struct {
	Program string      // the program to execute: phpsapi itself, see Self
	Argv    []string    // what the process is called; Program if empty
	Engine  string      // the libphp to load
	Module  sapi.Module // what to start
	Env     []string    // its environment, and so its workers'; nil for this process's
	Stdout  *os.File    // nil for this process's
	Stderr  *os.File    // nil for this process's
	Monitor bool        // a worker has goroutines beside the main one: it gets the Go runtime's monitor, a thread more
	// Executed is called with the zygote's pid as soon as there is one; it may be nil. It runs before PHP starts.
	Executed func(pid int)
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
	// Exits delivers each worker's end. It is closed when the zygote is gone or given up. It must be read until Close.
	Exits <-chan Exit

	process *process
	control *os.File // in Go's poller: a goroutine that waits for it holds no thread
	raw     syscall.RawConn
	exits   chan Exit
	answers chan []byte   // to orders to fork
	turn    chan struct{} // holds one while an order is out
	close   sync.Once
	closed  chan struct{} // closed by Close: nobody reads exits any more
}

// Start starts a zygote and returns when PHP has started in it. If ctx ends first, the zygote's process group is killed,
// and so it is if PHP's start fails otherwise: nothing of it is left when Start returns.
//
// The error is a *sapi.EngineError if libphp could not be loaded, a *FailedError if PHP could not be started. PHP has
// then printed its own messages to Stderr.
func Start(ctx context.Context, config Config) (*Zygote, error) {
	message, err := start(config)
	if err != nil {
		return nil, err
	}
	z := &Zygote{exits: make(chan Exit, 64), answers: make(chan []byte, 1), turn: make(chan struct{}, 1), closed: make(chan struct{})}
	z.Exits = z.exits
	theirs, err := z.connect()
	if err != nil {
		return nil, err
	}
	z.process, err = execute(config, theirs, z.hangUp)
	theirs.Close() // else this process would never see the end of a zygote that dies
	if err != nil {
		z.control.Close()
		return nil, err
	}
	began := time.Now()
	stop := context.AfterFunc(ctx, z.process.kill)
	err = z.begin(config.Engine, message)
	if !stop() || err == nil && !z.process.begun() {
		err = errors.Join(err, ErrGone)
	}
	if err != nil {
		if errors.Is(err, errMalformed) {
			z.process.kill()
		}
		z.process.end(failTime)
		z.control.Close()
		return nil, z.failure(ctx, err, began)
	}
	go z.read()
	return z, nil
}

// connect makes the control socket. theirs is the zygote's end.
func (z *Zygote) connect() (theirs *os.File, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("zygote: socketpair: %w", err)
	}
	syscall.SetNonblock(pair[0], true)
	z.control, theirs = os.NewFile(uintptr(pair[0]), "zygote"), os.NewFile(uintptr(pair[1]), "zygote")
	if z.raw, err = z.control.SyscallConn(); err != nil {
		z.control.Close()
		theirs.Close()
		return nil, fmt.Errorf("zygote: %w", err)
	}
	return theirs, nil
}

// begin has PHP started.
func (z *Zygote) begin(engine string, message []byte) error {
	if err := z.send(message, nil, time.Now().Add(AnswerTime)); err != nil {
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
		return notStarted(string(answer[1:]))
	}
	return errMalformed
}

// Spawn forks a worker, passes it payload and files, and returns its pid. The files stay open here.
//
// If the zygote has not answered after AnswerTime, or before ctx ends, it is given up: it is killed and Exits is closed.
// The error is then ErrGone, as it is for any later order; another error is fork's, and the zygote lives.
func (z *Zygote) Spawn(ctx context.Context, payload []byte, files ...*os.File) (int, error) {
	fds := make([]int, len(files))
	for i, file := range files {
		fds[i] = int(file.Fd())
	}
	return z.Fork(ctx, "", payload, fds...)
}

// Fork is Spawn for descriptors that are not *os.File. They stay open here. From its birth the worker shows title as its
// command line; an empty one leaves it the zygote's.
func (z *Zygote) Fork(ctx context.Context, title string, payload []byte, fds ...int) (int, error) {
	title, _, _ = strings.Cut(title, "\x00")
	return z.fork(ctx, msgFork, append([]byte(title+"\x00"), payload...), fds)
}

// Answer forks a child that answers one CGI request, as lifecycle/handover_child.c reads it from request, and returns its
// pid. The descriptors stay open here. It waits as Spawn does.
func (z *Zygote) Answer(ctx context.Context, request []byte, fds ...int) (int, error) {
	return z.fork(ctx, msgAnswer, request, fds)
}

func (z *Zygote) fork(ctx context.Context, order byte, payload []byte, fds []int) (int, error) {
	message, err := fork(order, payload)
	if err != nil {
		return 0, err
	}
	return z.order(ctx, message, fds)
}

// order sends an order and waits for msgChild.
func (z *Zygote) order(ctx context.Context, message []byte, fds []int) (int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, AnswerTime, fmt.Errorf("it did not answer within %v", AnswerTime))
	defer cancel()
	select {
	case z.turn <- struct{}{}:
		defer func() { <-z.turn }()
	case <-ctx.Done():
		return 0, fmt.Errorf("zygote: fork: waiting for other orders: %w", context.Cause(ctx))
	}
	deadline, _ := ctx.Deadline()
	if err := z.send(message, fds, deadline); err != nil {
		return 0, z.giveUp(err)
	}
	select {
	case answer, ok := <-z.answers:
		if !ok {
			return 0, ErrGone
		}
		pid, err := child(answer)
		if errors.Is(err, errMalformed) {
			return 0, z.giveUp(err)
		}
		return pid, err
	case <-ctx.Done():
		return 0, z.giveUp(context.Cause(ctx))
	}
}

// Detach makes stdio the standard input, output and error of the zygote and of the workers it forks from now on. The
// file stays open here. It does not wait for the zygote, but for room for the order, and as long as Spawn.
func (z *Zygote) Detach(stdio *os.File) error {
	deadline := time.Now().Add(AnswerTime)
	timeout := time.NewTimer(AnswerTime)
	defer timeout.Stop()
	select {
	case z.turn <- struct{}{}:
		defer func() { <-z.turn }()
	case <-timeout.C:
		return fmt.Errorf("zygote: detach: %w", os.ErrDeadlineExceeded)
	}
	if err := z.send([]byte{msgDetach}, []int{int(stdio.Fd())}, deadline); err != nil {
		return z.giveUp(err)
	}
	return nil
}

// Pid is the zygote's own process.
func (z *Zygote) Pid() int { return z.process.pid }

// giveUp ends a zygote that cannot be talked to. It returns ErrGone with the reason.
func (z *Zygote) giveUp(why error) error {
	z.process.kill()
	z.hangUp()
	return fmt.Errorf("%w: %w", ErrGone, why)
}

// hangUp ends the conversation. What the zygote has said can still be read; then the reader ends.
func (z *Zygote) hangUp() {
	z.raw.Control(func(control uintptr) { syscall.Shutdown(int(control), syscall.SHUT_RDWR) })
}

// Close lets the zygote exit, and waits for it; if it does not exit within half a second, it is killed. Its workers live on,
// until their own descriptors tell them to end. The error is that even SIGKILL had no effect.
func (z *Zygote) Close() error {
	z.hangUp()
	err := z.process.end(closeTime)
	z.close.Do(func() { close(z.closed) })
	return err
}

func (z *Zygote) send(message []byte, fds []int, deadline time.Time) error {
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	z.control.SetWriteDeadline(deadline)
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
		return nil, ErrGone
	}
	return buffer[:n], nil
}

// read takes the zygote's messages until it is gone.
func (z *Zygote) read() {
	defer z.control.Close()
	defer close(z.answers)
	defer close(z.exits)
	buffer := make([]byte, 4096)
	for {
		message, err := z.receive(buffer)
		if err != nil {
			return
		}
		switch message[0] {
		case msgChild:
			select {
			case z.answers <- append([]byte(nil), message[1:]...):
			default:
				z.giveUp(errMalformed) // nobody has asked
			}
		case msgExit:
			if e, err := exit(message[1:]); err == nil {
				z.deliver(e)
			}
		}
	}
}

// deliver hands a worker's end on, unless nobody reads it any more.
func (z *Zygote) deliver(e Exit) {
	select {
	case z.exits <- e:
	default:
		select {
		case z.exits <- e:
		case <-z.closed:
		}
	}
}
