package master

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A reload that was asked for while the first workers were forked was told before the service was ready, which a service manager
// does not expect.
func TestReadyIsTheFirstWordToSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	s := newSystemd(func(string) string { return path })
	s.reloading()
	s.ready()
	s.reloading()
	s.ready()
	for _, want := range []string{"READY=1\n", "RELOADING=1\n", "READY=1\n"} {
		b := make([]byte, 1000)
		n, err := conn.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), want) {
			t.Errorf("got %q, %v, want %q", b[:n], err, want)
		}
	}
}
