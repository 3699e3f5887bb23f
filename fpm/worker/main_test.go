package worker

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
	"github.com/phpsapi/phpsapi/test/wait"
)

// TestMain makes the test binary its own zygote's worker.
func TestMain(m *testing.M) {
	var room *Room
	if w := lifecycle.BecomeWorker(func(message string) { fmt.Fprintln(os.Stderr, message) }, func(string) { room = Prepare() }); w != nil {
		if spec, err := contract.Decode(w.Payload); err == nil && spec.Pool.Name == panics {
			w.MakeThreads()
			go panicWhenAsked(spec.Pool.Prefix.Value)
		}
		os.Exit(Main(w, room))
	}
	os.Exit(m.Run())
}

// A pool is one worker or more of the test's, with the test as their master.
type pool struct {
	Dir    string
	Socket string
	t      testing.TB
	conf   conf.Pool
	zygote *zygote.Zygote
	ended  chan *zygote.Child
	board  *scoreboard.Board
	listen *os.File
	stderr string // a file that takes the workers' standard error

	traced  bool // workers get a trace socket
	caught  bool // workers get pipes as standard output and error
	crashes bool // workers get a pipe for what Go's runtime prints in a panic
	workers []*child

	script *contract.WorkerMode // workers run a worker script
	others [2]*os.File          // the ends to read from and to write to of the socket for connections that they hand on
	handed bool                 // workers take connections there

	soft, client time.Duration // of Spec.SoftTimeout and Spec.ClientCheck

	web *webSide // workers speak HTTP; nil: they don't
}

// child is a worker as its master sees it.
type child struct {
	pid     int
	control int
	trace   int
	crash   *os.File // the end to read of the pipe for a panic's trace
	said    []string // with a worker script: what it has said before it was ready
	output  [2]int   // the ends to read of its standard output and error; they do not wait
	rescue  int      // the end to read of its rescue socket
}

// padding makes room for a process title.
var padding = "PADDING=" + strings.Repeat("x", 100)

// slots is how many workers a test's pool may have.
const slots = 8

// newPool makes a pool without a worker.
func newPool(t testing.TB, configure func(*conf.Pool), settings ...sapi.Setting) *pool {
	t.Helper()
	return newPoolOf(t, func(*sapi.Module) {}, configure, settings...)
}

// newPoolOf changes the module that the zygote starts.
func newPoolOf(t testing.TB, change func(*sapi.Module), configure func(*conf.Pool), settings ...sapi.Setting) *pool {
	t.Helper()
	p := &pool{Dir: t.TempDir(), t: t, conf: conf.Pool{Name: "www", Domain: conf.Unix, ProcessPriority: conf.PriorityUnset,
		PM: conf.Static, MaxChildren: slots}, ended: make(chan *zygote.Child, slots)}
	if configure != nil {
		configure(&p.conf)
	}
	dir, err := os.MkdirTemp("", "worker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p.Socket = filepath.Join(dir, "fpm.sock")
	p.listen = listen(t, p.Socket)
	if p.board, err = scoreboard.Create(slots); err != nil {
		t.Fatal(err)
	}
	p.board.Publish(scoreboard.Pool{Name: "www", PM: "static", StartEpoch: time.Now().Unix()})
	p.stderr = filepath.Join(p.Dir, "stderr")
	stderr, err := os.Create(p.stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	entries := ""
	for _, s := range settings {
		entries += s.Name + "=" + s.Value + "\n"
	}
	module := sapi.Module{Name: sapi.FPM, PrettyName: "FPM/FastCGI", Binary: program,
		INI: sapi.INI{Ignore: true, Entries: entries}}
	change(&module)
	engine, err := lifecycle.Choose(engines.Asked{Environment: os.Getenv(engines.Variable)})
	if err != nil {
		t.Fatal(err)
	}
	p.zygote, err = zygote.Start(context.Background(), zygote.Config{
		Program: program, Engine: engine.Library, Stdout: stderr, Stderr: stderr,
		Env:    []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "PADDING=" + strings.Repeat("x", 100)},
		Module: module, Monitor: p.conf.RequestSlowlogTimeout > 0 || p.conf.Name == panics,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// slowLog is for a pool whose workers have a thread for the slow log.
func slowLog(c *conf.Pool) { c.RequestSlowlogTimeout = 1e9 }

// listen makes a listening socket that does not block, as the master's are.
func listen(t testing.TB, path string) *os.File {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), path)
}

// spawn forks a worker and waits until it is ready.
func (p *pool) spawn() *child {
	p.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	slot := len(p.workers)
	spec := &contract.Spec{Identity: identity(p.t), Generation: 1, Slot: slot, Slots: slots, MasterPid: os.Getpid(), Pool: &p.conf,
		SoftTimeout: p.soft, ClientCheck: p.client,
		Files: []contract.File{contract.Listen, contract.Scoreboard, contract.Control}}
	files := []*os.File{p.listen, p.board.File(), os.NewFile(uintptr(pair[1]), "control")}
	if spec.Handed = p.handed; p.handed {
		files[0] = p.others[0]
	} else if spec.WorkerMode = p.script; p.script != nil && p.others[1] != nil {
		spec.Files = append(spec.Files, contract.Others)
		files = append(files, p.others[1])
	}
	c := &child{control: pair[0]}
	if p.traced {
		traces, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			p.t.Fatal(err)
		}
		c.trace = traces[0]
		spec.Files = append(spec.Files, contract.TraceSocket)
		files = append(files, os.NewFile(uintptr(traces[1]), "trace"))
		defer files[len(files)-1].Close()
	}
	if p.crashes {
		in, out, err := os.Pipe()
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { in.Close() })
		c.crash = in
		spec.Files = append(spec.Files, contract.CrashOutput)
		files = append(files, out)
		defer out.Close()
	}
	if p.caught {
		for i, what := range []contract.File{contract.Stdout, contract.Stderr} {
			var ends [2]int
			if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
				p.t.Fatal(err)
			}
			unix.SetNonblock(ends[0], true)
			p.t.Cleanup(func() { unix.Close(ends[0]) })
			c.output[i] = ends[0]
			spec.Files = append(spec.Files, what)
			f := os.NewFile(uintptr(ends[1]), string(what))
			files = append(files, f)
			defer f.Close()
		}
	}
	if p.web != nil {
		files = append(files, p.web.give(p.t, spec, c)...)
	}
	payload := spec.Encode()
	p.board.Occupy(slot)
	fds := make([]int, len(files))
	for i, file := range files {
		fds[i] = int(file.Fd())
	}
	if i := spec.File(contract.CrashOutput); i >= 0 {
		unix.SetNonblock(fds[i], true) // as an earlier worker leaves it
	}
	process, err := p.zygote.Fork(context.Background(), contract.WorkerTitle(p.conf.Name), payload, fds...)
	files[2].Close()
	if err != nil {
		p.t.Fatal(err)
	}
	go func() {
		<-process.Done()
		p.ended <- process
	}()
	unix.SetNonblock(int(p.listen.Fd()), true)
	if p.web != nil {
		p.web.given(c)
	}
	if p.handed {
		unix.SetNonblock(int(p.others[0].Fd()), true)
	}
	c.pid = process.Pid()
	p.board.SetPid(slot, c.pid)
	p.workers = append(p.workers, c)
	for {
		letter, _, text := c.receive(p.t)
		if letter == contract.Ready {
			break
		}
		if p.script != nil && (letter == contract.Log || letter == contract.Say || letter == contract.Unbooted) {
			c.said = append(c.said, string(letter)+text)
			if letter == contract.Unbooted {
				c.say(contract.StandIn, -1)
			}
			continue
		}
		p.t.Fatalf("the worker said %c%s, want Ready; stderr: %s", letter, text, p.log())
	}
	return c
}

