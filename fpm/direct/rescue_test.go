package direct

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/boards"
)

// pair makes a pair of sockets.
func pair(t *testing.T, kind int) [2]int {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds
}

// A worker that dies with a part of a request that it has read leaves nothing to wait for: the connection never looks as if it were idle
// then. The states are what the master goes by.
func TestRequestThatIsBeingReadIsNotIdle(t *testing.T) {
	board, slot := boards.Occupied(t)
	socket, client := pair(t, unix.SOCK_SEQPACKET), pair(t, unix.SOCK_STREAM)
	place := int32(-1)
	c := &Conn{Server: &Server{Slot: slot, InForks: &place, Orders: &contract.HTTP{}, addresses: make([]netip.AddrPort, 1)},
		saved: saved{in: socket[0], out: socket[1]}}
	says := func(when string, want scoreboard.HTTPState) {
		t.Helper()
		if got := board.HTTP(0).State; got != want {
			t.Errorf("%s: the state is %d, want %d", when, got, want)
		}
	}
	c.Take(client[0], 0, netip.AddrPort{})
	if found := c.next(nil); found != nothing {
		t.Fatalf("found %d", found)
	}
	says("a new connection", scoreboard.NoHTTP)
	c.rescue()
	says("a request", scoreboard.HTTPUnsent)
	c.answered()
	says("its answer", scoreboard.HTTPWaits)
	if found := c.next(nil); found != nothing {
		t.Fatalf("found %d", found)
	}
	says("nothing has come", scoreboard.HTTPWaits)
	unix.Write(client[1], []byte("GET / HTTP/1.1\r\n"))
	if found := c.next(nil); found != foreign {
		t.Fatalf("found %d", found)
	}
	says("a part of a request", scoreboard.HTTPReads)
	c.rescue()
	c.answered()
	says("an answer before a part of the next request", scoreboard.HTTPReads)
	c.unrescue()
	says("a connection that is another's", scoreboard.NoHTTP)
}
