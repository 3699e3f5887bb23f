package master

// The test binary plays all parts: the test, the master (executed with role=master) and its workers (role=worker),
// which are executed by a forker that takes the zygote's place. No PHP runs.

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

const roleVariable = "MASTER_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	os.Unsetenv(roleVariable)
	switch role {
	case "master":
		os.Exit(fakeMaster())
	case "worker":
		os.Exit(fakeWorker())
	case "front":
		os.Exit(fakeFront())
	case "operator":
		os.Exit(operatorRole())
	}
	os.Exit(m.Run())
}

// fakeMaster is the master with workers that are no PHP.
func fakeMaster() int {
	sys := realSystem()
	sys.start = startFakeZygote
	sys.constants = tellFakeConstants
	sys.certificatesInterval = 100 * time.Millisecond
	if patience, err := time.ParseDuration(os.Getenv("MASTER_TEST_ASK_PATIENCE")); err == nil {
		sys.askPatience = patience
	}
	if patience, err := time.ParseDuration(os.Getenv("MASTER_TEST_PATIENCE")); err == nil {
		sys.patience = patience
	}
	sys.startFront = func(c companion.Command) (int, error) {
		c.Program = "/proc/self/exe"
		return companion.Execute(c, roleVariable+"=front", "MASTER_TEST_NO_FRONT="+os.Getenv("MASTER_TEST_NO_FRONT"))
	}
	no := false
	options := Options{
		Conf: conf.Options{Path: os.Args[1], AllowRoot: true, Daemonize: &no}, ForceStderr: os.Getenv("MASTER_TEST_LOG") == "", Argv: []string{"php-fpm"},
		Choose: testEngine, Module: testModule, Constants: testConstants,
		Settings: settings.Source{File: os.Getenv("MASTER_TEST_SETTINGS")},
	}
	return run(options, sys)
}

// testEngine, testModule and testConstants are what Options know of an engine if there is none.
func testEngine(asked engines.Asked) (engines.Choice, error) {
	return engines.Machine{Root: "/nowhere"}.Choose(asked, []string{"8.2", "8.4"})
}

func testModule(_ engines.Choice, at sapi.Places) sapi.Module {
	return sapi.Module{INI: sapi.INI{Path: at.Dir}}
}

func testConstants(engines.Choice) func(string) (string, bool) { return ini.Constant }

// alive is how many workers there are, of all zygotes. MASTER_TEST_ROOM names a file that may say how many there may be.
var alive atomic.Int32

// fakeZygote forks by executing. It fails as long as a file that the environment names is there: MASTER_TEST_NO_ENGINE,
// its start; MASTER_TEST_HANG, its start ends with its context only; MASTER_TEST_SILENT, it does not answer; and it dies
// when MASTER_TEST_DIES is there, which it removes.
type fakeZygote struct {
	done    chan struct{}
	running sync.WaitGroup
	mu      sync.Mutex
	dead    bool
}

// noteRefusal takes down, beside the file that says so, that a worker could not be had.
func noteRefusal(file string) {
	if f, err := os.OpenFile(file+".refused", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		f.WriteString("x")
		f.Close()
	}
}

// fakeChild is a process that a fakeZygote has forked.
type fakeChild struct {
	pid    int
	done   chan struct{}
	status syscall.WaitStatus
	known  bool
}

func (c *fakeChild) Pid() int                           { return c.pid }
func (c *fakeChild) Signal(signal syscall.Signal) error { return syscall.Kill(c.pid, signal) }
func (c *fakeChild) Done() <-chan struct{}              { return c.done }
func (c *fakeChild) Peak() int64                        { return 0 }
func (c *fakeChild) Status() (syscall.WaitStatus, bool) {
	select {
	case <-c.done:
		return c.status, c.known
	default:
		return 0, false
	}
}

// anyPHP is for generation.assign: all pools want the same PHP.
func anyPHP(int, *pool) zygote.Config { return zygote.Config{} }

func there(variable string) bool {
	_, err := os.Stat(os.Getenv(variable))
	return err == nil
}

