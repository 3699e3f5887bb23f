package master

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"os/user"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/certificate"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// fakeFront is a front that speaks no HTTP: it answers lines, as fakeWorker does.
func fakeFront() int {
	signal.Reset()
	if why, err := os.ReadFile(os.Getenv("MASTER_TEST_NO_FRONT")); err == nil {
		status, _ := strconv.Atoi(string(why))
		return status
	}
	orders, err := contract.DecodeFront(os.NewFile(contract.FrontSpec, "orders"))
	if err != nil {
		return 99
	}
	control, err := channel.Open(contract.FrontControl)
	if err != nil {
		return 98
	}
	f := &fakeFrontState{orders: orders, stubborn: make(chan bool, 1)}
	for i, what := range orders.Files {
		file := os.NewFile(uintptr(contract.FrontFiles+i), string(what))
		switch what {
		case contract.FrontAccess:
			f.access = file
		case contract.FrontPoolAt:
			f.pool = file
		case contract.FrontListen:
			l, err := net.FileListener(file)
			if err != nil {
				return 97
			}
			l.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
			file.Close()
			f.listeners = append(f.listeners, l)
			f.accepting.Go(func() { f.accept(l) })
		}
	}
	control.Send(contract.Ready, "", -1)
	quit := make(chan bool, 2)
	go control.Read(channel.AnyDescriptor, func(s channel.Message) { f.hear(s, control, quit) })
	<-quit
	for _, l := range f.listeners {
		l.Close()
	}
	f.accepting.Wait() // only then is every request counted
	f.requests.Wait()
	return 0
}

type fakeFrontState struct {
	orders    *contract.Front
	access    *os.File
	pool      *os.File
	listeners []net.Listener
	accepting sync.WaitGroup
	requests  sync.WaitGroup
	stubborn  chan bool
}

func (f *fakeFrontState) hear(s channel.Message, control *channel.Channel, quit chan bool) {
	switch s.Letter {
	case contract.Quit, 0:
		quit <- true
	case contract.Yield:
		for _, l := range f.listeners {
			l.Close()
		}
		f.accepting.Wait()
		control.Send(contract.Yielded, "", -1)
		quit <- true
	case contract.Beat:
		control.Send(contract.Beat, "[]", -1)
	case contract.AccessLog:
		file := os.NewFile(uintptr(s.FD), "access log")
		fmt.Fprintln(file, "new access log")
		file.Close()
	case contract.Certificates:
		var all []contract.Certificate
		file := os.NewFile(uintptr(s.FD), "certificates")
		err := json.NewDecoder(file).Decode(&all)
		file.Close()
		control.Send(contract.Log, fmt.Sprintf("3certificates %d %v %v", len(all), all[0].Name != "", err), -1)
	}
}

func (f *fakeFrontState) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		f.requests.Add(1)
		go func() {
			defer f.requests.Done()
			defer conn.Close()
			f.answer(conn)
		}()
	}
}

func (f *fakeFrontState) answer(conn net.Conn) {
	lines := bufio.NewReader(conn)
	line, _ := lines.ReadString('\n')
	word, argument, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch word {
	case "hold":
		fmt.Fprintln(conn, "holding")
		lines.ReadString('\n')
	case "who":
		status, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(status)) {
			for _, name := range []string{"Uid:", "Gid:", "Groups:", "NoNewPrivs:", "CapEff:"} {
				if strings.HasPrefix(line, name) {
					fmt.Fprint(conn, strings.Join(strings.Fields(line), " ")+"; ")
				}
			}
		}
	case "orders":
		orders := *f.orders
		orders.Certificates = nil
		json.NewEncoder(conn).Encode(&orders)
		return
	case "environment":
		fmt.Fprintln(conn, strings.Join(os.Environ(), " "))
		return
	case "pool": // the answer of a worker
		at := f.orders.Pools[0]
		if at.Network == "" {
			at.Network, at.Address = "unix", "/proc/self/fd/"+strconv.Itoa(int(f.pool.Fd()))
		}
		pool, err := net.Dial(at.Network, at.Address)
		if err != nil {
			fmt.Fprintln(conn, err)
			return
		}
		defer pool.Close()
		fmt.Fprintln(pool, argument)
		io.Copy(conn, pool)
		return
	}
	fmt.Fprintf(conn, "front generation %d pid %d\n", f.orders.Generation, os.Getpid())
}

