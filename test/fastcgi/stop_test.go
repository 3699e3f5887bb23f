package fastcgi_test

import (
	"bytes"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Clients that were silent within a request, or did not read their answer, and children that were stopped kept a server
// from ending for ever.
func TestServerEndsWhateverItsChildrenWaitFor(t *testing.T) {
	t.Parallel()
	send := func(text string) func(*testing.T, *server, net.Conn, string) {
		return func(t *testing.T, _ *server, conn net.Conn, _ string) {
			conn.Write([]byte(text))
			allRead(t, conn)
		}
	}
	for name, hold := range map[string]func(t *testing.T, s *server, conn net.Conn, dir string){
		"no byte":     send(""),
		"half a head": send("\x01\x01"),
		"half a body": func(t *testing.T, s *server, conn net.Conn, dir string) {
			r := get(dir+"/hello.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "10")
			r.Body = "abc"
			var whole bytes.Buffer
			r.Send(&whole)
			conn.Write(whole.Bytes()[:whole.Len()-fastcgi.HeaderLen]) // without the end of STDIN
			allRead(t, conn)
		},
		"an answer unread": func(t *testing.T, s *server, conn net.Conn, dir string) {
			get(dir + "/long.php").Send(conn)
			wait.Until(t, "the script", func() bool { return files.Exists(dir + "/began") })
		},
		"stopped processes": func(t *testing.T, s *server, _ net.Conn, _ string) {
			for _, pid := range s.Tree()[1:] {
				syscall.Kill(pid, syscall.SIGSTOP)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := files.Make(t, map[string]string{
				"hello.php": `<?php echo "hello";`,
				"long.php":  `<?php touch(__DIR__ . "/began"); for (;;) echo str_repeat("x", 65536);`,
			})
			s := start(t, binary, []string{"PHP_FCGI_CHILDREN=1", "PHPSAPI_CGI_STOP_TIMEOUT=3"})
			wait.Until(t, "a parent, a zygote and a child", func() bool { return len(s.Tree()) == 3 })
			hold(t, s, s.dial(), dir)
			all := s.Tree()
			s.Signal(syscall.SIGTERM)
			if status := s.End(); status != 0 {
				t.Errorf("ended by %v", status)
			}
			serve.AllEnd(t, all...)
		})
	}
}

// allRead waits until the server has read all that was sent.
func allRead(t *testing.T, conn net.Conn) {
	t.Helper()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the server to read", func() (read bool) {
		raw.Control(func(fd uintptr) {
			left, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
			read = err == nil && left == 0
		})
		return read
	})
}
