package master

// What the master does while a zygote does not: fakeZygote.

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

// appears waits until the fake zygote has written to a file that it was given.
func (s *service) appears(file, text string) {
	s.t.Helper()
	wait.Until(s.t, fmt.Sprintf("%q in %s", text, file), func() bool {
		got, _ := os.ReadFile(s.path(file))
		return string(got) == text
	})
}

func (s *service) touch(file string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(file), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

const ondemand = "[two]\nlisten = DIR/two\npm = ondemand\npm.max_children = 2\n"

// A zygote that is stopped, by a debugger or by swapping, must not stop the master.
func TestZygoteThatDoesNotAnswerStopsNobody(t *testing.T) {
	t.Parallel()
	s := start(t, static+ondemand, "MASTER_TEST_SILENT=DIR/silent")
	s.expect("ready to handle")
	s.settle(2)
	s.touch("silent")
	waits := s.dial("two")
	defer waits.Close()
	fmt.Fprintln(waits, "hello")
	s.appears("silent", "silent")
	if r := s.report(false); r.State != "normal" {
		t.Errorf("state %q", r.State)
	}
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www generation 1") {
		t.Errorf("got %q", got)
	}
	s.signal(syscall.SIGTERM)
	s.expect("bye-bye")
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// A worker may end before the master learns that it was born.
func TestWorkerThatEndsBeforeItsBirthIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_SLOW_FORK=DIR/slow", "MASTER_TEST_NO_WORKER=DIR/no-worker")
	s.expect("ready to handle")
	s.settle(2)
	s.touch("slow")
	s.touch("no-worker")
	s.ask("sock", "exit 1")
	s.expect("child \\d+ started$")
	s.expect("child \\d+ exited with code 70")
	os.Remove(s.path("no-worker"))
	s.settle(2)
	s.never("unknown child")
}

// A zygote dies after it has forked a worker. The worker's end is then told as that of an orphan, and may be told before
// its birth.
func TestOrphanThatEndsBeforeItsBirthIsTold(t *testing.T) {
	m := idleMaster(t)
	m.gen.engines[0].forks.asked = &child{pool: m.gen.pools[0]}
	m.reaped(1<<30, exitNoThreads<<8)
	if status, kept := m.orphans[1<<30]; !kept || status.ExitStatus() != exitNoThreads {
		t.Errorf("kept %v, want the end of the worker", m.orphans)
	}
}

// Nobody has asked for the file to be read just because a zygote died while it was edited.
func TestDeadZygoteIsReplacedByWhatIsLoaded(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_DIES=DIR/dies", "MASTER_TEST_NO_ENGINE=DIR/no-engine")
	s.expect("ready to handle")
	s.settle(2)
	s.configure(strings.Replace(static, "[www]", "[other]", 1) + "pm.nonsense = 1\n")
	os.WriteFile(s.path("no-engine"), []byte("the extension is broken"), 0o600)
	s.touch("dies")
	s.expect("WARNING: the process that forks the workers of generation 1 is gone, starting another$")
	s.expect("ERROR: no new process that forks workers could be started, trying again in 1s: the extension is broken$")
	if n := s.generation("sock"); n != 1 {
		t.Errorf("generation %d answers, want 1", n)
	}
	os.Remove(s.path("no-engine"))
	s.expect("ready to handle")
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www generation 3") {
		t.Errorf("got %q, want pool www of the third generation", got)
	}
	s.signal(syscall.SIGUSR2) // now somebody has
	s.expect("pm.nonsense")
	s.expect("reload failed")
}

func TestReloadWhosePHPHangs(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_HANG=DIR/hang", "MASTER_TEST_PATIENCE=2s")
	s.expect("ready to handle")
	s.touch("hang")
	answers, err := s.give(control.Request{Command: control.Reload})
	if err != nil || answers[len(answers)-1].Reason != control.Failed {
		t.Errorf("got %+v, %v", answers, err)
	}
	s.expect("reload failed, .*: the new workers were not ready after 2 seconds$")
	if n := s.generation("sock"); n != 1 {
		t.Errorf("generation %d answers, want 1", n)
	}
	os.Remove(s.path("hang"))
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	if n := s.generation("sock"); n != 3 {
		t.Errorf("generation %d answers, want 3", n)
	}
}

func TestStopWhileAReloadHangs(t *testing.T) {
	t.Parallel()
	for _, stop := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT} {
		t.Run(signalName(stop), func(t *testing.T) {
			t.Parallel()
			s := start(t, static, "MASTER_TEST_HANG=DIR/hang")
			s.expect("ready to handle")
			s.touch("hang")
			s.signal(syscall.SIGUSR2)
			s.appears("hang", "hangs")
			if r := s.report(false); !r.Reloading {
				t.Error("no reload")
			}
			s.signal(stop)
			s.expect("bye-bye")
			if status := s.end(); status != 0 {
				t.Errorf("exit status %d", status)
			}
			s.never("reload failed")
		})
	}
}

// php-fpm knows no signal while PHP starts: it dies of those that end a program.
func TestSignalWhilePHPStarts(t *testing.T) {
	t.Parallel()
	for _, deadly := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(signalName(deadly), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			hang := dir + "/hang"
			os.WriteFile(hang, nil, 0o600)
			s := start(t, "rlimit_core = 0\n"+static, "MASTER_TEST_HANG="+hang)
			wait.Until(t, "PHP's start", func() bool { text, _ := os.ReadFile(hang); return len(text) > 0 })
			s.signal(syscall.SIGUSR2) // waits
			s.signal(deadly)
			s.end()
			status := s.command.ProcessState.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != deadly {
				t.Errorf("status %v, want signal %v", status, deadly)
			}
			if _, err := os.Stat(s.path("sock")); !os.IsNotExist(err) {
				t.Error("the socket is still there")
			}
		})
	}
}

