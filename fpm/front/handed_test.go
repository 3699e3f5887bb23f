package front

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// workersSide is what workers that speak HTTP have of a front. The test plays them.
type workersSide struct {
	t        *testing.T
	listen   *net.TCPListener
	toFront  int
	fromHere int // the front's end of it
	wakes    int // where the front's Wake messages come out
	waking   int // the front's end of that
	address  string
}

// packets returns the two ends of a socket for packets, which are closed with the test.
func packets(t *testing.T) (to, from int) {
	t.Helper()
	toFile, fromFile := packetFiles(t)
	return int(toFile.Fd()), int(fromFile.Fd())
}

// packetFiles is packets for a test that closes an end itself. A descriptor that is closed twice may be another test's by then.
func packetFiles(t *testing.T) (to, from *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	to, from = os.NewFile(uintptr(pair[0]), "to"), os.NewFile(uintptr(pair[1]), "from")
	t.Cleanup(func() { to.Close(); from.Close() })
	return to, from
}

func workersOf(t *testing.T) *workersSide {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &workersSide{t: t, listen: l.(*net.TCPListener), address: l.Addr().String()}
	w.toFront, w.fromHere = packets(t)
	w.waking, w.wakes = packets(t)
	return w
}

// front makes a front for the workers.
func (w *workersSide) front(o *contract.Front) *tested {
	w.t.Helper()
	o.Direct = o.Pools[0].Name
	o.Listeners = []contract.FrontListener{{Address: w.address}}
	f := &tested{said: &lines{}, accessed: filepath.Join(w.t.TempDir(), "access.log"), addresses: []string{w.address}}
	given := resources{log: f.said.add, fromWorkers: w.file(w.fromHere), toWorkers: w.file(w.waking), untaken: w.file(w.wakes)}
	var err error
	if given.access, err = os.Create(f.accessed); err != nil {
		w.t.Fatal(err)
	}
	raw, err := w.listen.SyscallConn()
	if err != nil {
		w.t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		own, _ := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3)
		w.t.Cleanup(func() { unix.Close(own) })
		r := newReserve(own)
		given.listeners, given.reserves = []net.Listener{r}, []*reserve{r}
	})
	if f.Front, err = newFront(o, given); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *workersSide) file(fd int) *os.File {
	w.t.Helper()
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		w.t.Fatal(err)
	}
	return os.NewFile(uintptr(own), "packets")
}

// accept takes a connection as a worker does.
func (w *workersSide) accept() *net.TCPConn {
	w.t.Helper()
	w.listen.SetDeadline(time.Now().Add(patience))
	c, err := w.listen.AcceptTCP()
	if err != nil {
		w.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// hand hands a connection over, with a second descriptor unless it is negative.
func (w *workersSide) hand(c *net.TCPConn, h contract.HandOver, second int) {
	w.t.Helper()
	h.Address = w.address
	file, err := c.File()
	if err != nil {
		w.t.Fatal(err)
	}
	rights := []int{int(file.Fd())}
	if second >= 0 {
		rights = append(rights, second)
	}
	if err := unix.Sendmsg(w.toFront, contract.AppendHandOver(nil, &h), unix.UnixRights(rights...), nil, 0); err != nil {
		w.t.Fatal(err)
	}
	file.Close()
	c.Close()
}

// woken takes a connection that the front sends; nil: it sends none within a moment.
func (w *workersSide) woken(moment time.Duration) net.Conn {
	w.t.Helper()
	if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(w.wakes), Events: unix.POLLIN}}, int(moment.Milliseconds())); n < 1 {
		return nil
	}
	var packet [512]byte
	rights := make([]byte, unix.CmsgSpace(4))
	n, rightsN, _, _, err := unix.Recvmsg(w.wakes, packet[:], rights, unix.MSG_DONTWAIT)
	if err != nil {
		return nil
	}
	if h, ok := contract.ParseHandOver(packet[:n]); !ok || h.Letter != contract.Wake || h.Address != w.address {
		w.t.Fatalf("got %+v from the front", h)
	}
	return connected(descriptors(rights[:rightsN])[0])
}

var plainFiles = map[string]string{"x.php": "", "a.txt": "a", "long.txt": strings.Repeat("long ", 1000)}