// watch waits for the order to die. A name that ends in the engine's version is of that engine alone.
func (z *fakeZygote) watch(version string) {
	for os.Remove(os.Getenv("MASTER_TEST_DIES")) != nil && os.Remove(os.Getenv("MASTER_TEST_DIES")+version) != nil {
		time.Sleep(10 * time.Millisecond)
	}
	z.die()
}

func (z *fakeZygote) die() {
	z.mu.Lock()
	defer z.mu.Unlock()
	if !z.dead {
		z.dead = true
		close(z.done)
	}
}

func startFakeZygote(ctx context.Context, config zygote.Config) (forker, error) {
	if said, err := os.ReadFile(os.Getenv("MASTER_TEST_SAYS")); err == nil {
		config.Stderr.Write(said)
	}
	version := "-" + strings.TrimSuffix(strings.TrimPrefix(config.Engine, "libphp"), ".so")
	for _, file := range []string{os.Getenv("MASTER_TEST_NO_ENGINE"), os.Getenv("MASTER_TEST_NO_ENGINE") + version} {
		if why, err := os.ReadFile(file); err == nil {
			return nil, &zygote.FailedError{Reason: string(why)}
		}
	}
	if there("MASTER_TEST_HANG") {
		os.WriteFile(os.Getenv("MASTER_TEST_HANG"), []byte("hangs"), 0o600)
		<-ctx.Done()
		return nil, &zygote.FailedError{Reason: "PHP's start was interrupted", Err: ctx.Err()}
	}
	z := &fakeZygote{done: make(chan struct{})}
	z.running.Add(1)
	if os.Getenv("MASTER_TEST_DIES") != "" {
		go z.watch(version)
	}
	return z, nil
}

// tellFakeConstants knows the lines NAME=VALUE of the file that MASTER_TEST_CONSTANTS names. If there is no such file it hangs. A
// PHP without php.ini is asked for its places: MASTER_TEST_PLACES, of which each question is noted.
func tellFakeConstants(ctx context.Context, config zygote.Config) (map[string]string, error) {
	if config.Module.INI.Ignore {
		places := os.Getenv("MASTER_TEST_PLACES")
		if places == "" {
			return nil, nil
		}
		if f, err := os.OpenFile(places+"/asked", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintln(f, config.Engine)
			f.Close()
		}
		return map[string]string{"PHP_CONFIG_FILE_PATH": places, "PHP_CONFIG_FILE_SCAN_DIR": places}, nil
	}
	file := os.Getenv("MASTER_TEST_CONSTANTS")
	text, err := os.ReadFile(file)
	if err != nil {
		os.WriteFile(file+".asked", []byte("hangs"), 0o600)
		config.Stderr.WriteString("PHP Warning:  it is slow\nor ill\n")
		<-ctx.Done()
		return nil, &zygote.FailedError{Reason: "PHP does not start", Err: ctx.Err()}
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		known[name] = value
	}
	return known, nil
}

func (z *fakeZygote) Fork(ctx context.Context, title string, payload []byte, fds ...int) (process, error) {
	if there("MASTER_TEST_SILENT") {
		os.WriteFile(os.Getenv("MASTER_TEST_SILENT"), []byte("silent"), 0o600)
		<-ctx.Done()
		z.die()
		return nil, zygote.ErrGone
	}
	files := []uintptr{0, 1, 2}
	for _, fd := range fds {
		files = append(files, uintptr(fd))
	}
	if room, err := os.ReadFile(os.Getenv("MASTER_TEST_ROOM")); err == nil {
		if most, _ := strconv.Atoi(strings.TrimSpace(string(room))); int(alive.Load()) >= most {
			noteRefusal(os.Getenv("MASTER_TEST_ROOM"))
			return nil, fmt.Errorf("fork: %w", syscall.EAGAIN)
		}
	}
	pid, _, err := syscall.StartProcess("/proc/self/exe", []string{"worker"}, &syscall.ProcAttr{
		Env: append(os.Environ(), roleVariable+"=worker", "PAYLOAD="+hex.EncodeToString(payload)), Files: files})
	if err != nil {
		return nil, err
	}
	c := &fakeChild{pid: pid, done: make(chan struct{})}
	z.running.Add(1)
	alive.Add(1)
	go func() {
		defer z.running.Done()
		defer close(c.done)
		defer alive.Add(-1)
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			return // the master has taken it for an orphan of its own, and knows
		}
		z.mu.Lock()
		defer z.mu.Unlock()
		c.status, c.known = status, !z.dead
	}()
	if there("MASTER_TEST_SLOW_FORK") { // the worker may end first
		time.Sleep(100 * time.Millisecond)
	}
	return c, nil
}

