package serve

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Server is a Process that is killed when its test ends, if it has not ended before, and what it prints.
type Server struct {
	*Process
	Output Output // of both streams
	t      testing.TB
}

// Run starts a server, and does not wait until it is ready. When the test ends, the server is killed with all processes below it. If the test has
// failed it shows the server's output.
func Run(t testing.TB, cmd *exec.Cmd) *Server {
	t.Helper()
	s := &Server{t: t}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &s.Output, &s.Output, 5*time.Second
	return s.run(cmd)
}

// RunUnread is Run for a server whose output nobody reads any more.
func RunUnread(t testing.TB, cmd *exec.Cmd) *Server {
	t.Helper()
	unread := Unread(t)
	cmd.Stdout, cmd.Stderr = unread, unread
	return (&Server{t: t}).run(cmd)
}

// Unread returns the writing end of a pipe that nobody reads any more. It is closed with the test.
func Unread(t testing.TB) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	t.Cleanup(func() { write.Close() })
	return write
}

func (s *Server) run(cmd *exec.Cmd) *Server {
	t := s.t
	t.Helper()
	var err error
	if s.Process, err = launch(filepath.Base(cmd.Path), cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.Ended() == "" {
			for _, pid := range s.Tree() { // a stock parent leaves its children behind
				syscall.Kill(pid, syscall.SIGKILL)
			}
			<-s.done
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", s.Name, &s.Output)
		}
	})
	return s
}

// Says waits until the server's output has text in it.
func (s *Server) Says(text string) {
	s.t.Helper()
	wait.Until(s.t, fmt.Sprintf("%q of %s", text, s.Name), func() bool { return strings.Contains(s.Output.String(), text) })
}

// End waits until the server has ended, and returns its wait status.
func (s *Server) End() syscall.WaitStatus {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(wait.Patience):
		s.t.Fatalf("%s does not end", s.Name)
	}
	return s.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// Output gathers what a program prints, and may be read meanwhile.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Dir makes a directory that everybody may enter, and removes it when the test ends. A unix socket in it may have its path,
// for which that of t.TempDir is too long.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Address returns a TCP address of this machine at which no process listens.
func Address(t testing.TB) string {
	t.Helper()
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Dial connects to a server, and closes the connection when the test ends.
func Dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(wait.Patience))
	t.Cleanup(func() { conn.Close() })
	return conn
}
