package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// patience is how long a test waits for what must come.
const patience = wait.Patience

// worker is a connection of the test's pool, which speaks FastCGI.
type worker struct {
	*fastcgi.Conn
	req fastcgi.Request
}

func (w *worker) param(name string) string { return string(w.req.Params.Get(name)) }

// say answers with a head and a body.
func (w *worker) say(format string, args ...any) bool {
	fmt.Fprintf(w.Response(), format, args...)
	w.Response().End(0, fastcgi.RequestComplete)
	keep, _ := w.Finish()
	return keep
}

// echo answers with what a script would see of the request.
func echo(w *worker) bool {
	length := 0
	for buf := make([]byte, 4096); ; {
		n, err := w.ReadBody(buf)
		length += n
		if err != nil {
			break
		}
	}
	var b strings.Builder
	for _, name := range []string{"REQUEST_METHOD", "REQUEST_URI", "DOCUMENT_ROOT", "SCRIPT_FILENAME", "SCRIPT_NAME", "PATH_INFO",
		"QUERY_STRING", "REMOTE_ADDR", "REQUEST_SCHEME", "HTTPS", "HTTP_HOST", "HTTP_X_REQUEST_ID", "SERVER_PROTOCOL"} {
		fmt.Fprintf(&b, "%s=%s\n", name, w.param(name))
	}
	return w.say("Content-Type: text/plain\r\n\r\n%sBODY=%d\n", b.String(), length)
}

// workers starts a pool and gives its socket. serve is called for each request; false ends the connection.
func workers(t testing.TB, serve func(*worker) bool) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "front")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "pool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			go converse(socket, serve)
		}
	}()
	return l.Addr().String()
}

// converse has serve answer the requests of a connection, until it returns false.
func converse(socket net.Conn, serve func(*worker) bool) {
	defer socket.Close()
	w := &worker{Conn: fastcgi.NewConn(fastcgi.Config{ReadBuffer: make([]byte, 16<<10), WriteBuffer: make([]byte, 8<<10)})}
	w.Reset(socket)
	for w.ReadRequest(&w.req) == nil && serve(w) {
	}
}

// lines are what a front logged.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) add(level zlog.Level, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, level.String()+": "+fmt.Sprintf(format, args...))
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.text, "\n")
}

// tested is a front within the test.
type tested struct {
	*Front
	addresses []string
	said      *lines
	accessed  string // the access log's name
}

// orders are those of a front with one listener and one site of the files given, whose scripts serve answers; nil: the
// pool has no workers.
func orders(t testing.TB, contents map[string]string, serve func(*worker) bool) *contract.Front {
	socket := "/nonexistent/pool"
	if serve != nil {
		socket = workers(t, serve)
	}
	return &contract.Front{
		LogLevel:  zlog.Notice,
		Listeners: []contract.FrontListener{{Address: "127.0.0.1:0"}},
		Sites: []contract.Site{{Root: files.Make(t, contents), Index: []string{"index.php", "index.html"}, Controller: "index.php",
			Extensions: []string{".php"}, Pool: "www"}},
		Pools: []contract.FrontPool{{Name: "www", Network: "unix", Address: socket, Connections: 4, BodyBytes: 1 << 20}},
		Limits: contract.FrontLimits{HeaderTimeout: patience, BodyTimeout: patience, IdleTimeout: patience, RequestTimeout: patience,
			ConnectTimeout: patience, QueueTimeout: patience, DrainTimeout: patience, Queue: 100, HeaderBytes: 16 << 10,
			SpoolBytes:  1 << 30,
			Connections: 1000},
	}
}

// start starts a front.
func start(t testing.TB, o *contract.Front) *tested {
	t.Helper()
	f := prepare(t, o)
	f.run(t)
	return f
}

// run has a front that was prepared serve.
func (f *tested) run(t testing.TB) {
	f.serve(func(err error) { t.Error(err) })
	t.Cleanup(f.stop)
}

// prepare makes a front.
func prepare(t testing.TB, o *contract.Front) *tested {
	t.Helper()
	return prepareWith(t, o, resources{})
}

// prepareWith makes a front that has been given more than listeners and logs.
func prepareWith(t testing.TB, o *contract.Front, given resources) *tested {
	t.Helper()
	f := &tested{said: &lines{}, accessed: filepath.Join(t.TempDir(), "access.log")}
	given.log = f.said.add
	var err error
	if given.access, err = os.Create(f.accessed); err != nil {
		t.Fatal(err)
	}
	for range o.Listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		given.listeners = append(given.listeners, l)
		f.addresses = append(f.addresses, l.Addr().String())
	}
	if f.Front, err = newFront(o, given); err != nil {
		t.Fatal(err)
	}
	return f
}

// dial opens a connection of the client's.
func (f *tested) dial(t testing.TB) *rawClient {
	t.Helper()
	c, err := net.Dial("tcp", f.addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &rawClient{c, bufio.NewReader(c), t}
}

// rawClient speaks HTTP/1.1, as badly as a test wants.
type rawClient struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
}

// reply is a response, read to its end.
type reply struct {
	*http.Response
	body string
}

// ask sends text as it is, and reads a response. The method is only for that.
func (c *rawClient) ask(text string) reply {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	return c.read(method)
}

func (c *rawClient) read(method string) reply {
	c.t.Helper()
	response, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{response, string(body)}
}

// ends sees that the server closes the connection.
func (c *rawClient) ends() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		c.t.Errorf("the connection ended with %q, %v, want its end", b, err)
	}
}

// get asks for a path on a connection of its own, with more headers.
func (f *tested) get(t testing.TB, path string, headers ...string) reply {
	t.Helper()
	return f.do(t, "GET", path, headers...)
}

func (f *tested) do(t testing.TB, method, path string, headers ...string) reply {
	t.Helper()
	c := f.dial(t)
	defer c.Close()
	return c.ask(method + " " + path + " HTTP/1.1\r\n" + strings.Join(append([]string{"Host: example.org"}, headers...), "\r\n") + "\r\n\r\n")
}

// openChannel opens the other end of a channel. A channel owns its descriptor, so that it gets one of its own, and the file is closed.
func openChannel(t *testing.T, file *os.File) *channel.Channel {
	t.Helper()
	defer file.Close()
	own, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	c, err := channel.Open(own)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