// withFront starts a master with a front at DIR/http. root is the pool's directory; more are lines of phpsapi.yaml.
func withFront(t *testing.T, conf, more string, env ...string) *service {
	t.Helper()
	dir := t.TempDir()
	for parent := dir; parent != "/tmp" && parent != "/"; parent = parent[:strings.LastIndexByte(parent, '/')] {
		os.Chmod(parent, 0o755) // for the front, who is somebody else where the tests are root's
	}
	file := dir + "/phpsapi.yaml"
	write := func(text string) {
		files.Write(t, file, text)
	}
	write("http:\n  listen: unix:" + dir + "/http\n  root: /\n" + more)
	s := start(t, conf, append(env, "MASTER_TEST_SETTINGS="+file)...)
	s.settings, s.front, s.yaml = write, dir+"/http", dir
	return s
}

func (s *service) http(line string) string {
	s.t.Helper()
	conn, err := net.Dial("unix", s.front)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	return say(conn, line)
}

const forFront = "[www]\nlisten = DIR/sock\nlisten.mode = 0666\npm = static\npm.max_children = 2\n"

func TestFrontServesAndGoesWithTheService(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "")
	pid := s.expect(`NOTICE: \[front\] process (\d+) of generation 1 serves unix:.*/http$`)[1]
	if got := s.http("hello"); got != "front generation 1 pid "+pid {
		t.Errorf("got %q", got)
	}
	s.signal(syscall.SIGTERM)
	s.expect("bye-bye")
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if _, err := os.Stat(s.front); !os.IsNotExist(err) {
		t.Error("the front's socket is still there")
	}
	n, _ := strconv.Atoi(pid)
	if syscall.Kill(n, 0) == nil {
		t.Error("the front is still there")
	}
	s.never("WARNING|ERROR")
}

func TestFrontHasNoPrivileges(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "", "SECRET=x", "GOGC=150")
	s.expect("serves")
	got := s.http("who")
	if !strings.Contains(got, "NoNewPrivs: 1; ") || !strings.Contains(got, "CapEff: 0000000000000000") && os.Geteuid() == 0 {
		t.Errorf("got %q", got)
	}
	if os.Geteuid() == 0 && (strings.Contains(got, "Uid: 0") || strings.Contains(got, "Gid: 0") || strings.Contains(got, "Groups: 0") || !strings.Contains(got, "Uid: 6553") && !hasUser("phpsapi")) {
		t.Errorf("got %q", got)
	}
	if got := s.http("environment"); strings.Contains(got, "SECRET") || strings.Contains(got, "HOME") || !strings.Contains(got, "GOGC=150") {
		t.Errorf("environment %q", got)
	}
}

func TestFrontThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "")
	first := s.expect(`process (\d+) of generation 1 serves`)[1]
	pid, _ := strconv.Atoi(first)
	syscall.Kill(pid, syscall.SIGKILL)
	// Nobody is refused meanwhile.
	if got := s.http("hello"); !strings.HasPrefix(got, "front generation 1 pid ") || got == "front generation 1 pid "+first {
		t.Errorf("got %q", got)
	}
	s.expect(`WARNING: \[front\] process ` + first + ` of generation 1 exited on signal 9 \(SIGKILL\) after \d+\.\d{6} seconds from start$`)
	s.expect(`process (\d+) of generation 1 serves`)
}

