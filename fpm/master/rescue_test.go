package master

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/boards"
)

// lonely is a master with a worker that speaks HTTP, and a front; the test plays both.
type lonely struct {
	*Master
	t     *testing.T
	front chan channel.Message // what the front is told
	c     *child
	slot  *scoreboard.Slot
	told  chan channel.Message // what the worker is told
}

func newLonely(t *testing.T, limit time.Duration) *lonely {
	t.Helper()
	board := boards.New(t, 2)
	board.Occupy(0)
	slot, err := scoreboard.OpenSlot(int(board.File().Fd()), 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := &lonely{t: t, slot: slot, front: make(chan channel.Message, 16), told: make(chan channel.Message, 16)}
	l.Master = &Master{log: lines{zlog.New(nil)}, clock: scoreboard.NewClock(), sys: system{now: time.Now}}
	if err := l.sockets.Hand(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.sockets.CloseAll)
	own := &settings.Settings{Direct: true, Listen: []string{":80", "/run/x.sock"}}
	own.Limits.RequestTimeout = limit
	l.gen = &generation{plan: &plan.Plan{Own: own, Direct: "www", Sites: []contract.Site{{Pool: "www"}}}, http: httpSide{listeners: []httpListener{
		{FrontListener: contract.FrontListener{Address: ":443", TLS: true}}, {FrontListener: contract.FrontListener{Address: ":80"}},
		{FrontListener: contract.FrontListener{Address: "/run/x.sock"}}}}}
	p := &pool{gen: l.gen, conf: &conf.Pool{Name: "www", PM: conf.Dynamic}, board: board, slots: make([]*child, 2)}
	l.gen.pools = []*pool{p}
	l.c = &child{pool: p, pid: 1, control: l.channel(l.told)}
	p.link(l.c)
	l.gen.http.front = &front{gen: l.gen, Front: &companion.Front{Process: companion.Process{Control: l.channel(l.front), Ready: true}}}
	l.fronts = []*front{l.gen.http.front}
	return l
}

// channel makes a channel whose other end's messages go to a Go channel.
func (l *lonely) channel(to chan channel.Message) *channel.Channel {
	l.t.Helper()
	c, theirs, err := channel.New()
	if err != nil {
		l.t.Fatal(err)
	}
	fd, _ := unix.Dup(int(theirs.Fd()))
	theirs.Close()
	other, err := channel.Open(fd)
	if err != nil {
		l.t.Fatal(err)
	}
	go other.Read(channel.AnyDescriptor, func(m channel.Message) { to <- m })
	l.t.Cleanup(c.Close)
	return c
}

// save puts something into the worker's rescue socket.
func (l *lonely) save(state scoreboard.HTTPState, listener int) {
	l.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	unix.Sendmsg(pair[0], []byte("saved"), nil, nil, 0)
	unix.Close(pair[0])
	l.c.rescue = os.NewFile(uintptr(pair[1]), "rescue")
	l.slot.ReadingHeaders()
	l.slot.Info(&scoreboard.Request{Method: []byte("GET"), URI: []byte("/x.php"), Query: []byte("a=1"), Script: []byte("/srv/x.php"), ID: []byte("id-1")})
	l.slot.HTTP(state, listener)
}

// hears returns what the front is told next, and what lies in the rescue socket.
func (l *lonely) hears() (what contract.Rescued, lies string) {
	l.t.Helper()
	select {
	case m := <-l.front:
		if m.Letter != contract.Rescue || m.FD < 0 || json.Unmarshal([]byte(m.Text), &what) != nil {
			l.t.Fatalf("the front is told %c %s, with descriptor %d", m.Letter, m.Text, m.FD)
		}
		defer unix.Close(m.FD)
		buf := make([]byte, 10)
		n, _, _ := unix.Recvfrom(m.FD, buf, unix.MSG_DONTWAIT)
		return what, string(buf[:max(n, 0)])
	case <-time.After(10 * time.Second):
		l.t.Fatal("the front is told nothing")
	}
	return
}

func (l *lonely) hearsNothing(to chan channel.Message) {
	l.t.Helper()
	select {
	case m := <-to:
		l.t.Errorf("told %c %s", m.Letter, m.Text)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestFrontAnswersForADeadWorker(t *testing.T) {
	l := newLonely(t, 0)
	for state, want := range map[scoreboard.HTTPState]contract.Rescued{
		scoreboard.HTTPUnsent: {ID: "id-1", Method: "GET", URI: "/x.php?a=1", Script: "/srv/x.php", Address: "/run/x.sock", Pool: "www"},
		scoreboard.HTTPSent:   {Sent: true, ID: "id-1", Method: "GET", URI: "/x.php?a=1", Script: "/srv/x.php", Address: "/run/x.sock", Pool: "www"},
		scoreboard.HTTPWaits:  {Idle: true, Address: "/run/x.sock", Pool: "www"},
	} {
		l.save(state, 1)
		l.rescueFrom(l.c)
		got, lies := l.hears()
		if got.Duration = min(got.Duration, 0); got != want || lies != "saved" {
			t.Errorf("%d: got %+v and %q, want %+v", state, got, lies, want)
		}
		if l.c.rescue != nil {
			t.Error("the master keeps the socket")
		}
	}
	l.save(scoreboard.NoHTTP, 0)
	l.rescueFrom(l.c)
	l.save(scoreboard.HTTPReads, 1) // what was read is lost: nobody may wait for it
	l.rescueFrom(l.c)
	if l.c.rescue != nil {
		t.Error("the master keeps the socket of a connection that is to be closed")
	}
	l.save(scoreboard.HTTPUnsent, 2) // there is none such
	l.rescueFrom(l.c)
	l.hearsNothing(l.front)
}

// What waits for a front is the next one's.
func TestNextFrontAnswersForADeadWorker(t *testing.T) {
	l := newLonely(t, 0)
	f := l.gen.http.front
	l.gen.http.front = nil
	for range mostRescues + 3 {
		l.save(scoreboard.HTTPUnsent, 0)
		l.rescueFrom(l.c)
	}
	l.hearsNothing(l.front)
	l.gen.http.front = f
	l.sendRescues()
	for range mostRescues {
		if _, lies := l.hears(); lies != "saved" {
			t.Fatalf("got %q", lies)
		}
	}
	l.hearsNothing(l.front)
}

// A worker that is silent for request_timeout is told of once for each request.
func TestFrontAnswersForASilentWorker(t *testing.T) {
	l := newLonely(t, time.Hour)
	l.save(scoreboard.HTTPUnsent, 0)
	l.checkSilent(time.Now())
	l.hearsNothing(l.front)
	l.gen.plan.Own.Limits.RequestTimeout = time.Nanosecond // which it has been silent for
	for range 3 {
		l.checkSilent(time.Now())
	}
	got, lies := l.hears()
	if !got.Late || got.ID != "id-1" || got.Address != ":80" || lies != "saved" || l.c.rescue == nil {
		t.Errorf("got %+v and %q", got, lies)
	}
	l.hearsNothing(l.front)
	if wait := time.Until(l.silentAt); wait <= 0 || wait > silenceMost {
		t.Errorf("the next look is in %v", wait)
	}
	for _, state := range []scoreboard.HTTPState{scoreboard.HTTPWaits, scoreboard.HTTPReads, scoreboard.NoHTTP} {
		l.slot.HTTP(state, 0)
		l.c.silentSince = 0
		l.checkSilent(time.Now())
		l.hearsNothing(l.front)
	}
}

// When the service ends workers leave HTTP, and the front is told when the last one has.
func TestWorkersLeaveHTTPBeforeTheFrontGoes(t *testing.T) {
	l := newLonely(t, 0)
	l.save(scoreboard.HTTPUnsent, 0)
	l.leaveHTTP()
	if m := <-l.told; m.Letter != contract.LeaveHTTP {
		t.Errorf("the worker is told %c", m.Letter)
	}
	now := time.Now()
	look := func() {
		now = now.Add(leaveInterval)
		l.checkLeaving(now.Add(time.Hour))
		l.leavingAt = min0(l.leavingAt, now)
	}
	for range 5 {
		look()
	}
	l.hearsNothing(l.front)
	l.slot.HTTP(scoreboard.NoHTTP, 0)
	look()
	l.hearsNothing(l.front)
	look()
	if m := <-l.front; m.Letter != contract.NoMore {
		t.Errorf("the front is told %c", m.Letter)
	}
	if !l.leavingAt.IsZero() {
		t.Error("the master keeps looking")
	}
}

// min0 is a time for the next look that has come; zero stays zero.
func min0(at, now time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return now
}

// Workers that answer requests by HTTP count where a front wants more of them.
func TestWorkersThatAnswerByHTTPAreBusy(t *testing.T) {
	l := newLonely(t, 0)
	p := l.c.pool
	for state, want := range map[scoreboard.HTTPState]int{scoreboard.NoHTTP: 0, scoreboard.HTTPWaits: 0, scoreboard.HTTPUnsent: 1, scoreboard.HTTPSent: 1} {
		l.save(state, 0)
		if got := p.answering(); got != want {
			t.Errorf("state %d: got %d", state, got)
		}
	}
	l.slot.CountConnection()
	l.slot.CountConnection()
	if s := p.supply(); s.Connections != 2 {
		t.Errorf("got %d connections", s.Connections)
	}
}

// A worker gets a listener for each address without TLS, in their order, and both ends of its rescue socket, of which the master keeps one;
// none of that when the service ends.
func TestWorkerGetsWhatHTTPNeeds(t *testing.T) {
	l := newLonely(t, 0)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd, err := unix.Dup(int(null.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	listener := listening.NewSocket(fd, "/x", conf.Unix)
	defer listener.File().Close()
	for i := range l.gen.http.listeners {
		l.gen.http.listeners[i].Socket = listener
	}
	l.gen.http.log = null
	e := &equipment{spec: &contract.Spec{}}
	defer func() { e.close() }()
	if err := l.equipDirect(l.c, e); err != nil {
		t.Fatal(err)
	}
	want := []contract.File{contract.HTTPListen, contract.HTTPListen, contract.FrontAccess, contract.ToFront, contract.FromFront, contract.RescueIn, contract.RescueOut}
	if !slices.Equal(e.spec.Files, want) || len(e.fds) != len(want) {
		t.Errorf("got %q and %d descriptors", e.spec.Files, len(e.fds))
	}
	unix.Sendmsg(e.fds[5], []byte("x"), nil, nil, 0)
	if n, _, err := unix.Recvfrom(int(l.c.rescue.Fd()), make([]byte, 2), unix.MSG_DONTWAIT); n != 1 || err != nil {
		t.Errorf("what goes in comes out: %d bytes, %v", n, err)
	}
	l.c.discard()
	e.close()
	l.state, e, l.c.rescue = finishing, &equipment{spec: &contract.Spec{}}, nil
	if err := l.equipDirect(l.c, e); err != nil || len(e.fds) > 0 || l.directOrders(l.c.pool) != nil {
		t.Errorf("got %v and %d descriptors as the service ends", err, len(e.fds))
	}
}
