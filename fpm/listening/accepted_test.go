package listening

import (
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestOnlyConnectionsOfTheSocketAreAccepted(t *testing.T) {
	listen := func(network, address string) (*Socket, *net.TCPListener) {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return &Socket{fd: int(file.Fd()), domain: conf.Inet}, l.(*net.TCPListener)
	}
	accept := func(l *net.TCPListener) (client, server int) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		theirs, err := l.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { theirs.Close() })
		return fdOf(t, conn), fdOf(t, theirs)
	}
	one, oneL := listen("tcp", "127.0.0.1:0")
	any, anyL := listen("tcp", ":0")
	oneClient, oneServer := accept(oneL)
	_, anyServer := accept(anyL)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, c := range map[string]struct {
		s    *Socket
		fd   int
		want bool
	}{
		"its connection":        {one, oneServer, true},
		"one at any address":    {any, anyServer, true},
		"the client's end":      {one, oneClient, false},
		"another pool's":        {one, anyServer, false},
		"the listening socket":  {one, one.fd, false},
		"one of another family": {one, pair[0], false},
		"a file":                {one, int(null.Fd()), false},
	} {
		if got := c.s.Accepted(c.fd); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// fdOf returns a connection's descriptor, which stays the connection's.
func fdOf(t *testing.T, conn net.Conn) (fd int) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(p uintptr) { fd = int(p) })
	return fd
}
