package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Any local user can connect to the control socket, and each attempt made a line of the error log: gigabytes an hour.
func TestStrangersCannotFillTheErrorLog(t *testing.T) {
	now := time.Unix(1e9, 0)
	var d denials
	var told []int
	for range 1000 {
		if others, tell := d.count(now); tell {
			told = append(told, others)
		}
		now = now.Add(denialInterval / 500)
	}
	if len(told) != 2 || told[0] != 0 || told[1] != 499 {
		t.Errorf("got %v, want a line for each %v, the second for 499 others, too", told, denialInterval)
	}
}

// server returns a Server at a socket of its own, what it tells, and its address.
func server(t *testing.T) (*Server, *memo, *net.UnixAddr) {
	t.Helper()
	at := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "control"), Net: "unix"}
	l, err := net.ListenUnix("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	inbox := newMemo()
	return Serve(l, inbox), inbox, at
}

// dial connects to a Server.
func dial(t *testing.T, at *net.UnixAddr) *Client {
	t.Helper()
	conn, err := net.DialUnix("unix", nil, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return Over(conn)
}

// ask sends a request, and returns all answers.
func ask(t *testing.T, c *Client, r Request) (all []Answer, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	last, err := c.Ask(ctx, r, func(a Answer) { all = append(all, a) })
	return append(all, last), err
}

func TestOperatorIsHeardAndAnswered(t *testing.T) {
	_, inbox, at := server(t)
	inbox.answer = func(o *Operator) {
		if !o.IsSaid() {
			t.Error("an operator that was told nothing has not read it")
		}
		o.Tell(Answer{Progress: &Progress{Workers: 3}})
		o.Tell(Answer{Done: true, Generation: 7})
	}
	all, err := ask(t, dial(t, at), Request{Command: Reload, Drained: true})
	if err != nil || len(all) != 2 || all[0].Progress.Workers != 3 || all[1].Generation != 7 {
		t.Errorf("got %+v, %v", all, err)
	}
	o := <-inbox.gone
	if asked := inbox.take(); len(asked) != 1 || asked[0] != o || o.Request != (Request{Command: Reload, Drained: true}) || o.Pid != os.Getpid() || o.UID != os.Getuid() {
		t.Errorf("the master is asked by %+v", o)
	}
	if !o.IsSaid() {
		t.Error("an answer counts as unsaid after it was read")
	}
	if all, err = ask(t, dial(t, at), Request{Command: "dance"}); err != nil || all[0].Reason != Refused || !strings.Contains(all[0].Why, "unknown command") {
		t.Errorf("another word: got %+v, %v", all, err)
	}
}

// Operators that wait hold up nobody, and there is an end to their number. One that leaves makes room.
func TestWaitingOperatorsHaveAnEnd(t *testing.T) {
	_, inbox, at := server(t)
	var waiting []*Client
	for range MaxOperators {
		c := dial(t, at)
		if err := Write(c.conn, Request{Command: Stop}); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, c)
	}
	wait.Until(t, "all requests", func() bool { return len(inbox.take()) == MaxOperators })
	if all, err := ask(t, dial(t, at), Request{Command: Stop}); err != nil || all[0].Reason != Refused || all[0].Why != "32 others are waiting for the master already" {
		t.Errorf("one more: got %+v, %v", all, err)
	}
	waiting[5].Close()
	<-inbox.gone
	inbox.mu.Lock()
	inbox.answer = func(o *Operator) { o.Tell(Answer{Done: true}) }
	inbox.mu.Unlock()
	wait.Until(t, "an answer, after one has left", func() bool {
		all, err := ask(t, dial(t, at), Request{Command: Stop})
		return err == nil && all[0].Reason == ""
	})
}

// asUser calls f as another user, on a thread that ends then.
func asUser(t *testing.T, uid int, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		id := uintptr(uid)
		if _, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, id, id, id); err != 0 {
			done <- err
			return
		}
		f()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestStrangersAreDenied(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	_, inbox, at := server(t)
	for _, dir := range []string{at.Name, filepath.Dir(at.Name), filepath.Dir(filepath.Dir(at.Name))} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		var all []Answer
		var err error
		asUser(t, 65534, func() {
			var conn *net.UnixConn
			if conn, err = net.DialUnix("unix", nil, at); err == nil {
				defer conn.Close()
				all, err = ask(t, Over(conn), Request{Command: Stop})
			}
		})
		if err != nil || all[0].Reason != Denied || all[0].Why != "only root may" {
			t.Fatalf("got %+v, %v", all, err)
		}
	}
	if asked := inbox.take(); len(asked) > 0 {
		t.Errorf("the master is asked by %+v", asked[0])
	}
	inbox.mu.Lock()
	defer inbox.mu.Unlock()
	if len(inbox.denied) != 1 || inbox.denied[0] != [3]int{os.Getpid(), 65534, 0} {
		t.Errorf("the master is told of %v, want the first of them", inbox.denied)
	}
}

func TestWhoMayCommand(t *testing.T) {
	for owner, want := range map[int]string{0: "only root may", 33: "only root and user 33, whose process it is, may"} {
		if got := mayCommand(owner); got != want {
			t.Errorf("of user %d: got %q", owner, got)
		}
	}
}

// A master that is replaced hears what was asked before, and leaves what is asked after to the next program.
func TestHaltedServerLeavesConnectionsToTheNextProgram(t *testing.T) {
	s, inbox, at := server(t)
	before := dial(t, at)
	if err := Write(before.conn, Request{Command: Reload}); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the request", func() bool { return len(inbox.take()) > 0 })
	silent := dial(t, at) // is not waited for
	defer silent.Close()
	s.Halt()
	(*Server)(nil).Halt()
	after := dial(t, at)
	fd := -1
	raw, err := s.Socket().SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = int(n) })
	}
	if err != nil {
		t.Fatal(err)
	}
	next := newMemo()
	next.answer = func(o *Operator) { o.Tell(Answer{Done: true, Generation: 2}) }
	inherited, err := Inherit(fd, next)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.listener.Close()
	if all, err := ask(t, after, Request{Command: Status}); err != nil || all[0].Generation != 2 {
		t.Errorf("got %+v, %v", all, err)
	}
	if asked := inbox.take(); len(asked) != 1 || asked[0].Request.Command != Reload {
		t.Errorf("the master that is replaced was asked by %d", len(asked))
	}
	if _, err := Inherit(-1, next); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a descriptor that is not open: %v", err)
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := Inherit(int(file.Fd()), next); err == nil {
		t.Error("/dev/null is taken for a control socket")
	}
}