func (z *fakeZygote) Pid() int                               { return -1 }
func (z *fakeZygote) Done() <-chan struct{}                  { return z.done }
func (z *fakeZygote) Detach(context.Context, *os.File) error { return nil }
func (z *fakeZygote) Close() error {
	z.running.Done()
	z.mu.Lock()
	dead := z.dead
	z.mu.Unlock()
	if !dead {
		z.running.Wait()
		z.die()
	}
	return nil
}

// fakeWorker answers lines: a word and an argument.
type worker struct {
	spec    *contract.Spec
	slot    *scoreboard.Slot
	control int
	listen  int
	kept    int // an idle kept connection; -1: none
	quit    bool
}

func fakeWorker() int {
	signal.Reset()
	payload, _ := hex.DecodeString(os.Getenv("PAYLOAD"))
	spec, err := contract.Decode(payload)
	if err != nil {
		return 99
	}
	fd := func(f contract.File) int { return 3 + spec.File(f) }
	if _, err := os.Stat(os.Getenv("MASTER_TEST_NO_WORKER")); err == nil {
		return 70
	}
	if there("MASTER_TEST_NO_THREADS") {
		noteRefusal(os.Getenv("MASTER_TEST_NO_THREADS"))
		return exitNoThreads
	}
	slot, err := scoreboard.OpenSlot(fd(contract.Scoreboard), spec.Slots, spec.Slot)
	if err != nil {
		return 98
	}
	w := &worker{spec: spec, slot: slot, control: fd(contract.Control), listen: fd(contract.Listen), kept: -1}
	if spec.File(contract.Stderr) >= 0 {
		unix.Dup3(fd(contract.Stderr), 2, 0)
		unix.Close(fd(contract.Stderr))
		unix.Close(fd(contract.Stdout))
	}
	if spec.File(contract.TraceSocket) >= 0 {
		go answerTraces(fd(contract.TraceSocket))
	}
	slot.Accepting()
	w.say(contract.Ready, "", -1)
	for !w.quit {
		w.wait()
	}
	if w.kept >= 0 {
		w.say(contract.Park, "", w.kept)
	}
	return 0
}

// answerTraces tells a stack, and lines that no stack has.
func answerTraces(socket int) {
	for b := make([]byte, 10); ; {
		if n, err := unix.Read(socket, b); n <= 0 || err != nil {
			return
		}
		for _, s := range []string{"Tscript_filename = /x.php\n[0x1] f", "T() /x.php:1\n\n[26-Nov-2026 00:00:00]  [pool other] pid 7\n", "S", "S", "Tlate"} {
			unix.Sendmsg(socket, []byte(s), nil, nil, 0)
		}
	}
}

func (w *worker) say(letter byte, text string, fd int) {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	unix.Sendmsg(w.control, append([]byte{letter}, text...), rights, nil, 0)
}

