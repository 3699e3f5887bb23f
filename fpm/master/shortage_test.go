package master

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/wait"
)

// room lets the service have n workers; -1: any number.
func (s *service) room(n int) {
	s.t.Helper()
	os.Remove(s.path("room"))
	if n < 0 {
		return
	}
	if err := os.WriteFile(s.path("new"), fmt.Append(nil, n), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.path("new"), s.path("room")); err != nil {
		s.t.Fatal(err)
	}
}

// refused waits until n more workers could not be had because of a file of the test's.
func (s *service) refused(file string, n int) {
	s.t.Helper()
	so := func() int { x, _ := os.ReadFile(s.path(file + ".refused")); return len(x) }
	before := so()
	wait.Until(s.t, "some attempts", func() bool { return so() >= before+n })
}

// count is how many lines so far match.
func (s *service) count(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.log {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// All workers of a static pool end while none can be forked. The pool comes back by itself.
func TestStaticPoolIsFilledAgainAfterForksFailed(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_ROOM=DIR/room")
	s.expect("ready to handle")
	s.settle(2)
	s.room(0)
	s.ask("sock", "exit 0")
	s.ask("sock", "exit 0")
	s.expect(`ERROR: fork\(\) failed: Resource temporarily unavailable \(11\)$`)
	s.refused("room", 4)
	s.room(-1)
	s.expect(`NOTICE: there is room for children again, after \d+ attempts$`)
	s.settle(2)
	if n := s.count("fork() failed"); n != 1 {
		t.Errorf("%d lines of forks that failed", n)
	}
}

// Clients wait at an ondemand pool while no worker can be forked. They are answered when there is room, and the log is
// not filled meanwhile.
func TestOndemandClientsAreAnsweredAfterForksFailed(t *testing.T) {
	t.Parallel()
	s := start(t, "[www]\nlisten = DIR/sock\npm = ondemand\npm.max_children = 3\n", "MASTER_TEST_ROOM=DIR/room")
	s.expect("ready to handle")
	s.room(0)
	answer := make(chan string)
	for range 3 {
		go func() { answer <- s.ask("sock", "hello") }()
	}
	s.expect(`ERROR: fork\(\) failed`)
	s.refused("room", 4)
	s.room(-1)
	for range 3 {
		if got := <-answer; !strings.HasPrefix(got, "pool www generation 1") {
			t.Errorf("got %q", got)
		}
	}
	if n := s.count("fork() failed"); n != 1 {
		t.Errorf("%d lines of forks that failed", n)
	}
}

// There is room for one worker. A pool that has none gets it, not another one whose workers serve already.
func TestPoolWithoutWorkersComesFirst(t *testing.T) {
	t.Parallel()
	s := start(t, static+ondemand, "MASTER_TEST_ROOM=DIR/room")
	s.expect("ready to handle")
	s.settle(2)
	s.room(0)
	s.ask("sock", "exit 0")
	s.expect(`ERROR: fork\(\) failed`)
	conn := s.dial("two")
	defer conn.Close()
	s.refused("room", 4)
	s.room(2)
	if got := say(conn, "hello"); !strings.HasPrefix(got, "pool two generation 1") {
		t.Errorf("got %q", got)
	}
}

// Under a limit of tasks that has no room for two generations the old workers make room for the new ones.
func TestReloadMakesRoom(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_ROOM=DIR/room")
	s.expect("ready to handle")
	s.settle(2)
	s.room(2)
	s.signal(syscall.SIGUSR2)
	s.expect("NOTICE: no room for old and new children side by side, old ones end first: a worker could not be forked")
	s.expect("ready to handle")
	if n := s.generation("sock"); n != 2 {
		t.Errorf("generation %d answers, want 2", n)
	}
	s.settle(2)
	s.never("ERROR|reload failed")
}

// Somebody else takes the room that a reload makes: it is given up before all old workers have ended for nothing.
func TestReloadGivesUpIfOthersTakeTheRoom(t *testing.T) {
	t.Parallel()
	s := start(t, strings.Replace(static, "= 2", "= 4", 1), "MASTER_TEST_ROOM=DIR/room")
	s.expect("ready to handle")
	s.settle(4)
	s.room(0)
	s.signal(syscall.SIGUSR2)
	s.expect("ERROR: reload failed, the old configuration keeps serving: a worker could not be forked")
	if n := s.count("process management"); n > 1 {
		t.Errorf("%d workers made room", n)
	}
	s.room(-1)
	s.settle(4)
	if n := s.generation("sock"); n != 1 {
		t.Errorf("generation %d answers, want 1", n)
	}
}

// A worker has no thread to begin with. That is said once, and another is forked later.
func TestWorkersWithoutThreadsAreForkedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_NO_THREADS=DIR/no-threads")
	s.expect("ready to handle")
	s.settle(2)
	if err := os.WriteFile(s.path("no-threads"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.ask("sock", "exit 0")
	s.expect(`ERROR: \[pool www\] a child could not begin, because no thread could be made`)
	s.refused("no-threads", 3)
	os.Remove(s.path("no-threads"))
	s.expect("NOTICE: there is room for children again")
	s.settle(2)
	if n := s.count("code 75"); n != 1 {
		t.Errorf("%d lines of their ends", n)
	}
}

// The last descriptors are for reloads, logs and operators, not for workers.
func TestWorkersLeaveDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := enough(3); err != nil {
		t.Error(err)
	}
	if err := enough(int(limit.Cur - spareDescriptors(limit.Cur))); err != unix.EMFILE {
		t.Errorf("got %v", err)
	}
}

// A worker of a reload that was forked in a shortage waits for its threads. Two would wait for each other's, and old
// workers leave until there is room.
func TestReloadMakesRoomForThreads(t *testing.T) {
	m := idleMaster(t)
	r := &recorder{sent: map[int]syscall.Signal{}}
	old, theirs := recorded(t, m, r, 1<<30, true)
	m.gen.pools[0].board.Occupy(old.slot)
	slot, err := scoreboard.OpenSlot(int(m.gen.pools[0].board.File().Fd()), 1, old.slot)
	if err != nil {
		t.Fatal(err)
	}
	slot.Accepting()
	next := &generation{number: 2, config: m.gen.config, plan: &plan.Plan{}}
	p := &pool{gen: next, conf: m.gen.pools[0].conf, slots: make([]*child, 4), limits: pm.Limits{PM: conf.Static, MaxChildren: 4}}
	next.pools = []*pool{p}
	next.assign(anyPHP)
	now := m.sys.now()
	m.next, m.attempt = next, &attempt{short: errNoThreads, tries: 1} // an old worker has left for its fork
	waits := &child{pool: p, pid: 1<<30 + 1, started: now}
	p.link(waits)
	p.engine.forks.asked, p.engine.zygote = waits, &fakeZygote{} // none is forked at once
	m.fill(p, 4, true)
	if n := len(p.children); n != 1 || p.respawnAt.IsZero() {
		t.Errorf("%d workers are made, want one, and others later", n)
	}
	m.waitsForThreads(now)
	if got := letterFor(theirs); got != 0 {
		t.Errorf("the old worker was sent %q at once", got)
	}
	m.waitsForThreads(now.Add(threadPatience))
	if got := letterFor(theirs); got != contract.Quit {
		t.Errorf("the old worker was sent %q, want Quit", got)
	}
}