// A worker hands over what it has read, wherever that ends; the front answers, and the connection carries on.
func TestHandedRequestIsAnswered(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, echo))
	f.run(t)
	for _, text := range []string{request, "POST /x.php HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", request + request} {
		for _, cut := range []int{1, 3, 20, len(request) - 1, len(text)} {
			c := f.dial(t)
			at := w.accept()
			if _, err := io.WriteString(c, text[:cut]); err != nil {
				t.Fatal(err)
			}
			read := make([]byte, cut)
			if _, err := io.ReadFull(at, read); err != nil {
				t.Fatal(err)
			}
			w.hand(at, contract.HandOver{Letter: contract.Unserved, Text: read}, -1)
			method, _, _ := strings.Cut(text, " ")
			if _, err := io.WriteString(c, text[cut:]); err != nil {
				t.Fatal(err)
			}
			got := c.read(method)
			if method == "POST" && !strings.Contains(got.body, "BODY=5\n") || method == "GET" && got.body != "a" {
				t.Fatalf("%d bytes of %q: got %d %q", cut, text, got.StatusCode, got.body)
			}
			if text == request+request {
				if got := c.read("GET"); got.body != "a" {
					t.Fatalf("got %q for the second", got.body)
				}
			}
			if got := c.ask(request); got.body != "a" {
				t.Fatalf("got %q for another", got.body)
			}
			c.Close()
		}
	}
}

// What is not a connection, or none of the listener's, ends nothing.
func TestHandedNonsenseIsDropped(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, nil))
	f.run(t)
	send := func(packet []byte, fds ...int) {
		if err := unix.Sendmsg(w.toFront, packet, unix.UnixRights(fds...), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	right := contract.AppendHandOver(nil, &contract.HandOver{Letter: contract.Unserved, Address: w.address, Text: []byte(request)})
	send([]byte("x"))
	send([]byte{})
	send(right)
	send(right, int(null.Fd()))
	send(right, pair[0])
	send(right, w.toFront)
	send(right, int(null.Fd()), int(null.Fd()))
	for _, letter := range []byte{contract.Unserved, contract.Output, contract.Named, 'x'} {
		c := f.dial(t)
		at := w.accept()
		file, _ := at.File()
		send(contract.AppendHandOver(nil, &contract.HandOver{Letter: letter, Address: "/elsewhere"}), int(file.Fd()))
		file.Close()
		at.Close()
		c.ends()
	}
	for _, text := range []string{"", "\x01", "\x05\x00\x00\x00abcd", "\xff\xff\xff\xffabcd"} {
		c := f.dial(t)
		w.hand(w.accept(), contract.HandOver{Letter: contract.Named, Text: []byte(text)}, -1)
		c.ends()
	}
	c := f.dial(t)
	w.hand(w.accept(), contract.HandOver{Letter: contract.Unserved, Text: []byte(request)}, -1)
	if got := c.read("GET"); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
	c.Close()
	wait.Until(t, "the end of all connections", func() bool { return f.nobody() })
}

// nobody reports whether no connection is open, nor has room.
func (f *tested) nobody() bool {
	f.connections.mu.Lock()
	defer f.connections.mu.Unlock()
	return len(f.connections.open) == 0 && len(f.connections.room) <= 2 // those that the listener and handed wait for
}

// A connection that waits is given to a worker when a request comes, and answered here if no worker takes it.
func TestRequestGoesToAnIdleWorker(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, nil))
	f.run(t)
	c := f.dial(t)
	w.hand(w.accept(), contract.HandOver{Letter: contract.Unserved}, -1)
	wait.Until(t, "a connection in the lot", func() bool { return f.inLot() == 1 })
	io.WriteString(c, request)
	at := w.woken(patience)
	if at == nil {
		t.Fatal("no worker was woken")
	}
	read := make([]byte, len(request))
	if _, err := io.ReadFull(at, read); err != nil || string(read) != request {
		t.Fatalf("got %q, %v", read, err)
	}
	io.WriteString(at, "HTTP/1.1 204 No Content\r\n\r\n")
	if got := c.read("GET"); got.StatusCode != 204 {
		t.Fatalf("got %d", got.StatusCode)
	}
	wait.Until(t, "the end of the front's part", f.nobody)

	// Nobody takes it.
	w.hand(at.(*net.TCPConn), contract.HandOver{Letter: contract.Unserved}, -1)
	wait.Until(t, "a connection in the lot again", func() bool { return f.inLot() == 1 })
	if got := c.ask(request); got.body != "a" {
		t.Fatalf("got %q", got.body)
	}
	f.waker.mu.Lock()
	paused, sent := f.waker.pause, len(f.waker.sent)
	f.waker.mu.Unlock()
	if paused != pauseLeast || sent != 0 {
		t.Errorf("a pause of %v, and %d messages, after one that nobody took", paused, sent)
	}
}

