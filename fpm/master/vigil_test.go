package master

import (
	"io"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// watched is a worker in the master's books, whose part the test plays.
type watched struct {
	m       *Master
	c       *child
	slot    *scoreboard.Slot
	theirs  int
	waiting int // the client of a connection that waits
	signals []syscall.Signal
	now     int64
}

// signalTaker is a process that only takes signals.
type signalTaker struct {
	process
	signals *[]syscall.Signal
}

func (p signalTaker) Signal(s syscall.Signal) error {
	*p.signals = append(*p.signals, s)
	return nil
}

func watchWorker(t *testing.T) *watched {
	w := &watched{m: idleMaster(t)}
	p := w.m.gen.pools[0]
	p.conf.RequestTerminateTimeout, p.stages.Kill = time.Second, 2*time.Second
	t.Cleanup(w.m.gen.close)
	control, theirs, err := channel.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	w.theirs = channel.RawFD(theirs)
	// What waits at the socket is the test's to say.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[1]) })
	p.socket, w.waiting = listening.NewSocket(pair[0], "", conf.Unix), pair[1]
	w.c = &child{pool: p, pid: 7, ready: true, control: control, process: signalTaker{signals: &w.signals}}
	p.children = []*child{w.c}
	p.board.Occupy(0)
	p.board.SetPid(0, 7)
	if w.slot, err = scoreboard.OpenSlot(channel.RawFD(p.board.File()), 1, 0); err != nil {
		t.Fatal(err)
	}
	w.slot.Accepting()
	w.m.park = &parking{m: w.m}
	w.m.clock = scoreboard.NewClock()
	w.now = w.m.clock.Now()
	w.c.vigil.spoke = w.now
	return w
}

const look = time.Second / 3

// pass lets time go by, with a look at the worker's slot every third of a second.
func (w *watched) pass(d time.Duration) {
	for ; d > 0; d -= look {
		w.now += int64(look)
		w.m.checkRequest(w.c, w.now)
	}
}

// passBusy lets time go by while the worker begins a request before each look.
func (w *watched) passBusy(d time.Duration, each func()) {
	for ; d > 0; d -= look {
		each()
		w.now += int64(look)
		w.m.checkActivity(w.c, &scoreboard.Activity{Stage: scoreboard.Executing, Accepted: w.now - 1000}, w.now)
	}
}

// asked reports whether the master has asked the worker something since the last time.
func (w *watched) asked() bool {
	b := make([]byte, 10)
	n, _, err := unix.Recvfrom(w.theirs, b, unix.MSG_DONTWAIT)
	return err == nil && n == 1 && b[0] == contract.WhenIdle
}

// A worker whose slot said, again and again, that a request had just begun, was never ended.
func TestWorkerThatAlwaysHasANewRequestIsEnded(t *testing.T) {
	w := watchWorker(t)
	w.passBusy(8*time.Second, func() {})
	if !w.asked() || len(w.signals) == 0 || w.signals[0] != syscall.SIGTERM || w.signals[len(w.signals)-1] != syscall.SIGKILL {
		t.Errorf("signals %v", w.signals)
	}
}

func TestRequestFromTheFutureIsEnded(t *testing.T) {
	w := watchWorker(t)
	w.slot.ReadingHeaders()
	w.now -= int64(time.Hour) // by whose clock it begins in an hour
	w.c.vigil.spoke = w.now
	w.pass(2 * time.Second)
	if len(w.signals) == 0 {
		t.Error("it continues")
	}
}

func TestIdleWorkerThatLeavesConnectionsWaitingIsEnded(t *testing.T) {
	w := watchWorker(t)
	w.pass(30 * time.Second)
	if w.asked() || len(w.signals) > 0 {
		t.Errorf("nobody waits: signals %v", w.signals)
	}
	io.WriteString(fdWriter(w.waiting), "a connection")
	w.pass(5 * time.Second)
	if !w.asked() || len(w.signals) > 0 {
		t.Errorf("a client may be silent for as long: signals %v", w.signals)
	}
	w.pass(10 * time.Second)
	if len(w.signals) == 0 {
		t.Error("it continues")
	}
}

type fdWriter int

func (fd fdWriter) Write(b []byte) (int, error) { return unix.Write(int(fd), b) }

// A busy worker answers between two requests; one that has answered its client and works on is nobody's business.
func TestHonestWorkersAreNotEnded(t *testing.T) {
	w := watchWorker(t)
	w.passBusy(10*time.Second, func() {
		if w.asked() {
			workerSaid{w.c, channel.Message{Letter: contract.Idle, FD: -1}}.heed(w.m)
			w.c.vigil.spoke = w.now
		}
	})
	if len(w.signals) > 0 {
		t.Errorf("busy: signals %v", w.signals)
	}
	w = watchWorker(t)
	w.slot.ReadingHeaders()
	w.slot.Info(&scoreboard.Request{})
	w.slot.Executing()
	w.slot.Finished()
	w.pass(60 * time.Second)
	if len(w.signals) > 0 {
		t.Errorf("finished: signals %v", w.signals)
	}
}

// SIGTERM is followed by SIGKILL when request_kill_timeout has passed, and not at the next look at the requests. Without it there is none.
func TestKillFollowsWhenItIsDue(t *testing.T) {
	for _, kill := range []time.Duration{0, 300 * time.Millisecond} {
		w := watchWorker(t)
		w.c.pool.stages.Kill = kill
		w.slot.Receiving()
		w.slot.ReadingHeaders()
		w.slot.Executing()
		w.m.checkRequest(w.c, w.m.clock.Now()+int64(time.Second))
		if len(w.signals) != 1 || w.signals[0] != syscall.SIGTERM {
			t.Fatalf("the worker got %v, want SIGTERM", w.signals)
		}
		if kill == 0 {
			if w.m.tick(w.m.sys.now().Add(time.Hour)); !w.m.killAt.IsZero() || len(w.signals) != 1 {
				t.Errorf("without the setting the worker got %v", w.signals)
			}
			continue
		}
		w.c.vigil.since -= int64(3 * time.Second) // the request is as old as the look has said
		if w.m.tick(w.m.sys.now()); len(w.signals) != 1 {
			t.Errorf("too early the worker got %v", w.signals)
		}
		w.c.vigil.ended -= int64(time.Second + kill) // as are its signals, and kill has passed
		w.m.tick(w.m.killAt)
		if len(w.signals) != 2 || w.signals[1] != syscall.SIGKILL {
			t.Errorf("the worker got %v, want SIGTERM and SIGKILL", w.signals)
		}
	}
}
