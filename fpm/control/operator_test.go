package control

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// memo is an Inbox that remembers.
type memo struct {
	answer func(*Operator) // what is done with an operator that asks; nil: nothing
	gone   chan *Operator

	mu     sync.Mutex
	asked  []*Operator
	denied [][3]int
	wrong  []string
}

func newMemo() *memo { return &memo{gone: make(chan *Operator, 100)} }

func (m *memo) Asked(o *Operator) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, o)
	if m.answer != nil {
		m.answer(o)
	}
}

func (m *memo) Gone(o *Operator) { m.gone <- o }

func (m *memo) Denied(pid, uid, others int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.denied = append(m.denied, [3]int{pid, uid, others})
}

func (m *memo) WrongToken(client string, others int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong = append(m.wrong, client)
}

// take returns the operators that have asked so far.
func (m *memo) take() []*Operator {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*Operator(nil), m.asked...)
}

// The master panicked when a client's queue was full.
func TestOperatorWhoDoesNotReadCostsOnlyHisConnection(t *testing.T) {
	o := NewOperator(nil, 1, 0, Request{Command: Status})
	for range mostUnread - 1 {
		o.Tell(Answer{Generation: 2})
	}
	o.Tell(Answer{Progress: &Progress{Workers: 1}})
	o.Tell(Answer{Progress: &Progress{Workers: 1}})
	if o.hungUp {
		t.Fatal("progress that is not read ends the connection")
	}
	o.Tell(Answer{Done: true})
	o.Tell(Answer{Done: true})
	for range mostUnread {
		<-o.answers
	}
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
	connect := func() (*net.UnixConn, *Operator, *memo) {
		client, err := net.Dial("unix", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		inbox := newMemo()
		o := NewOperator(conn, os.Getpid(), os.Getuid(), Request{Command: Requests})
		go func() {
			defer conn.Close()
			o.Serve(inbox)
		}()
		return client.(*net.UnixConn), o, inbox
	}
	gone := func(inbox *memo) bool {
		select {
		case <-inbox.gone:
			return true
		case <-time.After(10 * time.Second):
			return false
		}
	}

	client, o, inbox := connect()
	client.CloseWrite()
	select {
	case <-inbox.gone:
		t.Fatal("a client that has shut down its sending side counts as gone")
	case <-time.After(100 * time.Millisecond):
	}
	o.Tell(Answer{Done: true, Generation: 7})
	if text, err := io.ReadAll(bufio.NewReader(client)); err != nil || len(text) == 0 {
		t.Errorf("the answer is %q, %v", text, err)
	}
	if !gone(inbox) {
		t.Error("the master does not learn of the end of a client that was answered")
	}

	client, _, inbox = connect()
	client.CloseWrite()
	client.Close()
	if !gone(inbox) {
		t.Error("a client that shuts down its sending side and then leaves is not noticed")
	}
	client, _, inbox = connect()
	client.CloseWrite()
	time.Sleep(50 * time.Millisecond)
	client.Close()
	if !gone(inbox) {
		t.Error("a client that leaves some time after it has shut down its sending side is not noticed")
	}
	client, _, inbox = connect()
	client.Close()
	if !gone(inbox) {
		t.Error("a client that leaves is not noticed")
	}
}
