package worker

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

func TestWorkerAnswersHTTP(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php header("X-A: 1"); echo $_SERVER["REQUEST_METHOD"], " ", $_SERVER["REQUEST_URI"], " ", $_GET["q"] ?? "", file_get_contents("php://input");`)
	p.spawn()
	v := w.visit(t)
	for n := range 3 {
		r, body := v.get(fmt.Sprintf("/a.php?q=%d", n))
		if r.StatusCode != 200 || body != fmt.Sprintf("GET /a.php?q=%d %d", n, n) || r.Header.Get("X-A") != "1" || r.ContentLength != int64(len(body)) {
			t.Errorf("got %v %q", r, body)
		}
	}
	v.ask("POST /a.php", "body", "Content-Length: 4", "Content-Type: text/plain")
	if _, body := v.answer("POST"); body != "POST /a.php body" {
		t.Errorf("got %q", body)
	}
	v.ask("HEAD /a.php", "")
	if r, body := v.answer("HEAD"); r.StatusCode != 200 || body != "" {
		t.Errorf("got %v %q", r, body)
	}
	p.says(scoreboard.HTTPWaits)
	v.get("/a.php", "Connection: close")
	if _, err := v.r.ReadByte(); err != io.EOF {
		t.Errorf("after Connection: close: %v", err)
	}
	p.says(scoreboard.NoHTTP)
}

func TestRequestsOfTwoWorkersHaveDifferentIDs(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.conf.MaxRequests = 1
	p.write("a.php", `<?php echo getmypid();`)
	workers := map[string]string{}
	for range 3 {
		p.spawn()
		r, pid := w.visit(t).get("/a.php")
		id := r.Header.Get("X-Request-Id")
		for other, its := range workers {
			if id == "" || id == its {
				t.Errorf("the first request of worker %s has the id %q, that of worker %s %q", pid, id, other, its)
			}
		}
		workers[pid] = id
		p.exit()
	}
	if len(workers) != 3 {
		t.Errorf("got %v, want three workers", workers)
	}
}

// What is not plain, or has not come, is the front's, with what was read.
func TestWorkerHandsOver(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php echo "a";`)
	p.spawn()
	for _, text := range []string{
		"GET /a.php HTTP/1.1\r\nHost: x\r\nX: ",
		"GET /a.php HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST /a.php HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
		"POST /a.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /a.php HTTP/1.0\r\n\r\n",
	} {
		v := w.visit(t)
		if text[0] == 'P' { // the connection has carried something before
			if _, body := v.get("/a.php"); body != "a" {
				t.Fatalf("got %q", body)
			}
		}
		fmt.Fprint(v, text)
		h, conn, second := w.handed(t)
		if h.Letter != contract.Unserved || string(h.Text) != text || second != -1 {
			t.Errorf("got %q, want %q", h, text)
		}
		fmt.Fprint(conn, "from the front")
		got := make([]byte, 14)
		if _, err := io.ReadFull(v.r, got); err != nil || string(got) != "from the front" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		conn.Close()
		if _, err := v.r.ReadByte(); err != io.EOF {
			t.Errorf("%q: the worker has the connection still: %v", text, err)
		}
	}
}

