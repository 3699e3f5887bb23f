package handover_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// The client gives the resident up in the very moment in which the resident takes the request: the request is not cut
// off, and not answered twice. The client waits for its end.
func TestRequestIsTakenAtTheLastMoment(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	listener, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(listener)
	if err := syscall.Bind(listener, &syscall.SockaddrUnix{Name: s.socket()}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 1); err != nil {
		t.Fatal(err)
	}
	// The second wait with a limit, for the resident's answer, is over when the answer has come.
	shim := serve.Compile(t, `
#include <dlfcn.h>
#include <poll.h>
int poll(struct pollfd *fds, nfds_t n, int limit) {
	static int waits;
	int (*next)(struct pollfd *, nfds_t, int) = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
	if (limit > 0 && ++waits == 2) {
		next(fds, n, -1);
		return 0;
	}
	return next(fds, n, limit);
}`)
	client := make(chan outcome, 1)
	go func() {
		client <- s.run(ours(), s.socket(), request{script: s.script("hello.php", `echo 'hello';`), env: []string{"LD_PRELOAD=" + shim}})
	}()
	conn, _, err := syscall.Accept(listener)
	if err != nil {
		t.Fatal(err)
	}
	syscall.SetsockoptTimeval(conn, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Usec: 300_000})
	answer := func(letter byte) error { return syscall.Sendto(conn, []byte{letter, 7: 0}, syscall.MSG_NOSIGNAL, nil) }
	if err := answer('R'); err != nil {
		t.Fatal(err)
	}
	if n, err := read(conn, make([]byte, 128<<10)); n <= 0 {
		t.Fatalf("no request: %d, %v", n, err)
	}
	if err := answer('T'); err != nil {
		t.Fatal(err)
	}
	// It cannot be told anything, and is there still.
	for deadline := time.Now().Add(patience); answer('x') == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the client does not give up")
		}
	}
	if n, err := read(conn, make([]byte, 1)); err != syscall.EAGAIN {
		t.Errorf("the client has closed the connection: %d, %v", n, err)
	}
	select {
	case o := <-client:
		t.Errorf("the client did not wait: %s", o)
	default:
	}
	syscall.Close(conn)
	if o := <-client; o.out != "" || o.end != "exit status 255" || o.err != "phpsapi cgi: the zygote could not tell how the request ended\n" {
		t.Errorf("%s", o)
	}
	os.Remove(s.socket())
}

// read is syscall.Read, which a signal of Go's runtime does not end: SA_RESTART does nothing for a socket that has a
// receive timeout (signal(7)).
func read(fd int, p []byte) (int, error) {
	for {
		if n, err := syscall.Read(fd, p); err != syscall.EINTR {
			return n, err
		}
	}
}