func TestFrontThatKeepsDyingIsNotStartedWithoutPause(t *testing.T) {
	t.Parallel()
	broken := t.TempDir() + "/status"
	os.WriteFile(broken, []byte("3"), 0o644)
	os.Chmod(broken[:strings.LastIndexByte(broken, '/')], 0o755)
	os.Chmod(strings.TrimSuffix(broken, "/001/status"), 0o755)
	s := withFront(t, forFront, "", "MASTER_TEST_NO_FRONT="+broken)
	for range 5 {
		s.expect(`WARNING: \[front\] process \d+ of generation 1 exited with code 3 after`)
	}
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www generation 1") {
		t.Errorf("the pool: %q", got)
	}
	time.Sleep(500 * time.Millisecond) // the sixth waits for 800 ms
	deaths := strings.Count(s.said(), "exited with code 3")
	if deaths > 8 {
		t.Errorf("%d fronts in no time", deaths)
	}
	os.Remove(broken)
	s.expect(`serves`)
}

func TestReloadHandsTheFrontsListenersOver(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "")
	s.expect("serves")
	conn, err := net.Dial("unix", s.front)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	release := hold(t, conn)
	stop, failed, asked := make(chan bool), atomic.Int64{}, atomic.Int64{}
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if conn, err := net.Dial("unix", s.front); err != nil {
					failed.Add(1)
				} else {
					if !strings.HasPrefix(say(conn, "hello"), "front generation ") {
						failed.Add(1)
					}
					conn.Close()
				}
				asked.Add(1)
			}
		})
	}
	for n := 2; n <= 4; n++ {
		s.signal(syscall.SIGUSR2)
		s.expect(fmt.Sprintf(`NOTICE: \[front\] process (\d+) of generation %d serves`, n))
		s.expect("ready to handle connections")
	}
	// For a moment both answer.
	wait.Until(t, "the new front", func() bool { return strings.HasPrefix(s.http("hello"), "front generation 4 ") })
	close(stop)
	load.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
	if answer := release(); !strings.HasPrefix(answer, "front generation 1 ") {
		t.Errorf("the request that was under way: %q", answer)
	}
	s.never("WARNING|ERROR")
}

func TestReloadThatTheFrontDoesNotSurvive(t *testing.T) {
	t.Parallel()
	broken := t.TempDir() + "/status"
	os.Chmod(broken[:strings.LastIndexByte(broken, '/')], 0o755)
	os.Chmod(strings.TrimSuffix(broken, "/001/status"), 0o755)
	s := withFront(t, forFront, "", "MASTER_TEST_NO_FRONT="+broken)
	s.expect("serves")
	os.WriteFile(broken, []byte("5"), 0o644)
	s.signal(syscall.SIGUSR2)
	s.expect(`ERROR: reload failed, the old configuration keeps serving: the new front exited with code 5$`)
	os.Remove(broken)
	for _, tt := range []struct{ yaml, want string }{
		{"http: {listen: 80, rot: /}\n", `unknown setting http\.rot; did you mean http\.root\?`},
		{"http: {listen: 80, root: /nosuch}\n", `http\.root: stat /nosuch: no such file or directory`},
		{"http: {listen: 80, root: /, pool: api}\n", `http\.pool: there is no pool api, the configuration has www`},
		{"http: {listen: '127.0.0.1:1', root: /, tls: {listen: '127.0.0.1:1'}}\n", `http\.tls\.listen: there is no certificate`},
	} {
		s.settings(tt.yaml)
		s.signal(syscall.SIGUSR2)
		s.expect(`ERROR: .*` + tt.want)
		s.expect(`ERROR: reload failed, the old configuration keeps serving: .*` + tt.want)
	}
	if got := s.http("hello"); !strings.HasPrefix(got, "front generation 1 ") {
		t.Errorf("got %q", got)
	}
}

