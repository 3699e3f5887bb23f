package master

import (
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/listening"
)

// farFront returns a front that runs, and what it is sent.
func farFront(t *testing.T) (*front, chan channel.Message) {
	t.Helper()
	l := &lonely{t: t}
	told := make(chan channel.Message, 16)
	return &front{Front: &companion.Front{Process: companion.Process{Control: l.channel(told)}}}, told
}

func TestHTTPSideKnowsItsFront(t *testing.T) {
	f := &front{Front: &companion.Front{}}
	for _, c := range []struct {
		name             string
		front            *front
		ready, yielded   bool
		runs, serves, is bool
	}{
		{name: "none"},
		{name: "starts", front: f, runs: true, is: true},
		{name: "serves", front: f, ready: true, runs: true, serves: true, is: true},
		{name: "has yielded", front: f, ready: true, yielded: true, runs: true, serves: true},
	} {
		var h httpSide
		if c.front != nil {
			h.started(c.front)
		}
		f.Ready, f.Yielded = c.ready, c.yielded
		if h.runs() != c.runs || (h.serving() != nil) != c.serves || h.mayTakeRequests() != c.is {
			t.Errorf("%s: runs %v, serves %v, may take requests %v", c.name, h.runs(), h.serving() != nil, h.mayTakeRequests())
		}
		at := time.Unix(7, 0)
		h.hurry(at)
		if c.front != nil && f.Escalation.Deadline != at {
			t.Errorf("%s: it is not hurried", c.name)
		}
		h.ended(&front{})
		if h.runs() != c.runs {
			t.Errorf("%s: another's end is its own", c.name)
		}
		if h.ended(f); h.runs() {
			t.Errorf("%s: it runs after its end", c.name)
		}
	}
}

func TestHTTPSideNamesItsAddresses(t *testing.T) {
	socket := func(key string, domain conf.Domain) *listening.Socket {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := listening.NewSocket(fd, key, domain)
		t.Cleanup(func() { s.File().Close() })
		return s
	}
	secret, plain, local := socket("127.0.0.1:443", conf.Inet), socket("0.0.0.0:80", conf.Inet), socket("/run/x.sock", conf.Unix)
	h := httpSide{listeners: []httpListener{
		{secret, contract.FrontListener{Address: "127.0.0.1:443", TLS: true}},
		{plain, contract.FrontListener{Address: ":80"}},
		{local, contract.FrontListener{Address: "/run/x.sock"}},
	}}
	if got := h.addresses(); got != "https://127.0.0.1:443, http://0.0.0.0:80, unix:/run/x.sock" {
		t.Errorf("got %q", got)
	}
	if got := h.plain(); len(got) != 2 || got[0].Address != ":80" || got[1].Address != "/run/x.sock" {
		t.Errorf("without TLS: %+v", got)
	}
	if !h.listensAt(plain) || h.listensAt(&listening.Socket{}) {
		t.Error("it does not know its socket, or takes another for it")
	}
}

// What a front has not begun goes to the front that takes its place: each gets an end of a connection.
func TestAFrontInheritsFromAnother(t *testing.T) {
	next, nextTold := farFront(t)
	other, otherTold := farFront(t)
	var none, h httpSide
	if err := none.inheritFrom(other.Control); err != nil {
		t.Fatal(err)
	}
	if m := <-otherTold; m.Letter != contract.Yield || m.FD >= 0 {
		t.Errorf("without a front the other is told %c, with descriptor %d", m.Letter, m.FD)
	}
	h.started(next)
	if err := h.inheritFrom(other.Control); err != nil {
		t.Fatal(err)
	}
	m, from := <-nextTold, <-otherTold
	if m.Letter != contract.Inherit || from.Letter != contract.Yield || m.FD < 0 || from.FD < 0 {
		t.Fatalf("one is told %c, with descriptor %d, the other %c, with %d", m.Letter, m.FD, from.Letter, from.FD)
	}
	in, out := os.NewFile(uintptr(m.FD), "heir"), os.NewFile(uintptr(from.FD), "former")
	defer in.Close()
	if _, err := out.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if text, err := io.ReadAll(in); string(text) != "x" {
		t.Errorf("the heir reads %q, %v", text, err)
	}
	other.Control.Close()
	if h.inheritFrom(other.Control) == nil {
		t.Error("one that hears nothing counts as told")
	}
}

// The front's log is opened again after a rotation, and a generation like another writes to the same file.
func TestHTTPSideHandsItsLogOn(t *testing.T) {
	f, told := farFront(t)
	open := func() *os.File {
		file, err := os.CreateTemp(t.TempDir(), "log")
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	first, second := open(), open()
	h := httpSide{log: first, front: f}
	h.reopenLog(second)
	m := <-told
	if m.Letter != contract.AccessLog || m.FD < 0 {
		t.Fatalf("the front is told %c, with descriptor %d", m.Letter, m.FD)
	}
	os.NewFile(uintptr(m.FD), "log").WriteString("from the front\n")
	if _, err := first.WriteString("x"); err == nil {
		t.Error("the first log is open still")
	}
	var like httpSide
	if err := like.resemble(&h); err != nil {
		t.Fatal(err)
	}
	h.close()
	like.log.WriteString("from the next\n")
	name := like.log.Name()
	like.close()
	if text, err := os.ReadFile(name); string(text) != "from the front\nfrom the next\n" {
		t.Errorf("the log has %q, %v", text, err)
	}
	if like = (httpSide{}); like.resemble(&httpSide{}) != nil || like.log != nil {
		t.Error("a log of nothing is opened")
	}
}
