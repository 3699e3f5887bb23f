package front

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// TestMain is the front, too, where a test starts it as its master does.
func TestMain(m *testing.M) {
	if os.Getenv(contract.FrontEnvironment) != "" {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

// started is a front that a test is the master of.
type started struct {
	*exec.Cmd
	t       *testing.T
	control *channel.Channel
	said    chan channel.Message
	address string
	access  string
}

// launch starts a front process and waits until it is ready.
func launch(t *testing.T, o *contract.Front) *started {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	listening, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	s := launchOn(t, o, listening)
	s.address = l.Addr().String()
	if m := s.hear(); m.Letter != contract.Ready {
		t.Fatalf("it said %c%s, not that it is ready", m.Letter, m.Text)
	}
	return s
}

func launchOn(t *testing.T, o *contract.Front, listening *os.File) *started {
	t.Helper()
	dir := t.TempDir()
	s := &started{t: t, said: make(chan channel.Message, 100), access: filepath.Join(dir, "access.log")}
	access := s.openAccess()
	defer access.Close()
	spec, err := os.Create(filepath.Join(dir, "spec"))
	if err != nil {
		t.Fatal(err)
	}
	defer spec.Close()
	o.Files = append([]contract.File{contract.FrontListen, contract.FrontAccess}, o.Files...)
	if err := o.Encode(spec); err != nil {
		t.Fatal(err)
	}
	spec.Seek(0, 0)
	var theirs *os.File
	if s.control, theirs, err = channel.New(); err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	s.Cmd = exec.Command("/proc/self/exe")
	s.Env = append(os.Environ(), contract.FrontEnvironment+"=1")
	s.ExtraFiles = []*os.File{theirs, spec, listening, access}
	s.Stderr = os.Stderr
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill() })
	go s.control.Read(channel.AnyDescriptor, func(m channel.Message) { s.said <- m })
	return s
}

func (s *started) openAccess() *os.File {
	file, err := os.OpenFile(s.access, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	return file
}

// hear is the next message.
func (s *started) hear() channel.Message {
	s.t.Helper()
	select {
	case m := <-s.said:
		return m
	case <-time.After(patience):
		s.t.Fatal("the front says nothing")
		return channel.Message{}
	}
}

// exits waits for the process's end and its status.
func (s *started) exits(status int) {
	s.t.Helper()
	err := s.Wait()
	if got := s.ProcessState.ExitCode(); got != status {
		s.t.Errorf("it ended with status %d, %v; want %d", got, err, status)
	}
}

func (s *started) get(path string) (*http.Response, error) {
	return http.Get("http://" + s.address + path)
}

func TestProcessServesAndReopensItsLog(t *testing.T) {
	t.Parallel()
	s := launch(t, orders(t, map[string]string{"a.txt": "a", "index.php": ""}, echo))
	for _, path := range []string{"/a.txt", "/x"} {
		if got, err := s.get(path); err != nil || got.StatusCode != 200 {
			t.Fatalf("%s: %v, %v", path, got, err)
		}
	}
	before := s.access
	s.access += ".new"
	file := s.openAccess()
	if err := s.control.Send(contract.AccessLog, "", int(file.Fd())); err != nil {
		t.Fatal(err)
	}
	file.Close()
	wait.Until(t, "a line in the new log", func() bool {
		if _, err := s.get("/a.txt?new"); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(files.Read(t, s.access), "/a.txt?new")
	})
	if got := files.Read(t, before); !strings.Contains(got, "GET /a.txt HTTP") || !strings.Contains(got, "GET /x HTTP") {
		t.Errorf("the old log has %q", got)
	}
	s.control.Send(contract.Quit, "", -1)
	s.exits(0)
}

// What is under way is finished, and written down, however the end is asked for; new connections are not taken.
func TestProcessDrains(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*started){
		"Quit":                  func(s *started) { s.control.Send(contract.Quit, "", -1) },
		"the end of the master": func(s *started) { s.control.Close() },
		"SIGQUIT":               func(s *started) { s.Process.Signal(syscall.SIGQUIT) },
	} {
		t.Run(name, func(t *testing.T) {
			entered, leave := make(chan bool), make(chan bool)
			s := launch(t, orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
				entered <- true
				<-leave
				return w.say("X: y\r\n\r\ndone")
			}))
			answer := make(chan error)
			go func() {
				got, err := s.get("/")
				if err == nil && got.StatusCode != 200 {
					err = fmt.Errorf("status %d", got.StatusCode)
				}
				answer <- err
			}()
			<-entered
			end(s)
			wait.Until(t, "refusal", func() bool {
				c, err := net.Dial("tcp", s.address)
				if err == nil {
					c.Close()
				}
				return err != nil
			})
			close(leave)
			if err := <-answer; err != nil {
				t.Error(err)
			}
			s.exits(0)
			if got := files.Read(t, s.access); !strings.Contains(got, `"GET / HTTP/1.1" 200 4`) {
				t.Errorf("the log has %q", got)
			}
		})
	}
}

