package master

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/test/wait"
)

// An operator's stop, and a signal, that came while a master came to rest for an upgrade were lost.
func TestOrdersOfARestingMasterAreLeftToTheNextProgram(t *testing.T) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "control"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := &Master{sys: realSystem(), box: newMailbox(), errorLog: errorlog.New(true), signals: make(chan os.Signal, 64), park: &parking{},
		gen: &generation{config: &conf.Config{}}}
	m.log = lines{m.errorLog.Messages}
	m.control = control.Serve(l, m.box)
	for _, s := range []os.Signal{syscall.SIGUSR1, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGQUIT} {
		m.signals <- s
	}
	var asked []net.Conn
	for _, command := range []control.Command{control.Stop, control.Status, control.Reload} {
		conn, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		asked = append(asked, conn)
		if err := control.Write(conn, control.Request{Command: command}); err != nil {
			t.Fatal(err)
		}
	}
	wait.Until(t, "all are asked", func() bool {
		m.box.mu.Lock()
		defer m.box.mu.Unlock()
		return len(m.box.queue) == len(asked)
	})
	late, err := net.Dial("unix", l.Addr().String()) // says nothing, and is not waited for
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	h := m.comeToRest()
	if m.state != normal {
		t.Errorf("the master that leaves is %s", m.state)
	}
	if got := syscall.Signal(h.Order); got != syscall.SIGTERM {
		t.Errorf("the signal %v is left", got)
	}
	got := map[control.Command]handoff.Operator{}
	for _, o := range h.Operators {
		var r control.Request
		if err := json.Unmarshal(o.Request, &r); err != nil {
			t.Fatal(err)
		}
		got[r.Command] = o
	}
	if len(got) != len(asked) {
		t.Fatalf("the operators %v are left", got)
	}

	next := &Master{sys: realSystem(), box: newMailbox(), signals: make(chan os.Signal, 64), taken: &takeover{h: h, order: graver(0, syscall.Signal(h.Order))}}
	h.Groups = nil
	next.beginTakeover()
	if got := <-next.signals; got != syscall.SIGTERM {
		t.Errorf("the next program obeys %v", got)
	}
	again := map[control.Command]bool{}
	for _, e := range next.box.take() {
		again[e.(operatorAsked).o.Request.Command] = true
	}
	if len(again) != 2 || !again[control.Stop] || !again[control.Status] {
		t.Errorf("the next program is asked for %v", again)
	}
	if w := next.operators.waiting; len(w) != 1 || w[0].Request.Command != control.Reload || w[0].round != 1 {
		t.Errorf("for the reload there wait %v", w)
	}
}