// A connection that waits does so at the front.
func TestWorkerParksWhatWaits(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php echo "a";`)
	p.spawn()
	first := w.visit(t)
	first.get("/a.php")
	second := w.visit(t) // pushes the first out
	second.get("/a.php")
	if h, _, _ := w.handed(t); h.Letter != contract.Unserved || len(h.Text) != 0 {
		t.Errorf("got %+v", h)
	}
	begin := time.Now()
	h, conn, _ := w.handed(t)
	if took := time.Since(begin); h.Letter != contract.Unserved || len(h.Text) != 0 || took < keepFor*time.Millisecond/2 {
		t.Errorf("got %+v after %v", h, took)
	}
	// It comes back when it has something to say.
	second.ask("GET /a.php", "")
	message := contract.AppendHandOver(nil, &contract.HandOver{Letter: contract.Wake, Address: w.address})
	file, err := conn.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := unix.Sendmsg(int(w.fromFront[1].Fd()), message, unix.UnixRights(int(file.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, body := second.answer("GET"); body != "a" {
		t.Errorf("got %q", body)
	}
}

// A connection is not accepted before something has come on it, but for one on which nothing comes for long.
func TestWorkerAcceptsRequests(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php echo "a";`)
	p.spawn()
	if _, body := w.visit(t).get("/a.php"); body != "a" {
		t.Fatalf("got %q", body)
	}
	if seconds, err := unix.GetsockoptInt(int(w.listen.Fd()), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT); seconds < 1 || err != nil {
		t.Errorf("the kernel waits for %d s, %v", seconds, err)
	}
	late := w.visit(t)
	for h, conn, _ := w.handed(t); ; h, conn, _ = w.handed(t) { // the first connection, and then the late one, which nobody was to wait for
		if h.Letter != contract.Unserved || len(h.Text) != 0 {
			t.Fatalf("got %q", h)
		}
		if conn.RemoteAddr().String() == late.LocalAddr().String() {
			break
		}
	}
}

// The front takes a response that the client does not.
func TestWorkerLeavesSlowClientsToTheFront(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"one piece":  `<?php header("Content-Length: 16777216"); echo str_repeat("x", 16 << 20);`,
		"many":       `<?php header("Content-Length: 16777216"); for ($i = 0; $i < 4096; $i++) { echo str_repeat("x", 4096); } echo "too much";`,
		"breaks off": `<?php header("Content-Length: 16777217"); for ($i = 0; $i < 4096; $i++) { echo str_repeat("x", 4096); }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, nil)
			w := p.speakHTTP(nil)
			p.write("long.php", script)
			p.write("a.php", `<?php echo "a";`)
			p.spawn()
			v := w.visit(t)
			v.ask("GET /long.php", "")
			h, conn, second := w.handed(t)
			if h.Letter != contract.Output || h.Next != contract.OutputMore || second < 0 {
				t.Fatalf("got %+v, %d", h, second)
			}
			var all bytes.Buffer
			go func() {
				io.Copy(io.Discard, io.LimitReader(v.r, 1)) // begins to read
			}()
			last := byte(0)
			packet := make([]byte, 80<<10)
			for last == 0 {
				n, err := unix.Read(second, packet)
				switch {
				case err != nil:
					t.Fatal(err)
				case n == 0:
					last = 'x'
				case packet[0] != contract.OutputMore:
					last = packet[0]
				default:
					all.Write(packet[1:n])
				}
			}
			want := byte(contract.OutputEnd)
			if name == "breaks off" {
				want = 'x'
			}
			if last != want {
				t.Errorf("it ended by %q, want %q", last, want)
			}
			conn.Close()
			// The worker answers others meanwhile.
			if _, body := w.visit(t).get("/a.php"); body != "a" {
				t.Errorf("got %q", body)
			}
		})
	}
}

// What stood in the rescue socket of a worker that died is a connection whose client can be answered.
func TestConnectionOfADeadWorkerCanBeRescued(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("slow.php", `<?php sleep(20);`)
	c := p.spawn()
	v := w.visit(t)
	v.ask("GET /slow.php?x", "", "X-Request-Id: the-one")
	p.says(scoreboard.HTTPUnsent)
	syscall.Kill(c.pid, syscall.SIGKILL)
	if e := p.exit(); e.Status.Signal() != syscall.SIGKILL {
		t.Fatalf("it ended with %v", e.Status)
	}
	if got := p.board.HTTP(0); got.State != scoreboard.HTTPUnsent {
		t.Errorf("the rescue socket is said to be %+v", got)
	}
	buffer, rights := make([]byte, 16), make([]byte, 64)
	_, n, _, _, err := unix.Recvmsg(c.rescue, buffer, rights, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(firstRight(rights[:n])), "client")
	fmt.Fprint(file, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
	file.Close()
	if r, _ := v.answer("GET"); r.StatusCode != 502 {
		t.Errorf("got %v", r)
	}
}

// Requests that come together are answered in their order.
func TestWorkerAnswersPipelinedRequests(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php echo $_GET["n"], file_get_contents("php://input");`)
	p.write("b.php", `text`)
	p.spawn()
	v := w.visit(t)
	var all strings.Builder
	for n := range 20 {
		fmt.Fprintf(&all, "POST /a.php?n=%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%sGET /b.php HTTP/1.1\r\nHost: x\r\n\r\n", n, n*4, strings.Repeat("b", n*4))
	}
	io.WriteString(v, all.String()) // at once: what comes later is the front's
	r := bufio.NewReader(v)
	for n := range 20 {
		for _, want := range []string{fmt.Sprint(n) + strings.Repeat("b", n*4), "text"} {
			response, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("request %d: %v", n, err)
			}
			if got, _ := io.ReadAll(response.Body); string(got) != want {
				t.Fatalf("request %d: got %q, want %q", n, got, want)
			}
		}
	}
}

