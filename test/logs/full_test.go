package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/serve"
)

// fullPipe returns the path of a named pipe that is full and that nobody reads.
func fullPipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(serve.Dir(t), "full")
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for err == nil {
		_, err = unix.Write(fd, make([]byte, 4096))
	}
	if err != unix.EAGAIN {
		t.Fatal(err)
	}
	return path
}

// TestFullAccessLogs has access logs in pipes that nobody reads. Each process waits a second for room, once: a request that waited for ever would get
// no answer within the client's time.
func TestFullAccessLogs(t *testing.T) {
	t.Parallel()
	for _, direct := range []string{"auto", "off"} {
		t.Run("direct "+direct, func(t *testing.T) {
			t.Parallel()
			s := start(t, "", "access.log = "+fullPipe(t), "PHPSAPI_HTTP_ACCESS_LOG="+fullPipe(t), "PHPSAPI_HTTP_DIRECT="+direct)
			for n := range 6 {
				if status, text := s.get(fmt.Sprintf("/index.php?%d", n)); status != 200 || text != "index" {
					t.Errorf("request %d by HTTP: %d, %q", n, status, text)
				}
				if body, said := s.fastcgi("index.php"); !strings.HasSuffix(body, "index") || said != "" {
					t.Errorf("request %d by FastCGI: %q, on STDERR %q", n, body, said)
				}
			}
		})
	}
}
