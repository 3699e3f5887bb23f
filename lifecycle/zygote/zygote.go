package zygote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// AnswerTime is how long a zygote may take to answer an order. A zygote that takes longer is given up, unless it only waits for a
// processor: then it may take SlowTime.
const (
	AnswerTime = 10 * time.Second
	SlowTime   = time.Minute
)

// Config says how to start a zygote.
type Config struct {
	Program string      // the program to execute: phpsapi itself, see Self
	Argv    []string    // what the process is called; Program if empty
	Engine  string      // the libphp to load
	Module  sapi.Module // what to start
	Env     []string    // its environment, and so its workers'; nil for this process's
	Stdout  *os.File    // nil for this process's
	Stderr  *os.File    // nil for this process's
	// Template has the zygote boot an application, whose workers it forks from then on; nil: it forks workers without one.
	Template *Template
	Monitor  bool // a worker has goroutines beside the main one: it gets the Go runtime's monitor, a thread more
	// OwnRuntimes has each worker start a Go runtime of its own. Otherwise the zygote starts one for its first worker, and all have
	// that; those of a template never have.
	OwnRuntimes bool
	// Own is called if each worker starts a Go runtime of its own all the same, with the reason; it may be nil. It must not wait.
	Own func(why string)
	// Executed is called with the zygote's pid as soon as there is one; it may be nil. It runs before PHP starts.
	Executed func(pid int)
	// Stranger is called with the end of a child that the zygote was not asked for, such as one that PHP's start has left;
	// it may be nil. It must not wait.
	Stranger func(pid int, status syscall.WaitStatus)
}

// Zygote is a running zygote. Its methods may be called from several goroutines.
type Zygote struct {
	// Version is the engine's PHP_VERSION.
	Version string

	process  *process
	control  *os.File // in Go's poller: a goroutine that waits for it holds no thread
	raw      syscall.RawConn
	stranger func(int, syscall.WaitStatus)
	own      func(string)
	children keeper
	answers  chan answer   // to orders
	turn     chan struct{} // holds one while an order is out
	done     chan struct{}
	late     atomic.Bool // the boot of a template has taken too long

	// Tests are less patient: answerTime is AnswerTime, and slowTick is how often a zygote that takes longer is looked at.
	answerTime, slowTick time.Duration

	// doubted says that an application runs in the zygote, as the pool's user: what it says may be a lie.
	doubted bool
	strange int // how many ends of strangers it has told, if it is doubted
}

// answer is what an order has come to.
type answer struct {
	child *Child // nil if the order was for none
	err   error
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
	template, err := config.Template.encode()
	if err != nil {
		return nil, err
	}
	z := &Zygote{answerTime: AnswerTime, slowTick: slowTick, stranger: config.Stranger, own: config.Own, doubted: template != nil,
		answers: make(chan answer, 1), turn: make(chan struct{}, 1), done: make(chan struct{})}
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
	err = z.begin(config, message, template)
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

// begin has PHP started, and the template booted if there is to be one.
func (z *Zygote) begin(config Config, message, template []byte) error {
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
		if template != nil {
			return z.boot(template, config.Template.Ruleset, config.Template.Timeout)
		}
		return nil
	case msgLoad:
		return notLoaded(config.Engine, answer[1:])
	case msgFailed:
		return notStarted(string(answer[1:]))
	}
	return errMalformed
}

// Spawn forks a worker and passes it payload and files. The files stay open here.
//
// If the zygote has not answered after AnswerTime (SlowTime, if it only waits for a processor), or before ctx ends, it is given up: it is
// killed, and it is gone. The error is then ErrGone, as it is for any later order; another error is fork's, and the zygote lives.
func (z *Zygote) Spawn(ctx context.Context, payload []byte, files ...*os.File) (*Child, error) {
	fds := make([]int, len(files))
	for i, file := range files {
		fds[i] = int(file.Fd())
	}
	return z.Fork(ctx, "", payload, fds...)
}

// Fork is Spawn for descriptors that are not *os.File. They stay open here. From its birth the worker shows title as its
// command line; an empty one leaves it the zygote's.
func (z *Zygote) Fork(ctx context.Context, title string, payload []byte, fds ...int) (*Child, error) {
	title, _, _ = strings.Cut(title, "\x00")
	return z.fork(ctx, msgFork, append([]byte(title+"\x00"), payload...), fds)
}

// ForkCGI forks a child that answers one CGI request and ends. request is what lifecycle/handover_child.c reads, fds are the descriptors
// that it names; they stay open here. ForkCGI waits as Spawn does.
func (z *Zygote) ForkCGI(ctx context.Context, request []byte, fds ...int) (*Child, error) {
	return z.fork(ctx, msgAnswer, request, fds)
}

func (z *Zygote) fork(ctx context.Context, order byte, payload []byte, fds []int) (*Child, error) {
	message, err := fork(order, payload)
	if err != nil {
		return nil, err
	}
	c, err := z.order(ctx, message, fds)
	if err == nil && c == nil {
		return nil, z.giveUp(errMalformed)
	}
	return c, err
}

