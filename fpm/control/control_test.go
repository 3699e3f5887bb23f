package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRequestsAreRead(t *testing.T) {
	for _, c := range []struct {
		line string
		want Request
		err  string
	}{
		{line: `{"command":"reload"}` + "\n", want: Request{Command: Reload}},
		{line: `{"command":"reload","drained":true}` + "\n", want: Request{Command: Reload, Drained: true}},
		{line: `{"command":"stop","now":true}` + "\nmore", want: Request{Command: Stop, Now: true}},
		{line: `{"command":"status","full":true,"of a later version":1}` + "\n", want: Request{Command: Status, Full: true}},
		{line: `{"command":"kill","pid":7,"accepted":9007199254740993}` + "\n", want: Request{Command: Kill, Pid: 7, Accepted: 9007199254740993}},
		{line: `{"command":"scale","pool":"www","count":7}` + "\n", want: Request{Command: Scale, Pool: "www", Count: 7}},
		{line: `{"command":"dance"}` + "\n", err: `unknown command "dance"`},
		{line: "{}\n", err: `unknown command ""`},
		{line: "GET / HTTP/1.0\r\n", err: "no request"},
		{line: `{"command":"stop"}`, err: "no request: EOF"},
		{line: "", err: "no request: EOF"},
		{line: strings.Repeat("x", MaxRequest+1), err: "too long"},
	} {
		got, err := ReadRequest(strings.NewReader(c.line))
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%q: got %+v, %v, want %+v", c.line, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%.40q: got error %v, want %q", c.line, err, c.err)
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"command":"reload","drained":true}` + "\n"))
	f.Add([]byte(`{"command":"kill","pid":7,"now":true,"accepted":1}` + "\n"))
	f.Add([]byte("{\"command\":\"\xff\"}\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		request, err := ReadRequest(strings.NewReader(string(bytes)))
		if err != nil {
			return
		}
		var line strings.Builder
		if err := Write(&line, request); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadRequest(strings.NewReader(line.String())); err != nil || again != request {
			t.Errorf("%+v became %+v, %v", request, again, err)
		}
	})
}

func TestListeningSocketsAreTold(t *testing.T) {
	for line, want := range map[string]int{
		"0000000000000000: 00000002 00000000 00010000 0001 01 91234 @phpsapi-fpm-4026531836-17300":  17300,
		"0000000000000000: 00000003 00000000 00000000 0001 03 91235 @phpsapi-fpm-4026531836-17300":  0, // a connection
		"0000000000000000: 00000002 00000000 00010000 0001 01 91236 @phpsapi-fpm-4026532999-7":      0, // another container's
		"0000000000000000: 00000002 00000000 00010000 0001 01 91237 @phpsapi-fpm-4026531836-x":      0,
		"0000000000000000: 00000002 00000000 00010000 0001 01 91238 @phpsapi-fpm-4026531836--5":     0,
		"0000000000000000: 00000002 00000000 00010000 0001 01 91239 /run/phpsapi-fpm-4026531836-17": 0,
		"Num       RefCount Protocol Flags    Type St Inode Path":                                   0,
		"0000000000000000: 00000002 00000000 00010000 0001 01 91240":                                0,
	} {
		if pid, ok := listening(line, 4026531836); pid*btoi(ok) != want {
			t.Errorf("%s: got %d, %v, want %d", line, pid, ok, want)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// listen takes this process's control socket and answers one client by serve.
func listen(t *testing.T, serve func(net.Conn)) {
	t.Helper()
	name, err := OwnName()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn)
	}()
}

func TestAnswersComeInOrder(t *testing.T) {
	answers := []Answer{
		{Generation: 3, Lines: []string{"WARNING: a\nb"}},
		{Progress: &Progress{Workers: 2, Requests: 1}},
		{Done: true, Generation: 3, Status: &Report{State: "normal", Generations: []Generation{{Pools: []json.RawMessage{[]byte(`{"pool":"www"}`)}}}}},
	}
	listen(t, func(conn net.Conn) {
		if request, err := ReadRequest(conn); err != nil || request.Command != Reload {
			t.Errorf("got %+v, %v", request, err)
		}
		for _, a := range answers {
			Write(conn, a)
		}
	})
	if pids, err := Masters(); err != nil || !slices.Contains(pids, os.Getpid()) {
		t.Errorf("%v, %v: this process is not among them", pids, err)
	}
	c, err := Dial(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []Answer
	last, err := c.Ask(context.Background(), Request{Command: Reload}, func(a Answer) { got = append(got, a) })
	if got = append(got, last); err != nil || !reflect.DeepEqual(got, answers) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, answers)
	}
}

func TestMasterThatEndsIsNoticed(t *testing.T) {
	for name, said := range map[string]string{"at once": "", "within an answer": `{"done":tr`} {
		t.Run(name, func(t *testing.T) {
			listen(t, func(conn net.Conn) { io.WriteString(conn, said) })
			c, err := Dial(os.Getpid())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Ask(context.Background(), Request{Command: Stop}, nil); !errors.Is(err, ErrEnded) {
				t.Errorf("got %v, want %v", err, ErrEnded)
			}
		})
	}
}

func TestAskGivesUp(t *testing.T) {
	listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	c, err := Dial(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Ask(ctx, Request{Command: Stop}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// Somebody else may take the name first.
func TestWhoAnswersInAnothersPlaceIsNotBelieved(t *testing.T) {
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	if _, err := Dial(other.Process.Pid); !errors.Is(err, ErrNoSocket) {
		t.Errorf("before: got %v, want %v", err, ErrNoSocket)
	}
	name, err := nameOf(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Dial(other.Process.Pid); err == nil || !strings.Contains(err.Error(), "answers in its place") {
		t.Errorf("got %v", err)
	}
}

// Strangers may fill the queue of a master's connections. A client waits its turn then.
func TestClientWaitsForRoomInTheQueue(t *testing.T) {
	name, err := OwnName()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	address := &unix.SockaddrUnix{Name: name}
	if err := unix.Bind(fd, address); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for full := false; !full; {
		stranger, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(stranger)
		full = unix.Connect(stranger, address) == unix.EAGAIN
	}
	dialed := make(chan error)
	go func() {
		c, err := Dial(os.Getpid())
		if err == nil {
			c.Close()
		}
		dialed <- err
	}()
	select {
	case err := <-dialed:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	first, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first)
	if err := <-dialed; err != nil {
		t.Error(err)
	}
}

func TestNoProcess(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(gone.Process.Pid); !errors.Is(err, ErrNoProcess) {
		t.Errorf("got %v, want %v", err, ErrNoProcess)
	}
	zombie := exec.Command("true")
	said, err := zombie.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer zombie.Wait()
	io.Copy(io.Discard, said) // until it ends
	for range 500 {
		if _, err = Dial(zombie.Process.Pid); errors.Is(err, ErrNoProcess) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("one nobody has waited for: got %v, want %v", err, ErrNoProcess)
}

// What the dashboard's process may send fits, however JSON writes it, and nothing longer is read.
func TestTheLongestRequestOfTheDashboardIsRead(t *testing.T) {
	request := DashboardRequest{Request: Request{Command: Pause, Pool: strings.Repeat("<", MaxToken)}, Token: strings.Repeat("&", MaxToken), Client: "192.0.2.1"}
	var line strings.Builder
	if err := Write(&line, request); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadDashboardRequest(strings.NewReader(line.String())); err != nil || got != request {
		t.Errorf("a line of %d bytes: %v", line.Len(), err)
	}
	for text, want := range map[string]error{strings.Repeat("x", MaxDashboardRequest) + "\n": errTooLong, "": io.EOF, `{"command":"pause"`: io.EOF} {
		if _, err := ReadDashboardRequest(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%.20q: got %v, want %v", text, err, want)
		}
	}
}

func TestMany(t *testing.T) {
	if got := Many(0, "worker") + ", " + Many(1, "worker") + ", " + Many(uint64(2), "worker"); got != "0 workers, 1 worker, 2 workers" {
		t.Error(got)
	}
}
