package direct

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// A client of IPv4 is a trusted proxy by its address of IPv4, whatever the listener is.
func TestClientsOfIPv4OnListenersOfBoth(t *testing.T) {
	l, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	client, err := net.Dial("tcp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.Addr().(*net.TCPAddr).AddrPort().Port()).String())
	if err != nil {
		t.Skip(err)
	}
	defer client.Close()
	poll := []unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLIN}}
	if _, err := unix.Poll(poll, 10_000); err != nil {
		t.Fatal(err)
	}
	fd, remote, err := Accept(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if want := client.LocalAddr().(*net.TCPAddr).AddrPort(); remote != want || RemoteAddress(fd) != want {
		t.Errorf("the client is %v and %v, want %v", remote, RemoteAddress(fd), want)
	}
	trusted, err := site.NewProxies([]string{"127.0.0.0/8"})
	if c := (&Conn{Server: &Server{proxies: trusted}, remote: remote}); err != nil || !c.isTrusted() {
		t.Errorf("it is not trusted, %v", err)
	}
}
