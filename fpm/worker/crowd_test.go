package worker

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// once sends a request as phpsapi's front does, and gives the application status of the response.
func once(t *testing.T, p *pool, conn net.Conn) uint32 {
	t.Helper()
	r := get(p.Dir, "a.php")
	r.Keep, r.Flags = true, fastcgi.Interim
	go r.Send(conn)
	got := receive(conn)
	if got.err != nil {
		t.Fatal(got)
	}
	return got.status.AppStatus
}

// closed says that the worker has closed a connection.
func closed(conn net.Conn) bool {
	n, err := conn.Read(make([]byte, 1))
	return n == 0 && err != nil
}

// A connection that was parked belongs to nobody: its client is told that there is one too many.
func TestParkedConnectionIsClosedAfterItsRequest(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("a.php", "<?php echo 'a';")
	first, second := dial(t, p.Socket), dial(t, p.Socket)
	defer first.Close()
	defer second.Close()
	if status := once(t, p, first) | once(t, p, second); status != 0 {
		t.Errorf("status %x of connections that nobody parked", status)
	}
	_, parked, _ := c.receive(t)
	c.say(contract.WhenIdle, -1)
	c.receive(t)
	c.say(contract.Connection, parked)
	unix.Close(parked)
	if status := once(t, p, first); status != fastcgi.Closing+1 {
		t.Errorf("status %x, want %x for one worker", status, fastcgi.Closing+1)
	}
	if !closed(first) {
		t.Error("the worker keeps it")
	}
	if status := once(t, p, dial(t, p.Socket)); status != 0 {
		t.Errorf("status %x of the connection after", status)
	}
}

// Where new connections wait again and again, a kept one is let go before it is parked.
func TestKeptConnectionMakesRoom(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("a.php", "<?php echo 'a';")
	var waiting []net.Conn
	for range 6 {
		waiting = append(waiting, dial(t, p.Socket))
	}
	for i, conn := range waiting {
		want := uint32(0)
		if i > patience && i < len(waiting)-1 {
			want = fastcgi.Closing + 1
		}
		if status := once(t, p, conn); i != patience && status != want {
			t.Errorf("connection %d: status %x, want %x", i, status, want)
		}
		conn.Close()
	}
}

// A worker that leaves says so, instead of leaving a connection to the master; but not to those who do not know the word.
func TestLeavingWorkerLetsGo(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.conf.MaxRequests = 1
	p.write("a.php", "<?php echo 'a';")
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if status := once(t, p, conn); status != fastcgi.Closing || !closed(conn) {
		t.Errorf("status %x, want %x", status, fastcgi.Closing)
	}
	p.exit()
	c := p.spawn()
	other := dial(t, p.Socket)
	defer other.Close()
	if got := ask(t, other, get(p.Dir, "a.php")); got != "a" {
		t.Errorf("%q", got)
	}
	if letter, fd, _ := c.receive(t); letter != contract.Park || fd < 0 {
		t.Errorf("the worker said %c, want Park", letter)
	}
	p.exit()
}
