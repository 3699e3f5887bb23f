package master

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Any local user can connect to the control socket, and each attempt made a line of the error log: gigabytes an hour.
func TestStrangersCannotFillTheErrorLog(t *testing.T) {
	box, now := newMailbox(), time.Unix(1e9, 0)
	var d denials
	for range 1000 {
		d.add(7, 65534, now, box)
		now = now.Add(denialInterval / 500)
	}
	events := box.take()
	if len(events) != 2 || events[0] != (operatorDenied{7, 65534, 0}) || events[1] != (operatorDenied{7, 65534, 499}) {
		t.Errorf("got %v, want a line for each %v, the second for 499 others, too", events, denialInterval)
	}
}

// The master panicked when a client's queue was full.
func TestOperatorWhoDoesNotReadCostsOnlyHisConnection(t *testing.T) {
	o := &operator{answers: make(chan control.Answer, 1)}
	o.tell(control.Answer{Generation: 2})
	o.tell(control.Answer{Progress: &control.Progress{Workers: 1}})
	if o.hungUp {
		t.Fatal("progress that is not read ends the connection")
	}
	o.tell(control.Answer{Done: true})
	o.tell(control.Answer{Done: true})
	<-o.answers
	if _, open := <-o.answers; open {
		t.Error("an outcome that is not read does not end the connection")
	}
}

// socat, and other clients that have said all, shut down their sending side: they got no answer, as if they had left. One that leaves must be
// noticed all the same, whether it has shut down its side before or not.
func TestOperatorWhoShutsDownTheSendingSideIsAnswered(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connect := func() (*net.UnixConn, *operator, *mailbox) {
		client, err := net.Dial("unix", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		box := newMailbox()
		o := newOperator(conn, os.Getpid(), os.Getuid(), control.Request{Command: "requests"})
		go func() {
			defer conn.Close()
			o.answer(conn, box)
		}()
		return client.(*net.UnixConn), o, box
	}
	gone := func(box *mailbox) bool {
		select {
		case <-box.wake:
			return len(box.take()) == 1
		case <-time.After(10 * time.Second):
			return false
		}
	}

	client, o, box := connect()
	client.CloseWrite()
	select {
	case <-box.wake:
		t.Fatal("a client that has shut down its sending side counts as gone")
	case <-time.After(100 * time.Millisecond):
	}
	o.tell(control.Answer{Done: true, Generation: 7})
	if text, err := io.ReadAll(bufio.NewReader(client)); err != nil || len(text) == 0 {
		t.Errorf("the answer is %q, %v", text, err)
	}
	if !gone(box) {
		t.Error("the loop does not learn of the end of a client that was answered")
	}

	client, _, box = connect()
	client.CloseWrite()
	client.Close()
	if !gone(box) {
		t.Error("a client that shuts down its sending side and then leaves is not noticed")
	}
	client, _, box = connect()
	client.CloseWrite()
	time.Sleep(50 * time.Millisecond)
	client.Close()
	if !gone(box) {
		t.Error("a client that leaves some time after it has shut down its sending side is not noticed")
	}
	client, _, box = connect()
	client.Close()
	if !gone(box) {
		t.Error("a client that leaves is not noticed")
	}
}
