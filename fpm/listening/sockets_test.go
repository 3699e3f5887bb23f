package listening

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/serve"
)

func opener(s *Sockets) *Opener {
	return &Opener{Sockets: s, Log: zlog.New(io.Discard), Config: &conf.Config{}}
}

// open opens a pool's socket.
func open(t *testing.T, s *Sockets, listen string) *Socket {
	t.Helper()
	k, err := opener(s).Pool(&conf.Pool{Listen: conf.Text{Value: listen, Set: true}, Domain: conf.DomainOf(listen), ListenBacklog: -1})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// isClosed reports whether a connection to a socket's path is refused.
func isClosed(path string) bool {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

func TestAnAddressHasOneSocketUntilNobodyUsesIt(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	var s Sockets
	defer s.CloseAll()
	first, other := open(t, &s, one), open(t, &s, two)
	if again := open(t, &s, one); again != first {
		t.Error("the same address has another socket")
	}
	s.Keep(func(k *Socket) bool { return k == other })
	if _, err := os.Lstat(one); !errors.Is(err, fs.ErrNotExist) || !isClosed(one) {
		t.Errorf("the socket that nobody uses is not closed: %v", err)
	}
	if isClosed(two) || s.Find(two) != other || s.Find(one) != nil {
		t.Error("the socket that is used was not kept")
	}
	s.CloseAll()
	if _, err := os.Lstat(two); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a closed socket stays: %v", err)
	}
}

// A socket whose file somebody has removed is not found; its address gets another, whose file the first one's end leaves alone.
func TestARemovedSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	var s Sockets
	defer s.CloseAll()
	first := open(t, &s, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s.Find(path) != nil {
		t.Error("a socket that nobody can reach is found")
	}
	second := open(t, &s, path)
	if second == first {
		t.Fatal("there is no other socket")
	}
	s.Keep(func(k *Socket) bool { return k == second })
	if isClosed(path) {
		t.Error("the end of the first socket has taken the file of the second")
	}
}

func TestAnAddressThatIsTakenIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	var s, another Sockets
	defer s.CloseAll()
	open(t, &s, path)
	var said strings.Builder
	o := opener(&another)
	o.Log = zlog.New(&said)
	if _, err := o.At(Address{For: "http", Listen: path, Mode: 0o600}); err == nil {
		t.Error("two listen at one path")
	}
	if want := "Another FPM instance seems to already listen on " + path; !strings.Contains(said.String(), want) {
		t.Errorf("logged %q, want %q", said.String(), want)
	}
	said.Reset()
	if _, err := o.Quiet().At(Address{For: "http", Listen: path, Mode: 0o600}); err == nil || said.Len() > 0 {
		t.Errorf("quietly: %v, logged %q", err, said.String())
	}
	if isClosed(path) {
		t.Error("the first does not listen any more")
	}
}

func TestTCPAddresses(t *testing.T) {
	_, port, _ := net.SplitHostPort(serve.Address(t))
	for _, c := range []struct{ listen, key, reached, url string }{
		{"127.0.0.1:" + port, "127.0.0.1:" + port, "127.0.0.1:" + port, "http://127.0.0.1:" + port},
		{"0.0.0.0:" + port, "0.0.0.0:" + port, "127.0.0.1:" + port, "http://0.0.0.0:" + port},
		{"[::1]:" + port, "::1:" + port, "[::1]:" + port, "http://[::1]:" + port},
	} {
		var s Sockets
		k, err := opener(&s).At(Address{For: "http", Listen: c.listen})
		if err != nil {
			if strings.HasPrefix(c.listen, "[") { // a machine without IPv6
				continue
			}
			t.Fatal(err)
		}
		if k.Key() != c.key || k.ReachedAt() != c.reached || k.URL("http") != c.url {
			t.Errorf("%s: key %s, reached at %s, %s", c.listen, k.Key(), k.ReachedAt(), k.URL("http"))
		}
		conn, err := net.Dial("tcp", k.ReachedAt())
		if err != nil || !k.Readable() {
			t.Errorf("%s: %v, or the connection does not wait", c.listen, err)
		}
		if waiting, most, ok := k.Queue(); !ok || waiting != 1 || most < 1 {
			t.Errorf("%s: %d of %d wait, %v", c.listen, waiting, most, ok)
		}
		if err == nil {
			conn.Close()
		}
		s.CloseAll()
	}
	for _, wrong := range []string{"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x"} {
		if _, err := opener(&Sockets{}).At(Address{For: "http", Listen: wrong}); err == nil {
			t.Errorf("%s is an address", wrong)
		}
	}
}