// No request waits for long while no worker takes any, however many come, and a worker gets some again when there is one.
func TestRequestsDoNotWaitForWorkersThatAreBusy(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, nil))
	f.run(t)
	var clients []*rawClient
	const many = 30
	for range many {
		clients = append(clients, f.dial(t))
		w.hand(w.accept(), contract.HandOver{Letter: contract.Unserved}, -1)
	}
	wait.Until(t, "all in the lot", func() bool { return f.inLot() == many })
	begun := time.Now()
	for _, c := range clients {
		io.WriteString(c, request)
	}
	for _, c := range clients {
		if got := c.read("GET"); got.body != "a" {
			t.Fatalf("got %q", got.body)
		}
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the requests took %v", took)
	}
	for _, c := range clients {
		c.Close()
	}
	wait.Until(t, "the end of all connections", f.nobody)
	wait.Until(t, "another try", func() bool {
		c := f.dial(t)
		defer c.Close()
		w.hand(w.accept(), contract.HandOver{Letter: contract.Unserved}, -1)
		io.WriteString(c, request)
		at := w.woken(20 * time.Millisecond)
		if at == nil {
			c.read("GET")
			return false
		}
		at.Close()
		return true
	})
}

// What a front has sent to workers, and nobody has taken, is its successor's if it dies.
func TestUntakenConnectionsAreTheNextFronts(t *testing.T) {
	w := workersOf(t)
	o := orders(t, plainFiles, nil)
	c, d := w.dial(), w.dial()
	at := w.accept()
	file, err := at.File()
	if err != nil {
		t.Fatal(err)
	}
	packet := contract.AppendHandOver(nil, &contract.HandOver{Letter: contract.Wake, Address: w.address})
	if err := unix.Sendmsg(w.waking, packet, unix.UnixRights(int(file.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	file.Close()
	at.Close()
	w.hand(w.accept(), contract.HandOver{Letter: contract.Unserved, Text: []byte(request)}, -1)
	w.front(o).run(t)
	if got := c.ask(request); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
	if got := d.read("GET"); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
}

// A front that has left its place to another takes nothing back that the other has sent.
func TestFrontThatHasYieldedTakesNothingBack(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	to, from := os.NewFile(uintptr(pair[0]), "to"), os.NewFile(uintptr(pair[1]), "from")
	defer to.Close()
	defer from.Close()
	w := newWaker(&Front{}, to, from, 1, func() bool { return false })
	w.stop(nil)
	if _, err := to.Write(contract.AppendHandOver(nil, &contract.HandOver{Letter: contract.Wake})); err != nil {
		t.Fatal(err)
	}
	w.stop(nil)
	if w.queued() == 0 {
		t.Error("the successor's message is gone")
	}
}

func (w *workersSide) dial() *rawClient {
	return (&tested{addresses: []string{w.address}}).dial(w.t)
}

// The file that a script names goes out with the script's headers.
func TestNamedFileIsSent(t *testing.T) {
	w := workersOf(t)
	o := orders(t, map[string]string{"long.txt": plainFiles["long.txt"], "a.txt": "a", "x.php": ""}, nil)
	f := w.front(o)
	f.run(t)
	for head, want := range map[string]int{
		"X-Sendfile: " + o.Sites[0].Root + "/long.txt\r\nX-Own: 1\r\nContent-Type: text/own\r\n\r\n": 200,
		"X-Sendfile: /etc/passwd\r\nX-Own: 1\r\n\r\n":                                                404,
		"X-Own: 1\r\n\r\n": 502,
	} {
		c := f.dial(t)
		at := w.accept()
		text := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
		text = append(append(text, head...), "GET /x.php HTTP/1.1\r\nHost: a\r\n\r\n"...)
		w.hand(at, contract.HandOver{Letter: contract.Named, Text: text}, -1)
		got := c.read("GET")
		if got.StatusCode != want || want == 200 && (got.body != plainFiles["long.txt"] || got.Header.Get("X-Own") != "1" || got.Header.Get("Content-Type") != "text/own") {
			t.Errorf("%q: got %d %v", head, got.StatusCode, got.Header)
		}
		if got := c.ask(request); got.body != "a" {
			t.Errorf("got %q for another", got.body)
		}
	}
}

// A worker is not held by a slow client: what it writes goes to a temporary file, and the client gets all of it.
func TestRestOfAResponseIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		spool int64
		end   byte
		text  string // behind the response
		cut   bool
	}{
		"spooled":             {spool: 1 << 30, end: contract.OutputEnd},
		"with a request":      {spool: 1 << 30, end: contract.OutputEnd, text: request},
		"and closed":          {spool: 1 << 30, end: contract.OutputClose},
		"without a file":      {spool: 0, end: contract.OutputEnd},
		"with a small file":   {spool: 300 << 10, end: contract.OutputEnd},
		"that was cut off":    {spool: 1 << 30, cut: true},
		"cut off, no spool":   {spool: 0, cut: true},
		"that makes no sense": {spool: 1 << 30, end: 'x', cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := workersOf(t)
			o := orders(t, plainFiles, nil)
			o.Limits.SpoolBytes = c.spool
			f := w.front(o)
			f.run(t)
			client := f.dial(t)
			at := w.accept()
			at.SetWriteBuffer(64 << 10)
			client.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			toFile, from := packetFiles(t)
			to := int(toFile.Fd())
			body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MB
			head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
			w.hand(at, contract.HandOver{Letter: contract.Output, Next: contract.OutputMore, Text: []byte(head)}, int(from.Fd()))
			from.Close()
			written := make(chan bool)
			go func() {
				defer close(written)
				left := body
				if c.cut {
					left = left[:len(left)/2]
				}
				for len(left) > 0 {
					n := min(60<<10, len(left))
					if _, err := unix.SendmsgN(to, append([]byte{contract.OutputMore}, left[:n]...), nil, nil, unix.MSG_NOSIGNAL); err != nil {
						return
					}
					left = left[n:]
				}
				if c.end != 0 {
					unix.SendmsgN(to, append([]byte{c.end}, c.text...), nil, nil, unix.MSG_NOSIGNAL)
				}
				unix.Shutdown(to, unix.SHUT_RDWR)
			}()
			if c.spool == 1<<30 {
				select { // before the client has read anything
				case <-written:
				case <-time.After(patience):
					t.Fatal("the worker is held by its client")
				}
			}
			if c.cut {
				all, err := io.ReadAll(client)
				if err != nil || len(all) != len(head)+len(body)/2 {
					t.Errorf("got %d bytes, %v", len(all), err)
				}
				return
			}
			if got := client.read("GET"); got.body != string(body) {
				t.Fatalf("got %d bytes", len(got.body))
			}
			<-written
			carriesOn(t, f, client, c.end, c.text != "")
			if left := f.outputs.Load(); left != 0 {
				t.Errorf("%d responses are under way", left)
			}
		})
	}
}