func TestReloadWithoutFront(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "")
	first := s.expect(`process (\d+) of generation 1 serves`)[1]
	s.settings("")
	s.signal(syscall.SIGUSR2)
	s.expect("Reloading in progress")
	s.expect("fpm is running") // the first ready line may come after the front's
	s.expect("ready to handle")
	if _, err := net.Dial("unix", s.front); err == nil {
		t.Error("the front's socket still listens")
	}
	pid, _ := strconv.Atoi(first)
	wait.Until(t, "the end of the front", func() bool { return syscall.Kill(pid, 0) != nil })
}

// The front has its requests finished before the workers that answer them are told to go.
func TestQuitDrainsTheFrontFirst(t *testing.T) {
	t.Parallel()
	s := withFront(t, "process_control_timeout = 5\n"+forFront, "")
	s.expect("serves")
	conn, err := net.Dial("unix", s.front)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	release := hold(t, conn)
	s.signal(syscall.SIGQUIT)
	s.expect("Finishing")
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www") {
		t.Errorf("the pool: %q", got)
	}
	if answer := release(); !strings.HasPrefix(answer, "front generation 1") {
		t.Errorf("got %q", answer)
	}
	s.expect("bye-bye")
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	s.never("WARNING|ERROR")
}

func TestFrontThatDoesNotGoIsKilled(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "  limits: {drain_timeout: 100ms}\n")
	s.expect("serves")
	conn, err := net.Dial("unix", s.front)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hold(t, conn)
	s.signal(syscall.SIGQUIT)
	s.expect(`WARNING: \[front\] process \d+ of generation 1 exited on signal 15 \(SIGTERM\)`)
	s.expect("bye-bye")
}

func TestFrontsAccessLogIsReopened(t *testing.T) {
	t.Parallel()
	s := withFront(t, forFront, "  access_log: http.log\n")
	s.expect("serves")
	os.Rename(s.yaml+"/http.log", s.yaml+"/http.log.1")
	s.signal(syscall.SIGUSR1)
	s.expect(`NOTICE: access log file re-opened$`)
	wait.Until(t, "the front's line in the new access log", func() bool {
		text, _ := os.ReadFile(s.yaml + "/http.log")
		return string(text) == "new access log\n"
	})
}

func hasUser(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}

func TestCertificatesAreReadAgainWhenTheyChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certify := func(serial int64) {
		cert, key := certificate.New(t, serial)
		files.Fill(t, dir, map[string]string{"cert.pem": cert, "key.pem": key})
	}
	certify(1)
	s := withFront(t, forFront, "  tls: {listen: unix:"+dir+"/tls, certificate: "+dir+"/cert.pem, key: "+dir+"/key.pem}\n")
	s.expect(`serves unix:.*/http, unix:.*/tls$`)
	os.WriteFile(dir+"/key.pem", []byte("no key"), 0o600)
	s.expect(`ERROR: \[front\] certificates have changed and cannot be used, the old ones stay: http\.tls\.certificate: the certificate .*/cert\.pem and the key .*/key\.pem: tls: `)
	certify(2)
	s.expect(`WARNING: certificates 1 true <nil>$`)
}

func TestFrontCannotStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := serve.Address(t)
	for name, tt := range map[string]struct{ conf, yaml, want string }{
		"port in use": {forFront, "http: {listen: '" + taken.Addr().String() + "', root: /}",
			`ERROR: unable to bind listening socket for address '` + taken.Addr().String() + `': Address already in use \(98\)$`},
		"a pool's address": {strings.Replace(forFront, "DIR/sock", free, 1), "http: {listen: '" + free + "', root: /}",
			`ERROR: \[front\] cannot listen for HTTP on ` + free + `: pool www listens there$`},
		"clients not allowed": {strings.Replace(forFront, "DIR/sock", serve.Address(t), 1) + "listen.allowed_clients = 10.0.0.1\n", "http: {listen: 'unix:/tmp/phpsapi-test-front.sock', root: /}",
			`ERROR: \[front\] pool www: the front connects from 127\.0\.0\.1, which is not in its listen\.allowed_clients$`},
		"no user": {forFront, "http: {listen: 80, root: /, user: nosuch}", `ERROR: .*phpsapi\.yaml:\d+: http\.user: there is no user nosuch$`},
		"root":    {forFront, "http: {listen: 80, root: /, user: root}", `ERROR: the front is never root: set http\.user and http\.group to others$`},
		"a pool's permissions": {strings.Replace(forFront, "0666", "0600", 1), "http: {listen: 'unix:/tmp/phpsapi-test-front.sock', root: /}",
			`ERROR: \[front\] pool www: the front's user [0-9a-z-]+ may not (enter|connect to) /.* \(mode \d+\); give it that right, or set http\.user to a user that may, or set listen\.owner or listen\.group$`},
		"settings": {forFront, "http: {listen: eighty}", `ERROR: .*:1: http\.listen: "eighty" is not an address`},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 && (name == "no user" || name == "root" || name == "a pool's permissions") {
				t.Skip("only root can give a front another user")
			}
			file := t.TempDir() + "/phpsapi.yaml"
			os.WriteFile(file, []byte(tt.yaml+"\n"), 0o644)
			s := start(t, tt.conf, "MASTER_TEST_SETTINGS="+file)
			s.expect(tt.want)
			s.expect(`ERROR: FPM initialization failed$`)
			if status := s.end(); status != exitConfig {
				t.Errorf("exit status %d", status)
			}
		})
	}
}

func TestFrontKnowsItsPools(t *testing.T) {
	t.Parallel()
	_, port, _ := net.SplitHostPort(serve.Address(t))
	s := withFront(t, strings.Replace(forFront, "DIR/sock", port, 1)+"[more]\nlisten = DIR/more\nlisten.mode = 0666\npm = static\npm.max_children = 1\nsecurity.limit_extensions = .php .phtml\n",
		"sites:\n  - {hosts: a, root: /tmp, pool: more}\n")
	s.expect("serves")
	var orders contract.Front
	if err := json.Unmarshal([]byte(s.http("orders")), &orders); err != nil {
		t.Fatal(err)
	}
	want := []contract.FrontPool{{Name: "www", Network: "tcp", Address: "127.0.0.1:" + port, Connections: 2, BodyBytes: 64 << 20},
		{Name: "more", Network: "unix", Address: s.path("more"), Connections: 1, BodyBytes: 64 << 20}}
	if !reflect.DeepEqual(orders.Pools, want) {
		t.Errorf("pools %+v", orders.Pools)
	}
	if a, b := orders.Sites[0], orders.Sites[1]; a.Pool != "more" || a.Controller != "index.php" || strings.Join(a.Extensions, " ") != ".php .phtml" ||
		b.Pool != "www" || b.Root != "/" || strings.Join(b.Extensions, " ") != ".php .phar" {
		t.Errorf("sites %+v", orders.Sites)
	}
	if got := s.http("pool hello"); !strings.HasPrefix(got, "pool www generation 1") {
		t.Errorf("got %q", got)
	}
}

// The pool of a service without a php-fpm.conf has a socket without a name.
func TestNamelessSocket(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	s := withFront(t, strings.Replace(forFront, "DIR/sock", `"/(nameless)"`, 1), "")
	s.expect("serves")
	if got := s.http("pool hello"); !strings.HasPrefix(got, "pool www generation 1") {
		t.Errorf("got %q", got)
	}
	s.signal(syscall.SIGUSR2)
	s.expect("generation 2 serves")
	s.expect("ready to handle")
	if got := s.http("pool hello"); !strings.HasPrefix(got, "pool www generation 2") {
		t.Errorf("got %q", got)
	}
	s.command.Process.Kill()
	s.command.Wait()
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	// Nor processes: the front and the workers hear the end of their sockets.
	wait.Until(t, "the end of the front without its master", func() bool {
		conn, err := net.Dial("unix", s.front)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}
