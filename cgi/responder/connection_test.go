package responder

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connected returns a connection and its other end.
func connected(t *testing.T, timeout time.Duration) (*connection, int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[1]) })
	c := &connection{onBegin: func() {}, wake: -1, hurry: [...]int32{-1, -1}}
	c.begin(pair[0], timeout)
	return c, pair[1]
}

func TestSilentClientIsNotWaitedForForEver(t *testing.T) {
	c, _ := connected(t, 50*time.Millisecond)
	defer c.close(false)
	began := time.Now()
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, errSilent) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took < 50*time.Millisecond || took > 5*time.Second {
		t.Errorf("after %v", took)
	}
}

func TestFirstByteBeginsARequest(t *testing.T) {
	c, other := connected(t, time.Second)
	defer c.close(false)
	begun := 0
	c.onBegin = func() { begun++ }
	for range 2 {
		unix.Write(other, []byte("x"))
		if n, err := c.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	}
	if begun != 1 || c.timeout != NextByteTimeout {
		t.Errorf("begun %d times, timeout %v", begun, c.timeout)
	}
	unix.Shutdown(other, unix.SHUT_WR)
	if _, err := c.Read(make([]byte, 10)); err != io.EOF {
		t.Errorf("got %v, want EOF", err)
	}
}

// The first read may take as long as the client likes, who may send descriptors whose close waits: it is known before that a
// request may begin, or nobody would end it.
func TestReadIsAnnouncedBeforeItMayWait(t *testing.T) {
	c, other := connected(t, time.Second)
	defer c.close(false)
	var said []string
	c.onTry = func(reads bool) {
		if reads {
			said = append(said, "reads")
			return
		}
		said = append(said, "nothing")
		unix.Write(other, []byte("x"))
	}
	c.onBegin = func() { said = append(said, "begins") }
	b := make([]byte, 10)
	for range 2 {
		if n, err := c.Read(b); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		unix.Write(other, []byte("y"))
	}
	if got := strings.Join(said, " "); got != "reads nothing reads begins" {
		t.Errorf("got %s", got)
	}
	// The end of a kept connection is not a request.
	kept, other := connected(t, NextByteTimeout)
	defer kept.close(false)
	said = nil
	kept.onTry = c.onTry
	kept.onBegin = c.onBegin
	unix.Shutdown(other, unix.SHUT_WR)
	if _, err := kept.Read(b); err != io.EOF {
		t.Error(err)
	}
	if got := strings.Join(said, " "); got != "reads nothing" {
		t.Errorf("at the end: %s", got)
	}
}

// As in php-fpm, where they are among the accepted connections of the status page.
func TestNewConnectionWithoutARequestCounts(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		sent    string
		want    int
	}{
		{"new", FirstByteTimeout, "", 1},
		{"new, with a byte", FirstByteTimeout, "x", 1},
		{"kept", NextByteTimeout, "", 0},
	} {
		in, other := connected(t, c.timeout)
		begun := 0
		in.onBegin = func() { begun++ }
		unix.Write(other, []byte(c.sent))
		unix.Shutdown(other, unix.SHUT_WR)
		io.Copy(io.Discard, in)
		if begun != c.want {
			t.Errorf("%s: %d, want %d", c.name, begun, c.want)
		}
		in.close(false)
	}
}

func TestWritevWritesEverything(t *testing.T) {
	c, other := connected(t, time.Second)
	parts := [][]byte{[]byte("head"), nil, bytes.Repeat([]byte("0123456789"), 300000), []byte("tail"), {}}
	want := bytes.Join(parts, nil)
	done := make(chan error)
	go func() {
		n, err := c.Writev(parts)
		if err == nil && n != len(want) {
			err = io.ErrShortWrite
		}
		c.close(false)
		done <- err
	}()
	var got []byte
	b := make([]byte, 1<<16)
	for {
		n, err := unix.Read(other, b)
		if n <= 0 || err != nil {
			break
		}
		got = append(got, b[:n]...)
	}
	if err := <-done; err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, want %d; %v", len(got), len(want), err)
	}
}

// A client that is still sending gets the response before the connection goes.
func TestLingeringCloseLetsTheResponseThrough(t *testing.T) {
	c, other := connected(t, time.Second)
	unix.Write(other, bytes.Repeat([]byte("x"), 5000))
	c.Write([]byte("response"))
	closed := make(chan bool)
	go func() { c.close(true); close(closed) }()
	b := make([]byte, 100)
	if n, err := unix.Read(other, b); string(b[:n]) != "response" || err != nil {
		t.Errorf("got %q, %v", b[:n], err)
	}
	if n, err := unix.Read(other, b); n != 0 || err != nil {
		t.Errorf("then %d, %v; want the end", n, err)
	}
	unix.Shutdown(other, unix.SHUT_WR)
	<-closed
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "7": 7, " 12x": 12, "-3": -3, "+4": 4, "x": 0,
		"99999999999999999999": 1<<63 - 1, "9223372036854775807": 1<<63 - 1} {
		if got := number([]byte(text)); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// A process that was told to leave waited a minute for the rest of a request.
func TestSilentClientIsGivenUpSoonInAHurry(t *testing.T) {
	t.Parallel()
	c, other := connected(t, time.Hour)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	c.hurry[0] = int32(pipe[0])
	unix.Write(other, []byte("x"))
	var b [10]byte
	if n, err := c.Read(b[:]); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	c.timeout = time.Hour
	unix.Close(pipe[1]) // it is readable: its end
	for range 2 {
		if _, err := c.Read(b[:]); !errors.Is(err, errSilent) {
			t.Errorf("got %v", err)
		}
	}
	c.close(true)
}

// A worker whose limit of descriptors is lower than the number of those that it waits for gets all of the body all the same: the kernel refuses
// such a wait, and the script had the part that had come.
func TestReadWaitsBelowTheLimitOfDescriptors(t *testing.T) {
	c, other := connected(t, 5*time.Second)
	defer c.close(false)
	quiet, _ := connected(t, time.Second)
	defer quiet.close(false)
	c.wake, c.hurry = quiet.fd, [...]int32{int32(quiet.fd), int32(quiet.fd)}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	time.AfterFunc(50*time.Millisecond, func() { unix.Write(other, []byte("late")) })
	p := make([]byte, 10)
	if n, err := c.Read(p); string(p[:max(n, 0)]) != "late" || err != nil {
		t.Errorf("got %q, %v", p[:max(n, 0)], err)
	}
	c.timeout = 50 * time.Millisecond
	if _, err := c.Read(p); !errors.Is(err, errSilent) {
		t.Errorf("of a silent client: %v", err)
	}
}