// A front that is replaced tells when no more requests are its own. Without a successor it closes what is idle.
func TestProcessYields(t *testing.T) {
	t.Parallel()
	s := launch(t, orders(t, map[string]string{"a.txt": "a"}, nil))
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	kept := &rawClient{c, bufio.NewReader(c), t}
	kept.ask(request)
	s.control.Send(contract.Yield, "", -1)
	if m := s.hear(); m.Letter != contract.Yielded {
		t.Fatalf("it said %c%s, not that it has yielded", m.Letter, m.Text)
	}
	kept.ends()
	if c, err := net.Dial("tcp", s.address); err == nil {
		c.Close()
		t.Error("it accepts still")
	}
	s.exits(0)
}

// A stream that has no end is cut off when its time is over, and SIGTERM waits for nobody.
func TestProcessDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]os.Signal{"drain": {syscall.SIGQUIT}, "TERM": {syscall.SIGTERM}, "impatience": {syscall.SIGQUIT, syscall.SIGTERM}} {
		t.Run(name, func(t *testing.T) {
			leave := make(chan bool)
			o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
				w.Response().Write([]byte("X: y\r\n\r\nevent"))
				w.Response().Flush()
				<-leave
				return false
			})
			if name == "drain" {
				o.Limits.DrainTimeout = short
			} else {
				o.Limits.DrainTimeout = time.Hour
			}
			s := launch(t, o)
			got, err := s.get("/")
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			for _, signal := range signals {
				s.Process.Signal(signal)
			}
			s.exits(0)
			close(leave)
			if logged := files.Read(t, s.access); !strings.Contains(logged, `"GET / HTTP/1.1" 200 5`) {
				t.Errorf("the log has %q", logged)
			}
		})
	}
}

func TestProcessTakesCertificates(t *testing.T) {
	t.Parallel()
	o := orders(t, nil, nil)
	o.Listeners[0].TLS = true
	o.Certificates = []contract.Certificate{certified(t, "a.example", 1)}
	s := launch(t, o)
	send := func(content []byte) string {
		t.Helper()
		file, err := os.Create(filepath.Join(t.TempDir(), "certificates"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		file.Write(content)
		file.Seek(0, 0)
		if err := s.control.Send(contract.Certificates, "", int(file.Fd())); err != nil {
			t.Fatal(err)
		}
		return s.hear().Text
	}
	encoded, err := json.Marshal([]contract.Certificate{certified(t, "a.example", 2)})
	if err != nil {
		t.Fatal(err)
	}
	if said := send(encoded); !strings.Contains(said, "certificates") || serial(t, s.address, "a.example") != 2 {
		t.Errorf("it said %q and shows %d", said, serial(t, s.address, "a.example"))
	}
	if said := send([]byte(`[{"Name":"bad.pem"}]`)); !strings.HasPrefix(said, "4certificate bad.pem: ") || serial(t, s.address, "a.example") != 2 {
		t.Errorf("it said %q and shows %d", said, serial(t, s.address, "a.example"))
	}
}

func TestProcessReachesANamelessPool(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	at, err := os.OpenFile(o.Pools[0].Address, 0x200000 /* O_PATH */, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	p := &process{}
	orders := &contract.Front{Pools: []contract.FrontPool{{Name: "other", Network: "tcp"}, {Name: "www"}}}
	given := resources{sockets: map[string]*os.File{}, log: p.log}
	if err := p.take(&given, orders, contract.FrontPoolAt, at); err != nil || given.sockets["www"] != at {
		t.Fatalf("got %v, %v", given.sockets, err)
	}
	o.Pools[0].Network, o.Pools[0].Address = "", ""
	f := &Front{limits: o.Limits, pools: map[string]*pool{}, log: (&lines{}).add}
	f.addPools(o, given.sockets)
	c, err := f.pools["www"].Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A front that cannot start says why, and is not ready.
func TestProcessSaysWhyItCannotStart(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*contract.Front){
		"2 listeners":        func(o *contract.Front) { o.Listeners = append(o.Listeners, o.Listeners[0]) },
		`pool "web"`:         func(o *contract.Front) { o.Sites[0].Pool = "web" },
		"no certificate":     func(o *contract.Front) { o.Listeners[0].TLS = true },
		`trusted proxy "me"`: func(o *contract.Front) { o.TrustedProxies = []string{"me"} },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listening, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		o := orders(t, nil, nil)
		spoil(o)
		s := launchOn(t, o, listening)
		if m := s.hear(); m.Letter != contract.Log || !bytes.Contains([]byte(m.Text), []byte(want)) {
			t.Errorf("it said %c%s, want something with %q", m.Letter, m.Text, want)
		}
		s.exits(70)
		listening.Close()
		l.Close()
	}
}
