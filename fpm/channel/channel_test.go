package channel

import (
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A worker that ends with a message unread has said what it said.
func TestLastWordsOfAWorkerAreHeard(t *testing.T) {
	c, theirs, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send('W', "", -1); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := unix.Sendmsg(int(theirs.Fd()), []byte("P"), unix.UnixRights(int(null.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	var said []Message
	c.Read(func(byte, int) bool { return true }, func(m Message) { said = append(said, m) })
	if len(said) != 2 || said[0].Letter != 'P' || said[0].FD < 0 || said[1].Letter != 0 {
		t.Fatalf("got %+v, want P with a descriptor, then the end", said)
	}
	unix.Close(said[0].FD)
}

// A worker may send a descriptor that nobody asked for, and more than one. None is handed on, and none stays open.
func TestDescriptorsThatNobodyWantsAreClosed(t *testing.T) {
	c, theirs, err := New()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	fd := int(write.Fd())
	for _, letter := range []string{"P", "Q"} {
		if err := unix.Sendmsg(int(theirs.Fd()), []byte(letter), unix.UnixRights(fd, fd, fd, fd, fd, fd), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	theirs.Close()
	write.Close()
	var said []Message
	c.Read(nil, func(m Message) { said = append(said, m) })
	for _, m := range said {
		if m.FD >= 0 {
			t.Errorf("%c came with descriptor %d", m.Letter, m.FD)
		}
	}
	if len(said) != 3 {
		t.Errorf("got %+v, want two messages and the end", said)
	}
	read.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := read.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("a copy is still open: %d, %v", n, err)
	}
}
