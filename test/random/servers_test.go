package random_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var stockPrograms = map[string]string{"php-fpm": serve.Stock().FPM, "php-cgi": serve.Stock().CGI}

// patience is how long an answer may take.
const patience = 20 * time.Second

// server is a running server of a round.
type server struct {
	*serve.Server
	t      *testing.T
	dir    string
	socket string
}

// start runs a program with a round's settings.
func start(t *testing.T, s settings, program string) *server {
	t.Helper()
	dir := serve.Dir(t)
	o := &server{t: t, dir: dir, socket: filepath.Join(dir, "socket")}
	args := []string{"-n"}
	for _, entry := range s.ini {
		name, value, _ := strings.Cut(entry, "=")
		args = append(args, "-d", name+`="`+value+`"`)
	}
	if strings.HasPrefix(filepath.Base(program), "php-cgi") {
		args = append(args, "-b", o.socket)
	} else {
		args = append(args, "-F", "-y", o.configure(s))
	}
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TZ=UTC", "LC_ALL=C", "FROM_OUTSIDE=yes", "PHP_FCGI_MAX_REQUESTS=0", "PADDING=" + strings.Repeat("x", 100)}
	cmd.Dir = "/"
	o.Server = serve.Run(t, cmd)
	return o
}

// configure writes php-fpm.conf and returns its path.
func (o *server) configure(s settings) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user = www-data\ngroup = www-data\n"
	}
	text := "[global]\nerror_log = DIR/error.log\n" + strings.Join(s.global, "\n") + "\n[www]\n" + user +
		"listen = DIR/socket\nlisten.mode = 0666\npm = static\npm.max_children = 1\n" + strings.Join(s.pool, "\n") + "\n"
	path := filepath.Join(o.dir, "php-fpm.conf")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", o.dir)), 0o644); err != nil {
		o.t.Fatal(err)
	}
	if f, err := os.Create(filepath.Join(o.dir, "php.log")); err == nil { // the worker is another user
		f.Chmod(0o666)
		f.Close()
	}
	return path
}

func (o *server) ready() {
	o.t.Helper()
	wait.Until(o.t, o.Name+" to listen", func() bool { return o.Ended() != "" || serve.Accepts("unix", o.socket)() })
	if how := o.Ended(); how != "" {
		o.t.Fatalf("%s has ended with %s", o.Name, how)
	}
	wait.Until(o.t, "a worker of "+o.Name, func() bool { return o.worker() != "[]" })
}

func (o *server) dial() net.Conn {
	o.t.Helper()
	conn, err := net.Dial("unix", o.socket)
	if err != nil {
		o.t.Fatalf("%s: %v %s", o.Name, err, o.Ended())
	}
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// converse sends what is to be sent, says that no more will come, and describes what comes back until the end.
func (o *server) converse(wire []byte) string {
	conn := o.dial()
	defer conn.Close()
	go func() {
		conn.Write(wire)
		conn.(*net.UnixConn).CloseWrite()
	}()
	return directory.ReplaceAllString(varies.ReplaceAllString(describe(conn), "*"), "$1")
}

// directory is the reason why a script is not opened. For a directory PHP names whatever error was the last.
var directory = regexp.MustCompile(`(Failed to open stream: |Unable to open primary script: \S* \()(Success|No such file or directory)`)

// varies is what two runs of one request may print otherwise: the server's own directory.
var varies = regexp.MustCompile(`/tmp/test\d+`)

// describe tells what comes, record by record, those of one stream in a row as one.
func describe(conn io.Reader) string {
	var b strings.Builder
	last := fastcgi.Type(0)
	var head [fastcgi.HeaderLen]byte
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			fmt.Fprintf(&b, "; %v", ending(err))
			return b.String()
		}
		h := fastcgi.ParseHeader(head[:])
		content := make([]byte, int(h.ContentLength)+int(h.PaddingLength))
		if _, err := io.ReadFull(conn, content); err != nil {
			fmt.Fprintf(&b, "; %v in a record", ending(err))
			return b.String()
		}
		content = content[:h.ContentLength]
		if h.Type != last || h.Type == fastcgi.TypeEndRequest {
			fmt.Fprintf(&b, "\n%v %d: ", h.Type, h.RequestID)
		}
		last = h.Type
		if h.Type == fastcgi.TypeEndRequest {
			fmt.Fprintf(&b, "%x", content[:min(5, len(content))]) // stock PHP leaves something in the reserved bytes
		} else {
			b.Write(content)
		}
	}
}

// ending is how a connection has ended: one that is reset has brought all there was, too.
func ending(err error) string {
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return "time-out"
	}
	return "end"
}

// send sends what deserves no answer, and waits for the end of the connection.
func (o *server) send(wire []byte) {
	conn := o.dial()
	defer conn.Close()
	go func() {
		conn.Write(wire)
		conn.(*net.UnixConn).CloseWrite()
	}()
	io.Copy(io.Discard, conn)
}

// worker is the pid of the process that answers.
func (o *server) worker() string {
	if strings.HasPrefix(o.Name, "php-cgi") {
		return fmt.Sprint(o.Pid())
	}
	return fmt.Sprint(o.Titled("php-fpm: pool"))
}

// sameWorker wants the process that answers to be what it was.
func (o *server) sameWorker(was, after string) {
	o.t.Helper()
	if now := o.worker(); now != was || o.Ended() != "" {
		o.t.Fatalf("after %s: worker %s, was %s %s\n%s", after, now, was, o.Ended(), o.read("error.log"))
	}
}

// died reports whether the process that answers is another, or is about to be.
func (o *server) died(was string) bool {
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if o.Ended() != "" || o.worker() != was {
			return true
		}
	}
	return false
}

// read is a log of the server, without what differs from run to run.
func (o *server) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(o.dir, name))
	return changes.ReplaceAllString(string(text), "")
}

// changes is what the lines of two logs may have otherwise. Stock php-fpm has a NUL after a line that is cut.
var changes = regexp.MustCompile(`(?m)\x00$|\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d( \w+)?\]|/tmp/test\d+`)

// compareLogs compares the logs that scripts and requests write.
func compareLogs(t *testing.T, stock, ours *server) {
	t.Helper()
	for _, name := range []string{"access.log", "php.log"} {
		if difference := exchange.Difference(ours.read(name), stock.read(name)); difference != "" {
			t.Errorf("%s differs: %s", name, difference)
		}
	}
}
