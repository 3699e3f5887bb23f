package channel

import (
	"os"
	"testing"

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
	c.Read(func(m Message) { said = append(said, m) })
	if len(said) != 2 || said[0].Letter != 'P' || said[0].FD < 0 || said[1].Letter != 0 {
		t.Fatalf("got %+v, want P with a descriptor, then the end", said)
	}
	unix.Close(said[0].FD)
}