// order sends an order and waits for msgChild.
func (z *Zygote) order(ctx context.Context, message []byte, fds []int) (*Child, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, SlowTime, fmt.Errorf("it did not answer within %v", SlowTime))
	defer cancel()
	if err := z.wait(ctx); err != nil {
		return nil, fmt.Errorf("zygote: fork: %w", err)
	}
	defer func() { <-z.turn }()
	deadline, _ := ctx.Deadline()
	if err := z.send(message, fds, deadline); err != nil {
		return nil, z.giveUp(err)
	}
	patience := time.NewTicker(z.answerTime - 2*z.slowTick) // a look goes through all of /proc: as a rule there is an answer before the first
	defer patience.Stop()
	spent := int64(-1) // at the last look; -1: there was none
	idle := false      // at the last look; the answer may have come with it, and be read afterwards
	for {
		select {
		case a, ok := <-z.answers:
			switch {
			case !ok:
				return nil, ErrGone
			case errors.Is(a.err, errMalformed):
				return nil, z.giveUp(a.err)
			}
			return a.child, a.err
		case <-patience.C:
			now, runs := z.busy()
			was := idle
			if idle = now <= spent && !runs; idle && was {
				return nil, z.giveUp(fmt.Errorf("it did not answer within %v", z.answerTime))
			}
			spent = now
			patience.Reset(z.slowTick)
		case <-ctx.Done():
			return nil, z.giveUp(context.Cause(ctx))
		}
	}
}

// wait waits until no order is out. The caller's is next.
func (z *Zygote) wait(ctx context.Context) error {
	select {
	case z.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for other orders: %w", context.Cause(ctx))
	}
}

// Detach makes stdio the standard input, output and error of the zygote and of the workers that it forks from now on. The
// file stays open here. Detach does not wait until the zygote has done so, but until there is room for the order, and as long as Spawn.
func (z *Zygote) Detach(ctx context.Context, stdio *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, SlowTime)
	defer cancel()
	if err := z.wait(ctx); err != nil {
		return fmt.Errorf("zygote: detach: %w", err)
	}
	defer func() { <-z.turn }()
	deadline, _ := ctx.Deadline()
	if err := z.send([]byte{msgDetach}, []int{int(stdio.Fd())}, deadline); err != nil {
		return z.giveUp(err)
	}
	return nil
}

// Children returns the children whose ends were not told yet; none if the zygote is gone.
func (z *Zygote) Children() []*Child { return z.children.children() }

// Done is closed when the zygote is gone or was given up. Done of each of its children is closed then.
func (z *Zygote) Done() <-chan struct{} { return z.done }

// Pid returns the pid of the zygote's own process.
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

// Kill ends the zygote at once; Close still has to be called. Its workers live on, as after Close.
func (z *Zygote) Kill() {
	z.process.kill()
	z.hangUp()
}

// Close lets the zygote exit, and waits for it; if it does not exit within half a second, it is killed. Its workers live on,
// until their own descriptors tell them to end. The error is that even SIGKILL had no effect.
func (z *Zygote) Close() error {
	z.hangUp()
	return z.process.end(closeTime)
}

// End is Close, but the zygote is killed after patience.
func (z *Zygote) End(patience time.Duration) error {
	defer time.AfterFunc(patience, z.Kill).Stop()
	return z.Close()
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
	defer close(z.done)
	defer z.children.close()
	defer close(z.answers)
	defer z.control.Close()
	buffer := make([]byte, 4096)
	for {
		message, err := z.receive(buffer)
		if err != nil {
			return
		}
		switch message[0] {
		case msgChild:
			select {
			case z.answers <- z.birth(message[1:]):
			default:
				z.giveUp(errMalformed) // nobody has asked
			}
		case msgOwn:
			if z.own != nil && !z.doubted { // no zygote of a template has reason to
				z.own(string(message[1:]))
			}
		case msgExit:
			if pid, status, peak, err := exit(message[1:]); err == nil && !z.children.end(pid, status, peak) && z.stranger != nil && z.countStranger() {
				z.stranger(pid, status)
			}
		}
	}
}

// mostStrangers is of how many strangers a doubted zygote may tell the end.
const mostStrangers = 100

// countStranger counts the end of a stranger. It reports whether that is told on.
func (z *Zygote) countStranger() bool {
	z.strange++
	return !z.doubted || z.strange <= mostStrangers
}

// birth takes the answer to an order.
func (z *Zygote) birth(body []byte) answer {
	pid, err := child(body)
	if err != nil || pid == 0 {
		return answer{nil, err}
	}
	proved := true
	if z.doubted {
		var lie bool
		if proved, lie = z.hasChild(pid); lie {
			return answer{nil, errMalformed}
		}
	}
	c := z.children.birth(z, pid, ticks())
	if c == nil {
		return answer{nil, errMalformed}
	}
	c.doubted = !proved
	return answer{c, nil}
}

// hasChild reports whether the kernel says that a process is the zygote's child, and whether it says that it is another's. It says
// neither if the process has ended already.
func (z *Zygote) hasChild(pid int) (is, isNot bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false, false
	}
	parent, _, _, ok := parseStat(text)
	return ok && parent == z.process.pid, ok && parent != z.process.pid
}

// Control returns the descriptor of the control socket, which stays the zygote's: a program that this process executes in its own
// place may keep the zygote alive with it.
func (z *Zygote) Control() (fd int) {
	fd = -1
	z.raw.Control(func(n uintptr) { fd = int(n) })
	return fd
}