// Without process_control_timeout requests may last for ever, but not in any number of generations.
func TestRetiredGenerationsHaveAnEnd(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	var busy []net.Conn
	for n := 1; n <= maxRetired+1; n++ {
		conn := s.dial("sock")
		defer conn.Close()
		hold(t, conn)
		busy = append(busy, conn)
		s.signal(syscall.SIGUSR2)
		s.expect("Reloading in progress")
		if n > maxRetired {
			s.expect(`WARNING: generation 1 still has [12] child\(ren\) with requests after 4 more reloads, ending them`)
		}
		s.expect("ready to handle")
	}
	if answer, err := bufio.NewReader(busy[0]).ReadString('\n'); err == nil {
		t.Errorf("the oldest request has been answered: %q", answer)
	}
	wait.Until(t, "no more generations than may be", func() bool { return len(s.report(false).Generations) <= maxRetired+1 })
	s.never("generation 2 still has")
}

// As the init process of a container a master has any number of children, whose ends must not crowd out an order.
func TestManyChildrenDoNotCrowdOutAnOrder(t *testing.T) {
	orders, children := catchEarly()
	for range 200 {
		syscall.Kill(os.Getpid(), syscall.SIGCHLD)
	}
	syscall.Kill(os.Getpid(), syscall.SIGUSR2)
	for what, c := range map[string]chan os.Signal{"the order": orders, "SIGCHLD": children} {
		select {
		case <-c:
		case <-time.After(patience):
			t.Errorf("%s does not come", what)
		}
	}
}

// recorder remembers the signals that processes were sent.
type recorder struct{ sent map[int]syscall.Signal }

// recordedProcess is a process of which a recorder remembers the signal.
type recordedProcess struct {
	process
	pid int
	r   *recorder
}

func (p recordedProcess) Signal(signal syscall.Signal) error {
	p.r.sent[p.pid] = signal
	return nil
}

func (r *recorder) process(pid int) process { return recordedProcess{pid: pid, r: r} }

// recorded adds to m's pool a child whose signals are recorded.
func recorded(t *testing.T, m *Master, r *recorder, pid int, ready bool) (c *child, theirs *os.File) {
	t.Helper()
	control, theirs, err := channel.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		control.Close()
		theirs.Close()
	})
	p := m.gen.pools[0]
	p.slots = append(p.slots, nil)
	c = &child{pool: p, pid: pid, slot: len(p.slots) - 1, process: r.process(pid), ready: ready, control: control}
	p.link(c)
	return c, theirs
}

// letterFor is the letter that a worker was sent; 0: none.
func letterFor(theirs *os.File) byte {
	var b [16]byte
	n, _, err := unix.Recvfrom(int(theirs.Fd()), b[:], unix.MSG_DONTWAIT)
	if err != nil || n < 1 {
		return 0
	}
	return b[0]
}

// The pid of an idle worker that has just left by itself may be another process's, and the master may be root.
func TestIdleWorkersAreAskedToGoOnTheirSocket(t *testing.T) {
	m := idleMaster(t)
	r := &recorder{sent: map[int]syscall.Signal{}}
	c, theirs := recorded(t, m, r, 1<<30, true)
	m.killIdle(c)
	if got := letterFor(theirs); got != contract.Quit || len(r.sent) > 0 {
		t.Errorf("it was sent %q and %v, want Quit and no signal", got, r.sent)
	}
	m.killIdle(c)
	if r.sent[c.pid] != syscall.SIGKILL {
		t.Errorf("a second later it was sent %v, want SIGKILL by its zygote", r.sent)
	}
}

// What is left of a generation that never served ends soon, whatever process_control_timeout says.
func TestAbandonedGenerationEndsSoon(t *testing.T) {
	m := idleMaster(t)
	r := &recorder{sent: map[int]syscall.Signal{}}
	ready, readySocket := recorded(t, m, r, 1<<30, true)
	hangs, _ := recorded(t, m, r, 1<<30+1, false)
	g := m.gen
	m.gen = &generation{number: 2, config: g.config}
	m.discard(g)
	if r.sent[hangs.pid] != syscall.SIGKILL {
		t.Errorf("a worker that is not ready was sent %v, want SIGKILL", r.sent[hangs.pid])
	}
	if got := letterFor(readySocket); got != contract.Quit || r.sent[ready.pid] != 0 {
		t.Errorf("a worker that may have a request was sent %q and %v, want Quit", got, r.sent[ready.pid])
	}
	if d := g.escalation.Deadline; d.IsZero() || d.After(m.sys.now().Add(abandonPatience)) {
		t.Errorf("its end is at %v", d)
	}
}

// A service whose preloading takes a minute and a half can be reloaded, and survives the death of its zygote.
func TestPHPThatStartsSlowlyMayDoSoAgain(t *testing.T) {
	m := idleMaster(t)
	m.sys.patience = time.Minute
	if a := m.newAttempt(); a.patience != time.Minute {
		t.Errorf("%v, want a minute", a.patience)
	}
	m.phpTook = 90 * time.Second
	a := m.newAttempt()
	if a.patience != 270*time.Second || a.deadline.Before(m.sys.now().Add(4*time.Minute)) {
		t.Errorf("%v until %v, want three times as long as PHP took", a.patience, a.deadline)
	}
}