// wait takes one message, connection or request.
func (w *worker) wait() {
	fds := []unix.PollFd{{Fd: int32(w.control), Events: unix.POLLIN}, {Fd: int32(w.listen), Events: unix.POLLIN}, {Fd: int32(w.kept), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, -1); err != nil {
		return
	}
	switch {
	case fds[0].Revents != 0:
		w.obey()
	case fds[2].Revents != 0:
		conn := w.kept
		w.kept = -1
		w.serve(conn)
	case fds[1].Revents != 0:
		conn, _, err := unix.Accept4(w.listen, unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		w.slot.CountConnection()
		w.parkKept()
		w.serve(conn)
	}
}

func (w *worker) parkKept() {
	if w.kept >= 0 {
		w.say(contract.Park, "", w.kept)
		unix.Close(w.kept)
		w.kept = -1
	}
}

func (w *worker) obey() {
	letter, fd := w.receive()
	switch letter {
	case 0, contract.Quit:
		w.quit = true
	case contract.Yield:
		w.quit = true
		w.say(contract.Yielded, "", -1)
	case contract.WhenIdle:
		w.say(contract.Idle, "", -1)
		for {
			letter, fd := w.receive()
			switch letter {
			case contract.Connection:
				w.parkKept()
				w.serve(fd)
				return
			case contract.Nothing:
				return
			case contract.Yield:
				w.say(contract.Yielded, "", -1)
				fallthrough
			case 0, contract.Quit:
				w.quit = true
				return
			}
		}
	case contract.AccessLog:
		unix.Write(fd, []byte("new access log\n"))
		unix.Close(fd)
	}
}

func (w *worker) receive() (letter byte, fd int) {
	b, oob := make([]byte, 100), make([]byte, 100)
	n, oobn, _, _, err := unix.Recvmsg(w.control, b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		return 0, -1
	}
	return b[0], channel.FirstDescriptor(oob[:oobn])
}

// serve answers one line of a connection, and keeps it where the line says so.
func (w *worker) serve(fd int) {
	conn, err := net.FileConn(os.NewFile(uintptr(fd), "conn")) // duplicates
	if err != nil {
		return
	}
	defer conn.Close()
	w.slot.ReadingHeaders()
	lines := bufio.NewReader(conn)
	line, _ := lines.ReadString('\n')
	word, argument, _ := strings.Cut(strings.TrimSpace(line), " ")
	w.slot.Info(&scoreboard.Request{})
	w.slot.Executing()
	switch word {
	case "sleep":
		ms, _ := strconv.Atoi(argument)
		time.Sleep(time.Duration(ms) * time.Millisecond)
	case "hold":
		if argument == "" {
			fmt.Fprintln(conn, "holding")
		}
		lines.ReadString('\n')
	case "kill":
		// Go's runtime would make an exit of some signals.
		syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -" + argument + " $$; sleep 1"}, nil)
	case "scribble":
		scribble(w.slot)
		syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -" + argument + " $$; sleep 1"}, nil)
	case "panic":
		if w.spec.File(contract.CrashOutput) >= 0 {
			debug.SetCrashOutput(os.NewFile(uintptr(3+w.spec.File(contract.CrashOutput)), "crash output"), debug.CrashOptions{})
		}
		panic(argument)
	case "exit":
		n, _ := strconv.Atoi(argument)
		os.Exit(n)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(conn, "ignoring")
		time.Sleep(2 * patience)
	case "print":
		fmt.Fprintln(os.Stderr, argument)
	case "log":
		text, _ := strconv.Unquote(argument)
		w.say(contract.Log, "3"+text, -1)
	case "flood":
		text := strings.Repeat("x", 900)
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			for _, letter := range "LIRPxL" {
				w.say(byte(letter), "3"+text, w.listen)
			}
		}
	case "linger":
		w.say(contract.Park, "", lingering(argument))
	}
	fmt.Fprintf(conn, "pool %s generation %d slot %d pid %d\n", w.spec.Pool.Name, w.spec.Generation, w.spec.Slot, os.Getpid())
	w.slot.Finished()
	w.quit = w.quit || there("MASTER_TEST_ONE_REQUEST")
	if word == "keep" {
		if w.kept, err = unix.FcntlInt(fdOf(conn), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			w.kept = -1
		}
	}
	w.slot.Accepting()
}

func fdOf(conn net.Conn) (fd uintptr) {
	raw, _ := conn.(syscall.Conn).SyscallConn()
	raw.Control(func(n uintptr) { fd = n })
	return fd
}

// lingering is a connection to an address where nobody reads, so full that closing it waits for an hour.
func lingering(address string) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return -1
	}
	raw, _ := conn.(*net.TCPConn).SyscallConn()
	fd := -1
	raw.Control(func(n uintptr) { fd, _ = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0) })
	conn.Close()
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600})
	for junk := make([]byte, 1<<16); ; {
		if _, err := unix.Write(fd, junk); err != nil {
			return fd
		}
	}
}
