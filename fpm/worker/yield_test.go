package worker

import (
	"bytes"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// yields expects a worker to hand over so many connections, to say Yielded, and to end.
func yields(t *testing.T, p *pool, w *child, connections int) {
	t.Helper()
	said := ""
	for {
		letter, fd, text := w.receive(t)
		if letter == 0 {
			break
		}
		if fd >= 0 {
			unix.Close(fd)
		}
		if letter == contract.Park && fd < 0 {
			text = "without a descriptor"
		}
		said += string(letter) + text
	}
	if strings.Count(said, "P") != connections || strings.Count(said, "Y") != 1 || len(said) != connections+1 {
		t.Errorf("it said %q, want Yielded and %d connections", said, connections)
	}
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
		t.Errorf("it ended with %v", e.Status)
	}
}

// After a reload the old workers' settings must answer nothing: what woke a worker that is to yield goes to the new ones.
func TestWorkerThatYieldsHandsOver(t *testing.T) {
	t.Parallel()
	t.Run("a new connection", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, nil)
		w := p.spawn()
		w.stop(t)
		w.say(contract.Yield, -1)
		conn := dial(t, p.Socket)
		defer conn.Close()
		get(p.Dir, "x.php").Send(conn)
		syscall.Kill(w.pid, syscall.SIGCONT)
		yields(t, p, w, 1)
	})
	t.Run("a connection whose request has not come", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, nil)
		w := p.spawn()
		conn := dial(t, p.Socket)
		defer conn.Close()
		wait.Until(t, "the connection to be accepted", func() bool { return len(descriptorsOf(w.pid, "^socket:")) >= 3 })
		w.say(contract.Yield, -1)
		yields(t, p, w, 1)
	})
	t.Run("a kept connection", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, nil)
		w := p.spawn()
		p.write("x.php", "<?php echo 1;")
		conn := dial(t, p.Socket)
		defer conn.Close()
		ask(t, conn, get(p.Dir, "x.php"))
		w.stop(t)
		w.say(contract.Yield, -1)
		r := get(p.Dir, "x.php")
		r.Keep = true
		r.Send(conn)
		syscall.Kill(w.pid, syscall.SIGCONT)
		yields(t, p, w, 1)
	})
}

// A worker of one request never becomes idle while new connections come. It asks the master first, which has a parked connection.
func TestParkedConnectionComesBeforeANewOne(t *testing.T) {
	t.Parallel()
	p := newPool(t, func(c *conf.Pool) { c.MaxRequests = 1 })
	w := p.spawn()
	p.write("x.php", "<?php echo 1;")
	w.stop(t)
	fresh := dial(t, p.Socket)
	defer fresh.Close()
	get(p.Dir, "x.php").Send(fresh)
	w.say(contract.WhenIdle, -1)
	syscall.Kill(w.pid, syscall.SIGCONT)
	if letter, _, _ := w.receive(t); letter != contract.Idle {
		t.Fatalf("it said %q, want that it is idle", letter)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.say(contract.Connection, pair[1])
	unix.Close(pair[1])
	file := os.NewFile(uintptr(pair[0]), "parked")
	defer file.Close()
	parked, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	defer parked.Close()
	get(p.Dir, "x.php").Send(parked)
	if got := receive(parked); !strings.HasSuffix(got.stdout, "1") || got.err != nil {
		t.Errorf("the parked connection's answer is %v", got)
	}
}

// What is read after a request's end was sent may be the next request already, which a worker that leaves must not answer:
// its last request is read to its end before.
func TestLastRequestOfAWorkerIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	p := newPool(t, func(c *conf.Pool) { c.MaxRequests = 1 })
	w := p.spawn()
	p.write("x.php", "<?php echo 1;")
	conn := dial(t, p.Socket)
	defer conn.Close()
	r := get(p.Dir, "x.php")
	r.Keep = true
	var all bytes.Buffer
	r.Send(&all)
	end := all.Len() - fastcgi.HeaderLen // the empty record of STDIN
	conn.Write(all.Bytes()[:end])
	got := make(chan testResponse, 1)
	go func() { got <- receive(conn) }()
	select {
	case early := <-got:
		t.Errorf("the end was sent before the request's own: %v", early)
	case <-time.After(100 * time.Millisecond):
		conn.Write(all.Bytes()[end:])
		if r := <-got; r.err != nil || !strings.HasSuffix(r.stdout, "1") {
			t.Error(r)
		}
	}
	if letter, fd, _ := w.receive(t); letter != contract.Park || fd < 0 {
		t.Errorf("the worker said %c, want Park", letter)
	}
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
		t.Errorf("the worker ended with %v", e.Status)
	}
}
