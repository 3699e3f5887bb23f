package announce

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// manager is what hears a Systemd: next returns what it is told next.
func manager(t *testing.T) (s Systemd, next func() string) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return NewSystemd(func(string) string { return path }), func() string {
		t.Helper()
		b := make([]byte, 1000)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

// A reload that was asked for while the first workers were forked was told before the service was ready, which a service manager
// does not expect.
func TestReadyIsTheFirstWordToSystemd(t *testing.T) {
	s, next := manager(t)
	s.Reloading()
	s.Ready()
	s.Reloading()
	s.Ready()
	for _, want := range []string{"READY=1\n", "RELOADING=1\n", "READY=1\n"} {
		if got := next(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The heartbeat said READY=1 while a reload was under way, which ended it as far as systemd knew. The reason of a reload that failed
// was gone with the next heartbeat.
func TestHeartbeatsOfAReload(t *testing.T) {
	s, next := manager(t)
	s.watchdog, s.interval = true, time.Second
	const numbers = "Processes active: 1, idle: 2, Requests: 3, slow: 4, Traffic: "
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { s.Ready() }, "READY=1\nSTATUS=Ready "},
		{func() { s.Reloading() }, "RELOADING=1\n"},
		{func() { s.Heartbeat(1, 2, 3, 4) }, "WATCHDOG=1\n"},
		{func() { s.ReloadFailed(errors.New("two\nlines")) }, "READY=1\nSTATUS=Reload failed, the old configuration keeps serving: two lines"},
		{func() { s.Heartbeat(2, 1, 3, 4) },
			"READY=1\nWATCHDOG=1\nSTATUS=" + numbers + "3.00req/sec. Reload failed, the old configuration keeps serving: two lines"},
		{func() { s.Reloading() }, "RELOADING=1\n"},
		{func() { s.Ready() }, "READY=1\nSTATUS=Ready "},
		{func() { s.Heartbeat(2, 1, 3, 4) }, "READY=1\nWATCHDOG=1\nSTATUS=" + numbers + "0.00req/sec"},
	} {
		step.do()
		if got := next(); got != step.want && (!strings.HasSuffix(step.want, "=1\n") && !strings.HasSuffix(step.want, " ") || !strings.HasPrefix(got, step.want)) {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
	s.watchdog = false
	s.Reloading()
	s.Heartbeat(1, 2, 3, 4)
	s.Ready()
	next()
	if got := next(); !strings.HasPrefix(got, "READY=1\nSTATUS=Ready ") {
		t.Errorf("without a watchdog a heartbeat of a reload says %q", got)
	}
}

// A program that took over told the watchdog nothing until it was ready, so that a PHP that starts slowly ended the service.
func TestWatchdogOfATakeover(t *testing.T) {
	s, next := manager(t)
	s.TakeOver(func(string) string { return "2000" }, 20*time.Second)
	for range 3 {
		if got := next(); got != "WATCHDOG=1\n" {
			t.Errorf("got %q", got)
		}
	}
	if !s.EnterLoop() || s.EnterLoop() || !s.watchdog || s.interval != time.Millisecond {
		t.Errorf("the loop has not to tell that the master lives: %+v", s)
	}
	s.Heartbeat(0, 0, 0, 0)
	s.Ready()
	for got := next(); got != "READY=1\nSTATUS=Ready to handle connections\nMAINPID="+strconv.Itoa(os.Getpid()); got = next() {
		if got != "WATCHDOG=1\n" {
			t.Fatalf("got %q", got)
		}
	}

	late, next := manager(t)
	late.TakeOver(func(string) string { return "2000" }, 0)
	next()
	time.Sleep(20 * time.Millisecond) // it is no longer told
	late.notify("end")
	said := 0
	for next() != "end" {
		said++
	}
	if said > 5 {
		t.Errorf("a start that takes too long is told to live, %d times", said)
	}
}

func TestSystemdThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := NewSystemd(func(string) string { return path })
	wait.Returns(t, "systemd", func() {
		for s.notify("WATCHDOG=1") == nil {
		}
	})
}

func TestSystemdIsTold(t *testing.T) {
	path := t.TempDir() + "/notify"
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := NewSystemd(func(string) string { return path })
	s.watchdog, s.interval = true, 2*time.Second
	s.Heartbeat(3, 1, 50, 2)
	s.Heartbeat(4, 0, 75, 2)
	for _, want := range []string{
		"READY=1\nWATCHDOG=1\nSTATUS=Processes active: 1, idle: 3, Requests: 50, slow: 2, Traffic: 25.00req/sec",
		"READY=1\nWATCHDOG=1\nSTATUS=Processes active: 0, idle: 4, Requests: 75, slow: 2, Traffic: 12.50req/sec",
	} {
		b := make([]byte, 4096)
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := conn.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Errorf("got  %q, %v\nwant %q", b[:n], err, want)
		}
	}
}
