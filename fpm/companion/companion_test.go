package companion

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/permission"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/certificate"
	"github.com/phpsapi/phpsapi/test/files"
)

// kept is a keeper that executes and signals nothing, and notes what it would.
type kept struct {
	Keeper
	said     bytes.Buffer
	sent     []syscall.Signal
	executed []Command
	fails    error
}

// The pid of a process that is not a child of the test's.
const stranger = 1

func newKept() *kept {
	k := &kept{}
	k.Program, k.Log, k.ErrorLog = "phpsapi", zlog.New(&k.said), errorlog.New(false)
	k.Log.Configure(func(s *zlog.Settings) { s.Level = zlog.Debug })
	k.Execute = func(c Command) (int, error) {
		if k.fails != nil {
			return 0, k.fails
		}
		c.Files = slices.Clone(c.Files)
		k.executed = append(k.executed, c)
		return stranger, nil
	}
	k.Kill = func(_ int, s syscall.Signal) error { k.sent = append(k.sent, s); return nil }
	return k
}

func (k *kept) front(t *testing.T, slots *Slots, now time.Time) *Front {
	t.Helper()
	f, err := k.StartFront(&contract.Front{Generation: 3}, nil, User{Name: "web"}, slots, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Control.Close() })
	return f
}

// A front that could not be executed kept its slot, so that after four of them none counted.
func TestAFrontThatIsNotExecutedHasNoSlot(t *testing.T) {
	k, now := newKept(), time.Unix(1000, 0)
	var slots Slots
	defer slots.Close()
	k.fails = errors.New("no such program")
	for range MostFronts + 1 {
		_, err := k.StartFront(&contract.Front{}, nil, User{Name: "web"}, &slots, now)
		if err == nil || err.Error() != "phpsapi as web: no such program" {
			t.Fatalf("got %v", err)
		}
	}
	k.fails = nil
	orders := &contract.Front{Files: []contract.File{contract.FrontAccess}}
	f, err := k.StartFront(orders, []*os.File{os.Stdin}, User{}, &slots, now)
	if err != nil {
		t.Fatal(err)
	}
	if want := []contract.File{contract.FrontAccess, contract.Scoreboard}; !slices.Equal(orders.Files, want) || f.slot != 0 {
		t.Errorf("it has slot %d and %q, want %q", f.slot, orders.Files, want)
	}
	if c := k.executed[0]; len(c.Files) != 4 || c.Files[2] != os.Stdin || c.NoFile != 256 || c.Title != contract.FrontTitle {
		t.Errorf("executed %+v", c)
	}
	if how := k.Bury(f, 0, false, now); how != "with code 0" || slots.Board().Used(0) {
		t.Errorf("it ended %s, and its slot is used: %v", how, slots.Board().Used(0))
	}
}

// Questions count, not time: the master may have stood still itself.
func TestAFrontThatAnswersNothingIsKilled(t *testing.T) {
	k, now := newKept(), time.Unix(1000, 0)
	var slots Slots
	defer slots.Close()
	f := k.front(t, &slots, now)
	if got := k.Look(f, now.Add(startPatience), true, true); got != Rests {
		t.Errorf("one that starts: %v", got)
	}
	k.Serves(f, "http://127.0.0.1:80")
	f.Beats(now)
	for i := range mostUnanswered {
		now = now.Add(time.Hour)
		if got := k.Look(f, now, true, true); got != Asked {
			t.Errorf("look %d: %v", i, got)
		}
		if !f.LookAt().Equal(now.Add(beatInterval)) {
			t.Errorf("look %d: the next at %v", i, f.LookAt())
		}
	}
	if got := k.Look(f, now, true, true); got != Silent || !slices.Equal(k.sent, []syscall.Signal{syscall.SIGKILL}) {
		t.Errorf("%v, and it was sent %v", got, k.sent)
	}
	if !strings.Contains(k.said.String(), "[front] process 1 of generation 3 has given no sign of life for 36000.000000 seconds, and is replaced") {
		t.Errorf("logged %s", k.said.String())
	}
	f.Beats(now)
	if got := k.Look(f, now, true, true); got != Asked {
		t.Errorf("one that answers: %v", got)
	}
	if got := k.Look(f, now, false, true); got != Rests {
		t.Errorf("as the service ends: %v", got)
	}
}