// identity is who the workers are: the test's own user.
func identity(t testing.TB) contract.Identity {
	t.Helper()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return contract.Identity{User: who.Username, Home: who.HomeDir}
}

// receive takes the worker's next message; letter 0: it is gone.
func (c *child) receive(t testing.TB) (letter byte, fd int, text string) {
	t.Helper()
	polled := []unix.PollFd{{Fd: int32(c.control), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(polled, 30000)
		if err == unix.EINTR {
			continue
		}
		if n == 0 {
			t.Fatal("the worker said nothing")
		}
		break
	}
	buffer, rights := make([]byte, contract.MaxMessage), make([]byte, 64)
	n, rn, _, _, err := unix.Recvmsg(c.control, buffer, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		return 0, -1, ""
	}
	return buffer[0], firstRight(rights[:rn]), string(buffer[1:n])
}

// stop stops the worker, and returns when it has stopped: what comes later it finds all at once.
func (c *child) stop(t testing.TB) {
	t.Helper()
	syscall.Kill(c.pid, syscall.SIGSTOP)
	wait.Until(t, "the worker to stop", func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
		return strings.Contains(string(status), "\nState:\tT")
	})
}

func (c *child) say(letter byte, fd int) {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	unix.Sendmsg(c.control, []byte{letter}, rights, nil, 0)
}

// end is how a worker ended.
type end struct {
	Pid    int
	Status syscall.WaitStatus
}

// exit waits for the end of a worker.
func (p *pool) exit() end {
	p.t.Helper()
	select {
	case c := <-p.ended:
		status, _ := c.Status()
		return end{c.Pid(), status}
	case <-time.After(30 * time.Second):
		p.t.Fatal("no worker ended")
		return end{}
	}
}

// endAll ends all workers, so that the pool may have others.
func (p *pool) endAll() {
	p.t.Helper()
	for slot, c := range p.workers {
		syscall.Kill(c.pid, syscall.SIGKILL)
		p.exit()
		p.board.Vacate(slot)
		unix.Close(c.control)
	}
	p.workers = nil
}

func (p *pool) close() {
	for _, c := range p.workers {
		unix.Close(c.control)
	}
	p.listen.Close()
	for _, c := range p.workers {
		syscall.Kill(c.pid, syscall.SIGKILL)
	}
	p.zygote.Close()
	p.board.Close()
	runtime.KeepAlive(p)
}

// log is what the workers wrote to standard error.
func (p *pool) log() string {
	b, _ := os.ReadFile(p.stderr)
	return string(b)
}

// write makes a file in the pool's directory and returns its path.
func (p *pool) write(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func dial(t testing.TB, socket string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// firstRight is the descriptor that came with a message; -1: none.
func firstRight(control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return -1
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil && len(fds) > 0 {
			return fds[0]
		}
	}
	return -1
}

// panics is the name of a pool whose workers panic when there is a file "panic" in the pool's prefix.
const panics = "panics"

func panicWhenAsked(dir string) {
	for {
		if _, err := os.Stat(filepath.Join(dir, "panic")); err == nil {
			panic("as asked")
		}
		time.Sleep(time.Millisecond)
	}
}