// A worker that is to yield gives its connections to the front.
func TestWorkerOfHTTPYields(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php echo "a";`)
	c := p.spawn()
	v := w.visit(t)
	v.get("/a.php")
	c.stop(t)
	c.say(contract.Yield, -1)
	other := w.visit(t)
	other.ask("GET /a.php", "")
	syscall.Kill(c.pid, syscall.SIGCONT)
	for range 2 {
		if h, _, _ := w.handed(t); h.Letter != contract.Unserved || len(h.Text) != 0 {
			t.Errorf("got %q", h)
		}
	}
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
		t.Errorf("it ended with %v", e.Status)
	}
}

// When the service ends, HTTP ends first, and FastCGI continues.
func TestWorkerLeavesHTTP(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	p.write("a.php", `<?php echo "a";`)
	c := p.spawn()
	v := w.visit(t)
	v.get("/a.php")
	c.say(contract.LeaveHTTP, -1)
	if h, _, _ := w.handed(t); h.Letter != contract.Unserved || len(h.Text) != 0 {
		t.Errorf("got %q", h)
	}
	p.says(scoreboard.NoHTTP)
	if got := get(p.Dir, "a.php").do(t, p.Socket); got.err != nil || !strings.Contains(got.stdout, "a") {
		t.Errorf("by FastCGI: %+v", got)
	}
	other := w.visit(t)
	other.ask("GET /a.php", "")
	other.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if b, err := other.r.ReadByte(); err == nil {
		t.Errorf("it answers by HTTP: %q", b)
	}
}

// The access log has a line for each request, and continues in another file when it is told to.
func TestWorkerWritesTheAccessLogOfHTTP(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	w := p.speakHTTP(nil)
	files := [2]*os.File{}
	for i := range files {
		var err error
		if files[i], err = os.OpenFile(fmt.Sprintf("%s/log%d", p.Dir, i), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	w.log = files[0]
	p.write("a.php", `<?php http_response_code(404); echo "12345";`)
	c := p.spawn()
	v := w.visit(t)
	has := func(i int, line string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			text, _ := os.ReadFile(files[i].Name())
			if strings.Contains(string(text), line) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("no %q in %q", line, text)
			}
		}
	}
	v.get("/a.php?x=1", "User-Agent: me", "Referer: there", "Authorization: Basic dXNlcjpwYXNz")
	has(0, `] "GET /a.php?x=1 HTTP/1.1" 404 5 "there" "me"`)
	has(0, "127.0.0.1 - user [")
	c.say(contract.HTTPAccessLog, int(files[1].Fd()))
	for range 3 {
		v.get("/a.php?x=2")
	}
	has(1, `] "GET /a.php?x=2 HTTP/1.1" 404 5 "-" "-"`)
}