func TestAFrontThatDoesNotBeginIsKilled(t *testing.T) {
	k, now := newKept(), time.Unix(1000, 0)
	var slots Slots
	defer slots.Close()
	f := k.front(t, &slots, now)
	if got := k.Look(f, now.Add(startPatience+1), true, true); got != Silent {
		t.Errorf("got %v", got)
	}
}

// A signal stops a real process. It is replaced if the service can do without it, and else only continued.
func TestAStoppedFront(t *testing.T) {
	for _, c := range []struct {
		serves, replaceable bool
		want                Sign
	}{{true, true, Stopped}, {true, false, Rests}, {false, true, Rests}} {
		sleep, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
		if err != nil {
			t.Fatal(err)
		}
		k := newKept()
		f := &Front{Process: Process{Pid: sleep.Pid, Ready: true}}
		sleep.Signal(syscall.SIGSTOP)
		got := Asked
		for deadline := time.Now().Add(10 * time.Second); got == Asked && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			f.Beats(time.Now())
			if got = k.Look(f, time.Now(), c.serves, c.replaceable); !strings.Contains(k.said.String(), "was stopped by a signal") {
				got = Asked
			}
		}
		continued := slices.Contains(k.sent, syscall.SIGCONT)
		if got != c.want || continued == (c.want == Stopped) || f.Replaced != (c.want == Stopped) {
			t.Errorf("serves %v, replaceable %v: %v, continued %v, replaced %v", c.serves, c.replaceable, got, continued, f.Replaced)
		}
		sleep.Kill()
		sleep.Wait()
	}
}

func TestAFrontIsToldToQuitOnce(t *testing.T) {
	k, now := newKept(), time.Unix(1000, 0)
	var slots Slots
	defer slots.Close()
	f := k.front(t, &slots, now)
	told := 0
	for range 2 {
		k.Quit(f, time.Second, now, func() { told++ })
	}
	if told != 1 || !f.Quits {
		t.Errorf("it was told %d times", told)
	}
	k.Escalate(f, now.Add(time.Second+DrainMargin-1))
	if len(k.sent) > 0 {
		t.Errorf("within its time it was sent %v", k.sent)
	}
	k.Escalate(f, now.Add(time.Second+DrainMargin))
	k.Escalate(f, now.Add(time.Minute))
	if want := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}; !slices.Equal(k.sent, want) {
		t.Errorf("after it it was sent %v, want %v", k.sent, want)
	}
}

func TestARenewalIsLaterTheMoreOftenItFails(t *testing.T) {
	now := time.Unix(1000, 0)
	young := &Process{Ready: true, Started: now.Add(-time.Second)}
	old := &Process{Ready: true, Started: now.Add(-time.Minute)}
	r := Renewal{Least: observerPause}
	if r.Due(now) {
		t.Error("it is due before anything has died")
	}
	r.Died(old, now)
	if got := r.At().Sub(now); got != observerPause {
		t.Errorf("the first after %v", got)
	}
	for range 10 {
		r.Died(young, now)
	}
	long := r.At().Sub(now)
	if long < 10*observerPause {
		t.Errorf("after many deaths it waits only %v", long)
	}
	r.Died(old, now)
	if got := r.At().Sub(now); got >= long {
		t.Errorf("one that has served long is replaced after %v", got)
	}
	r = Renewal{}
	if r.NotStarted(now); !r.Due(now.Add(time.Second)) || r.Due(now.Add(time.Second-1)) {
		t.Errorf("one that could not be executed is tried again after %v", r.At().Sub(now))
	}
	if r.Cancel(); r.Due(now.Add(time.Hour)) {
		t.Error("it is due after it was cancelled")
	}
}

