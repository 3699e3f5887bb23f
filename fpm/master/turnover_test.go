package master

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/test/boards"
)

// With pm.max_requests there is always a worker that leaves, also while a reload waits for the first ones.
func TestReloadWhoseNewWorkersLeaveAfterTheirRequest(t *testing.T) {
	t.Parallel()
	s := start(t, strings.Replace(static, "= 2", "= 4", 1), "MASTER_TEST_ONE_REQUEST=DIR/one")
	s.expect("ready to handle")
	s.touch("one")
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www") {
					t.Errorf("got %q", got)
					return
				}
			}
		})
	}
	for range 8 {
		s.signal(syscall.SIGUSR2)
		s.expect("ready to handle|reload failed")
	}
	close(stop)
	clients.Wait()
	s.never("reload failed|fork\\(\\)|is gone|unknown child|SIGKILL|was ended")
}

// nextOf puts m into a reload with a static pool of n workers that are not ready, none of which has begun. The slots are theirs.
func nextOf(t *testing.T, m *Master, r *recorder, n int) (g *generation, slots []*scoreboard.Slot, theirs []*os.File) {
	t.Helper()
	board := boards.New(t, n)
	g = &generation{number: 2, config: m.gen.config, faults: pm.NewFaults(0, 0)}
	p := &pool{gen: g, conf: &conf.Pool{Name: "www"}, board: board, slots: make([]*child, n),
		limits: pm.Limits{PM: conf.Static, MaxChildren: n}}
	var err error
	if p.crashes, err = postmortem.NewCrashes(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.crashes.Close)
	g.pools = []*pool{p}
	g.assign(anyPHP)
	for i := range n {
		control, end, err := channel.New()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { control.Close(); end.Close() })
		board.Occupy(i)
		slot, err := scoreboard.OpenSlot(int(board.File().Fd()), n, i)
		if err != nil {
			t.Fatal(err)
		}
		p.link(&child{pool: p, pid: 1<<30 + i, slot: i, process: r.process(1<<30 + i), control: control})
		slots, theirs = append(slots, slot), append(theirs, end)
	}
	m.next, m.attempt = g, m.newAttempt()
	m.attempt.before = m.errorLog.State()
	return g, slots, theirs
}

// A worker's end comes from the zygote, its readiness from itself: the end may come first.
func TestEndOfAWorkerThatOvertakesItsReadinessIsNoFailure(t *testing.T) {
	m := idleMaster(t)
	g, slots, _ := nextOf(t, m, &recorder{sent: map[int]syscall.Signal{}}, 2)
	c := g.pools[0].slots[0]
	slots[0].Accepting()
	m.bury(c, 0)
	if m.next != g || m.attempt == nil {
		t.Fatal("the reload was given up")
	}
	if got := (workerSaid{c, channel.Message{Letter: contract.Ready, FD: -1}}).heed(m); got != heeded || g.pools[0].began != 1 {
		t.Errorf("its readiness, read afterwards: reception %v, %d workers have begun; want %v and 1", got, g.pools[0].began, heeded)
	}
}

// A reload that fails must not cost the requests that a new worker has taken, nor the zygote that tells the workers' ends.
func TestAbandonedGenerationFinishesWhatItHasTaken(t *testing.T) {
	m := idleMaster(t)
	r := &recorder{sent: map[int]syscall.Signal{}}
	g, slots, theirs := nextOf(t, m, r, 3)
	begun, starts, born := g.pools[0].slots[0], g.pools[0].slots[1], g.pools[0].slots[2]
	slots[0].Accepting()
	born.pid, born.process = 0, nil
	g.engines[0].forks.asked = born
	g.engines[0].forks.cancel = func() { t.Error("the zygote that forks a worker was given up") }
	m.next, m.attempt = nil, nil
	m.discard(g)
	if got := letterFor(theirs[0]); got != contract.Quit || r.sent[begun.pid] != 0 {
		t.Errorf("a worker whose readiness was not read yet was sent %q and %v, want Quit", got, r.sent[begun.pid])
	}
	if r.sent[starts.pid] != syscall.SIGKILL {
		t.Errorf("a worker that has not begun was sent %v, want SIGKILL", r.sent[starts.pid])
	}
	if got := letterFor(theirs[2]); got != contract.Yield || born.signal != 0 {
		t.Errorf("a worker that is being forked was sent %q and is to get %v, want Yield", got, born.signal)
	}
}

// An orphan's end names no generation. Of two that fork, the wrong one kept it, and it was said to be of an unknown child.
func TestOrphanThatEndsBeforeItsBirthIsTheOtherGenerations(t *testing.T) {
	m := idleMaster(t)
	g, _, _ := nextOf(t, m, nil, 1)
	m.gen.engines[0].forks.asked, g.engines[0].forks.asked = &child{pool: m.gen.pools[0]}, g.pools[0].slots[0]
	m.reaped(1<<30+9, 0)
	m.gen.engines[0].forks.asked = nil
	m.reapedEarly()
	if _, kept := m.orphans[1<<30+9]; !kept {
		t.Errorf("kept %v, want the end of the worker", m.orphans)
	}
}

// A worker of one request was told to end, since its successor was ready. That one's end then overtook its wish for a successor of its
// own, and it was not replaced, because with the worker that was about to end there were enough: nobody was left.
func TestWorkersThatEndBeforeTheyAreHeardAreReplaced(t *testing.T) {
	for name, order := range map[string][]int{"the successor first": {1, 0}, "the worker first": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			m := idleMaster(t)
			r := &recorder{sent: map[int]syscall.Signal{}}
			g, slots, _ := nextOf(t, m, r, 2)
			m.gen, m.next, m.attempt = g, nil, nil
			p := g.pools[0]
			p.worker, p.limits.MaxChildren = &settings.Worker{Snapshot: 1}, 1
			p.engine.zygote, p.engine.forks.asked = &fakeZygote{}, &child{pool: p} // nothing is forked at once
			worker, successor := p.slots[0], p.slots[1]
			for i, c := range []*child{worker, successor} {
				c.why = -1
				slots[i].Accepting()
			}
			workerSaid{worker, channel.Message{Letter: contract.Ready, FD: -1}}.heed(m)
			workerSaid{worker, channel.Message{Letter: contract.Retire, Text: scoreboard.ByMaxRequests.String(), FD: -1}}.heed(m)
			for _, i := range order {
				m.bury([]*child{worker, successor}[i], 0)
			}
			if n := len(p.children); n != 1 || len(p.engine.forks.booked) != 1 {
				t.Errorf("%d workers are there, %d to be forked, want one", n, len(p.engine.forks.booked))
			}
		})
	}
}