// The rest of a file that a worker has begun to send is sent, from its descriptor.
func TestRestOfAFileIsSent(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MB
	const sent = 1000
	for name, c := range map[string]struct {
		part contract.FilePart
		pipe bool
		cut  bool
	}{
		"kept":           {part: contract.FilePart{Length: int64(len(content) - sent), Next: contract.OutputEnd}},
		"with a request": {part: contract.FilePart{Length: int64(len(content) - sent), Next: contract.OutputEnd, Behind: []byte(request)}},
		"closed":         {part: contract.FilePart{Length: int64(len(content) - sent), Next: contract.OutputClose}},
		"too short":      {part: contract.FilePart{Length: int64(len(content)), Next: contract.OutputEnd}, cut: true},
		"no file":        {part: contract.FilePart{Length: int64(len(content) - sent), Next: contract.OutputEnd}, pipe: true, cut: true},
		"nonsense":       {part: contract.FilePart{Length: -1, Next: contract.OutputEnd}, cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := workersOf(t)
			f := w.front(orders(t, plainFiles, nil))
			f.run(t)
			client := f.dial(t)
			at := w.accept()
			fmt.Fprintf(at, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(content))
			at.Write(content[:sent])
			name := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(name)
			if c.pipe {
				var to *os.File
				if file, to, err = os.Pipe(); err == nil {
					defer to.Close()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			c.part.Offset = sent
			w.hand(at, contract.HandOver{Letter: contract.Output, Next: contract.OutputFile, Text: contract.AppendFilePart(nil, &c.part)}, int(file.Fd()))
			if c.cut {
				if all, err := io.ReadAll(client); err != nil || !bytes.Contains(all, content[:sent]) {
					t.Errorf("got %d bytes, %v", len(all), err)
				}
				return
			}
			if got := client.read("GET"); got.body != string(content) {
				t.Fatalf("got %d bytes", len(got.body))
			}
			carriesOn(t, f, client, c.part.Next, len(c.part.Behind) > 0)
		})
	}
}

// carriesOn checks that a connection carries another request after a response that ended so, or is closed. asked reports whether the worker
// has read that request.
func carriesOn(t *testing.T, f *tested, client *rawClient, end byte, asked bool) {
	t.Helper()
	switch {
	case end == contract.OutputClose:
		client.ends()
	case asked:
		if got := client.read("GET"); got.body != "a" {
			t.Errorf("got %q", got.body)
		}
	default:
		if got := client.ask(request); got.body != "a" {
			t.Errorf("got %q", got.body)
		}
	}
	client.Close()
	wait.Until(t, "the end of the connection", f.nobody)
}

// A worker whose client has gone is told so.
func TestWorkerIsToldThatItsClientHasGone(t *testing.T) {
	w := workersOf(t)
	f := w.front(orders(t, plainFiles, nil))
	f.run(t)
	client := f.dial(t)
	toFile, from := packetFiles(t)
	to := int(toFile.Fd())
	w.hand(w.accept(), contract.HandOver{Letter: contract.Output, Next: contract.OutputMore, Text: []byte("HTTP/1.1 200 OK\r\n\r\n")}, int(from.Fd()))
	from.Close()
	client.Close()
	wait.Until(t, "an error", func() bool {
		_, err := unix.SendmsgN(to, append([]byte{contract.OutputMore}, make([]byte, 1000)...), nil, nil, unix.MSG_NOSIGNAL)
		return err != nil
	})
	wait.Until(t, "the end of the connection", f.nobody)
}

// A worker that dies or is silent leaves its client to the front.
func TestLostRequestIsAnswered(t *testing.T) {
	o := orders(t, plainFiles, nil)
	w := workersOf(t)
	f := w.front(o)
	f.run(t)
	lose := func(what contract.Rescued) (*rawClient, *net.TCPConn) {
		c := f.dial(t)
		at := w.accept()
		file, err := at.File()
		if err != nil {
			t.Fatal(err)
		}
		in, out := packets(t)
		if err := unix.Sendmsg(in, []byte{'x'}, unix.UnixRights(int(file.Fd())), nil, 0); err != nil {
			t.Fatal(err)
		}
		file.Close()
		what.Address, what.Pool = w.address, "www"
		text, _ := json.Marshal(what)
		own, _ := unix.FcntlInt(uintptr(out), unix.F_DUPFD_CLOEXEC, 3)
		if !what.Late {
			at.Close()
		}
		f.rescue(own, string(text))
		return c, at
	}
	told := contract.Rescued{ID: "id-1", Method: "POST", URI: "/x.php?a=%zz", Script: "/srv/x.php", Duration: int64(3 * time.Second)}
	c, _ := lose(told)
	got := c.read("POST")
	if got.StatusCode != 502 || got.Header.Get("X-Request-Id") != "id-1" || !strings.Contains(got.body, "Request id-1") ||
		!strings.Contains(got.body, "ended before it had answered") || !got.Close {
		t.Errorf("got %d %v %q", got.StatusCode, got.Header, got.body)
	}
	c.ends()

	told.Late, told.Method, told.ID = true, "HEAD", "id-2"
	c, at := lose(told)
	if got = c.read("HEAD"); got.StatusCode != 504 || got.Header.Get("X-Request-Id") != "id-2" {
		t.Errorf("got %d %v", got.StatusCode, got.Header)
	}
	c.ends()
	if n, err := at.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the worker reads %d, %v, want the client's end", n, err)
	}
	if _, err := at.Write([]byte("late")); err == nil {
		t.Error("the worker still answers")
	}

	told.Late, told.Sent = false, true
	c, _ = lose(told)
	c.ends()

	c, _ = lose(contract.Rescued{Idle: true})
	wait.Until(t, "a connection in the lot", func() bool { return f.inLot() == 1 })
	if got := c.ask(request); got.body != "a" {
		t.Errorf("got %q", got.body)
	}
	f.access.close()
	log, _ := os.ReadFile(f.accessed)
	for _, want := range []string{`"POST /x.php?a=%zz HTTP/1.1" 502 `, `"HEAD /x.php?a=%zz HTTP/1.1" 504 0 `} {
		if !strings.Contains(string(log), want) {
			t.Errorf("%q is not in the access log:\n%s", want, log)
		}
	}
	for _, want := range []string{
		"WARNING: [pool www] request id-1: POST /x.php?a=%zz: script /srv/x.php: no answer from a worker: it ended",
		"WARNING: [pool www] request id-2: HEAD /x.php?a=%zz: script /srv/x.php: the worker was silent for too long: 30s (see http.limits.request_timeout)",
	} {
		if !strings.Contains(f.said.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, f.said)
		}
	}
}