func TestAnObserverThatDiesIsReplaced(t *testing.T) {
	k, now := newKept(), time.Unix(1000, 0)
	var all Observers
	all.Renew()
	startIsDue := all.renewal.Due
	newsAreDue := func(at time.Time) bool { _, tell := tick(&all, &k.Keeper, at); return tell }
	start := func() *Observer {
		one, err := all.Start(&k.Keeper, &contract.Observer{}, nil, User{}, now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { one.Control.Close() })
		return one
	}
	first := start()
	if all.Bury(&k.Keeper, first, syscall.WaitStatus(syscall.SIGKILL), true, now) || startIsDue(now.Add(time.Hour)) {
		t.Error("one is replaced as the service ends")
	}
	second := start()
	if !all.Bury(&k.Keeper, second, syscall.WaitStatus(syscall.SIGKILL), false, now) || startIsDue(now) || !startIsDue(now.Add(observerPause)) {
		t.Error("one that has died is not replaced after a pause")
	}
	all.Starts()
	third, fourth := start(), start()
	all.Quit(fourth, now)
	if !third.Quits || fourth.Quits || all.Serves(third) || !all.Serves(fourth) {
		t.Error("not the one before was asked to go")
	}
	if all.Bury(&k.Keeper, third, 0, false, now) || startIsDue(now.Add(time.Hour)) {
		t.Error("one that was asked to go is replaced")
	}
	if !newsAreDue(now) || newsAreDue(now.Add(observeInterval-1)) {
		t.Error("the one that serves is not told at once, or too often")
	}
	all.News()
	if !newsAreDue(now.Add(newsInterval)) {
		t.Error("news are not told soon")
	}
}

func TestWhatObserversRememberIsInherited(t *testing.T) {
	var first, second, other Observers
	memory, err := first.Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	if _, err := memory.WriteAt([]byte("past"), 0); err != nil {
		t.Fatal(err)
	}
	if other.LeaveMemory() != 0 {
		t.Error("observers that remember nothing leave something")
	}
	fd, err := syscall.Dup(first.LeaveMemory())
	if err != nil {
		t.Fatal(err)
	}
	second.InheritMemory(fd)
	again, err := second.Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	text := make([]byte, 4)
	if _, err := again.ReadAt(text, 0); err != nil || string(text) != "past" {
		t.Errorf("%q, %v", text, err)
	}
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if other.InheritMemory(null); other.LeaveMemory() != 0 {
		t.Error("a file of another size is taken")
	}
}

// writePair writes a certificate of its own key.
func writePair(t *testing.T, p settings.Pair) {
	t.Helper()
	cert, key := certificate.New(t, 1)
	files.Write(t, p.Certificate, cert)
	files.Write(t, p.Key, key)
}

func TestCertificatesAreReadAgainWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	pair := settings.Pair{Certificate: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}
	if _, err := ReadCertificates([]settings.Pair{pair}); err == nil {
		t.Error("files that are not there were read")
	}
	writePair(t, pair)
	c, err := ReadCertificates([]settings.Pair{pair})
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := c.Refresh(); changed || err != nil {
		t.Errorf("nothing has changed: %v, %v", changed, err)
	}
	first := c.Read()
	if err := os.WriteFile(pair.Key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Refresh(); err == nil || !bytes.Equal(c.Read()[0].Key, first[0].Key) {
		t.Errorf("a broken key: %v", err)
	}
	if changed, err := c.Refresh(); changed || err != nil {
		t.Errorf("the broken key is looked at again: %v, %v", changed, err)
	}
	writePair(t, pair)
	if changed, err := c.Refresh(); !changed || err != nil || bytes.Equal(c.Read()[0].Key, first[0].Key) {
		t.Errorf("another pair: %v, %v", changed, err)
	}
	text, _ := json.Marshal(c.Read())
	if !bytes.Contains(text, []byte(pair.Certificate)) {
		t.Error("the certificate has no name")
	}
}

func TestWhyAUserMayNot(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := User{Name: "web", UID: 60000, GID: 60000, Drop: true}
	if err := stranger.May(file, permission.Read, "read"); err == nil || !strings.Contains(err.Error(), "the front's user web may not ") {
		t.Errorf("a stranger: %v", err)
	}
	owner := User{Name: "me", UID: os.Geteuid(), GID: os.Getegid(), Drop: true}
	if err := owner.May(file, permission.Read, "read"); err != nil {
		t.Errorf("the owner: %v", err)
	}
	stranger.Drop = false
	if err := stranger.May(file, permission.Read, "read"); err != nil {
		t.Errorf("a master that is not root finds out: %v", err)
	}
}

func TestSlotsAreLimited(t *testing.T) {
	var s Slots
	defer s.Close()
	for want := range MostFronts {
		if got := s.take(); got != want {
			t.Errorf("slot %d, want %d", got, want)
		}
	}
	if got := s.take(); got != -1 {
		t.Errorf("one too many has slot %d", got)
	}
	s.vacate(2)
	if got := s.take(); got != 2 {
		t.Errorf("slot %d is given again, want 2", got)
	}
	board := s.Board()
	if board == nil || !board.Used(2) {
		t.Error("the scoreboard does not show it")
	}
}
