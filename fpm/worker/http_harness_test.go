package worker

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// webSide is what a test has of the HTTP side of its workers: it plays the front.
type webSide struct {
	orders    contract.HTTP
	address   string
	listen    *os.File
	toFront   [2]*os.File // the ends to read from, and to write to
	fromFront [2]*os.File
	log       *os.File // the access log; nil: none
}

// speakHTTP makes the workers that are forked from now on speak HTTP. The site's root is the pool's directory.
func (p *pool) speakHTTP(configure func(*contract.HTTP)) *webSide {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	defer l.Close()
	w := &webSide{address: l.Addr().String()}
	if w.listen, err = l.(*net.TCPListener).File(); err != nil {
		p.t.Fatal(err)
	}
	unix.SetNonblock(int(w.listen.Fd()), true)
	w.toFront, w.fromFront = packets(p.t), packets(p.t)
	os.Chmod(p.Dir, 0o755)
	w.orders = contract.HTTP{Listeners: []contract.FrontListener{{Address: w.address}},
		Sites:           []contract.Site{{Root: p.Dir, Index: []string{"index.php", "index.html"}, Controller: "index.php", Extensions: []string{".php"}, Pool: "www"}},
		Limits:          contract.FrontLimits{HeaderBytes: 64 << 10, BodyTimeout: 5 * time.Second},
		FrontPool:       contract.FrontPool{Name: "www", BodyBytes: 8 << 20},
		AccessLogFormat: "combined",
	}
	if configure != nil {
		configure(&w.orders)
	}
	p.web = w
	return w
}

// says waits until the first worker says so of its rescue socket.
func (p *pool) says(want scoreboard.HTTPState) {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); p.board.HTTP(0).State != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the rescue socket is said to be %+v, want state %d", p.board.HTTP(0), want)
		}
	}
}

// packets makes a SOCK_SEQPACKET pair.
func packets(t testing.TB) (ends [2]*os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, fd := range pair {
		ends[i] = os.NewFile(uintptr(fd), "packets")
		t.Cleanup(func() { ends[i].Close() })
	}
	return ends
}

// give adds what a worker needs to its Spec, and returns the files.
func (w *webSide) give(t testing.TB, spec *contract.Spec, c *child) []*os.File {
	rescue := packets(t)
	c.rescue = int(rescue[0].Fd())
	spec.HTTP = &w.orders
	spec.Files = append(spec.Files, contract.HTTPListen, contract.ToFront, contract.FromFront, contract.RescueIn, contract.RescueOut)
	files := []*os.File{w.listen, w.toFront[1], w.fromFront[0], rescue[1], rescue[0]}
	if w.log != nil {
		spec.Files = append(spec.Files, contract.FrontAccess)
		files = append(files, w.log)
	}
	return files
}

// given puts right what passing files on has changed.
func (w *webSide) given(*child) { unix.SetNonblock(int(w.listen.Fd()), true) }

// handed waits for a connection that a worker hands over. The second descriptor is -1 if none came.
func (w *webSide) handed(t testing.TB) (h contract.HandOver, conn net.Conn, second int) {
	t.Helper()
	fd := int(w.toFront[0].Fd())
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(polled, 20000); n == 0 {
		t.Fatalf("nothing was handed over (%v)", err)
	}
	buffer, rights := make([]byte, contract.MaxHanded), make([]byte, 64)
	n, rn, _, _, err := unix.Recvmsg(fd, buffer, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := contract.ParseHandOver(buffer[:n])
	if !ok || h.Address != w.address {
		t.Fatalf("handed over by %q", buffer[:n])
	}
	messages, err := unix.ParseSocketControlMessage(rights[:rn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v: %d control messages", err, len(messages))
	}
	fds, _ := unix.ParseUnixRights(&messages[0])
	if len(fds) == 0 {
		t.Fatal("no descriptor came")
	}
	file := os.NewFile(uintptr(fds[0]), "client")
	defer file.Close()
	if conn, err = net.FileConn(file); err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	second = -1
	if len(fds) > 1 {
		second = fds[1]
	}
	return h, conn, second
}

// visit connects to the workers.
func (w *webSide) visit(t testing.TB) *visitor {
	t.Helper()
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return &visitor{t, conn, bufio.NewReader(conn)}
}

// visitor is a client.
type visitor struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// ask sends the head of a request, to which Host is added, and a body.
func (v *visitor) ask(line, body string, headers ...string) {
	v.t.Helper()
	text := line + " HTTP/1.1\r\nHost: example.org\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n" + body
	if _, err := v.Write([]byte(text)); err != nil {
		v.t.Fatal(err)
	}
}

// answer reads a response.
func (v *visitor) answer(method string) (*http.Response, string) {
	v.t.Helper()
	r, err := http.ReadResponse(v.r, &http.Request{Method: method})
	if err != nil {
		v.t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		v.t.Fatalf("%v after %q", err, b.String())
	}
	return r, b.String()
}

// get asks for a path and reads the response.
func (v *visitor) get(path string, headers ...string) (*http.Response, string) {
	v.t.Helper()
	v.ask("GET "+path, "", headers...)
	return v.answer("GET")
}