func TestAnUnknownHostIsALookUp(t *testing.T) {
	o := opener(&Sockets{})
	o.Known = Names{"nowhere.example": {err: errNotKnown}}
	if _, err := o.At(Address{For: "http", Listen: "nowhere.example:80"}); !IsLookUp(err) {
		t.Errorf("got %v", err)
	}
	if IsLookUp(unix.EACCES) {
		t.Error("another error is one of names")
	}
}

func TestTheNamelessSocketIsReachedByItsPath(t *testing.T) {
	var s Sockets
	defer s.CloseAll()
	k := open(t, &s, settings.Nameless)
	if err := k.Lend(os.Geteuid(), os.Getegid()); err != nil {
		t.Fatal(err)
	}
	if k.Inode() == 0 {
		t.Error("it has no inode")
	}
	if isClosed("/proc/self/fd/" + strconv.Itoa(int(k.Path().Fd()))) {
		t.Error("it cannot be reached")
	}
}

// What a program leaves is taken over by copies, and serves on when the first has closed its own.
func TestSocketsAreLeftAndAdopted(t *testing.T) {
	dir := t.TempDir()
	var s Sockets
	defer s.CloseAll()
	path := filepath.Join(dir, "s")
	open(t, &s, path)
	open(t, &s, settings.Nameless)
	pair := &conf.Pool{Listen: conf.Text{Value: "/(pair)", Set: true}, Domain: conf.Unix, Handed: true}
	if _, err := opener(&s).Pool(pair); err != nil {
		t.Fatal(err)
	}
	if err := s.Hand(); err != nil {
		t.Fatal(err)
	}
	left, handing := s.Leave(), s.LeaveHanding()

	var trial Sockets
	trial.Adopt(left, handing, true)
	if len(trial.open) != 1 || trial.open[0].Key() != path {
		t.Errorf("a trial has %d sockets", len(trial.open))
	}
	trial.CloseOthers(left)
	if isClosed(path) {
		t.Error("the end of a trial has removed what it adopted")
	}

	var next Sockets
	next.Adopt(left, handing, false)
	defer next.CloseAll()
	if len(next.open) != 3 {
		t.Fatalf("%d sockets of 3", len(next.open))
	}
	for i, k := range next.open {
		was := s.open[i]
		if k.Key() != was.Key() || k.FD() == was.FD() || (k.Path() == nil) != (was.Path() == nil) || (k.Pair() == nil) != (was.Pair() == nil) {
			t.Errorf("socket %d: %s", i, k.Key())
		}
	}
	if _, err := unix.Write(int(next.Handing().ToFront.Fd()), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(int(s.Handing().FromWorkers.Fd()), make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("what is handed does not arrive: %d bytes, %v", n, err)
	}
	extra := filepath.Join(dir, "extra")
	open(t, &next, extra)
	next.CloseOthers(left)
	if !isClosed(extra) || isClosed(path) {
		t.Error("not what was opened since was closed, or more")
	}
}

// TestMain is another program, too: one that takes over what it inherits, and prints that.
func TestMain(m *testing.M) {
	if os.Getenv("LISTENING_TEST_INHERITS") == "" {
		os.Exit(m.Run())
	}
	var s Sockets
	s.Inherit(zlog.New(os.Stderr))
	for _, k := range s.open {
		lent := ""
		if k.lent {
			lent = " lent"
		}
		os.Stdout.WriteString(k.Key() + lent + "\n")
	}
	for _, name := range []string{"FPM_SOCKETS", "FPM_SOCKETS_1", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		if _, set := os.LookupEnv(name); set {
			os.Stdout.WriteString(name + " is set\n")
		}
	}
	s.CloseAll()
}

func TestSocketsAreInherited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	listener, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	inherits(t, "systemd", `LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=a:b exec "$0"`, path+" lent\n", listener, null)
	inherits(t, "another's of systemd", `LISTEN_FDS=2 LISTEN_PID=1 exec "$0"`, "", listener, null)
	if isClosed(path) {
		t.Error("the service manager's socket was removed")
	}
	inherits(t, "php-fpm", `FPM_SOCKETS=`+path+`=3,nonsense FPM_SOCKETS_1=127.0.0.1:9=5 exec "$0"`, path+"\n127.0.0.1:9\n", listener, null, null)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("php-fpm's socket stays after its end: %v", err)
	}
}

// inherits runs the other program by a shell's script, with files from descriptor 3 on, and compares what it prints.
func inherits(t *testing.T, name, script, want string, files ...*os.File) {
	t.Helper()
	c := exec.Command("/bin/sh", "-c", script, os.Args[0])
	c.Env = append(os.Environ(), "LISTENING_TEST_INHERITS=1")
	c.ExtraFiles = files
	got, err := c.Output()
	if err != nil || string(got) != want {
		t.Errorf("%s: %v, got %q, want %q", name, err, got, want)
	}
}
