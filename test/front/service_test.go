package front

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

var binary string // phpsapi

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary = filepath.Join(dir, "phpsapi")
		return nil
	}))
}

// scripts are the site of all tests.
var scripts = map[string]string{
	"index.php": `<?php echo "index ", $_SERVER["PATH_INFO"] ?? "", " ", getmypid();`,
	"sleep.php": `<?php usleep(1000 * (int)$_GET["ms"]); echo "slept";`,
	"long.php":  `<?php for ($i = 0; $i < 20; $i++) echo str_repeat(chr(65 + $i), 1 << 20); error_log("long page done");`,
	"kill.php":  `<?php posix_kill(getmypid(), 9); sleep(5);`,
	"log.php":   `<?php error_log("one"); error_log("two"); echo "logged by ", getmypid();`,
	"page.txt":  "text\n",
	".hidden":   "secret",
}

// site makes a directory that is served, for anyone to read.
func site(t *testing.T) string {
	t.Helper()
	dir := serve.Dir(t)
	for name, text := range scripts {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// service is a running phpsapi fpm.
type service struct {
	*serve.Process
	t    *testing.T
	url  string
	log  *serve.Output
	http *http.Client
}

// start runs phpsapi fpm until its front serves at an address.
func start(t *testing.T, address string, environment []string, arguments ...string) *service {
	t.Helper()
	return startCommand(t, address, command(environment, arguments...))
}

// startCommand is start for a command that the test has made.
func startCommand(t *testing.T, address string, cmd *exec.Cmd) *service {
	t.Helper()
	s := &service{t: t, url: "http://" + address, log: &serve.Output{}, http: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
	cmd.Stderr = s.log
	var err error
	s.Process, err = serve.Start("phpsapi fpm", cmd, func() bool { return strings.Contains(s.log.String(), " serves ") }, s.log.String)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	return s
}

func command(environment []string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(binary, append([]string{"fpm"}, arguments...)...)
	cmd.Env = os.Environ()
	if slices.Contains(arguments, "-y") { // metrics have no address by default there, which the tests' own setting takes away
		cmd.Env = serve.Environ()
	}
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}

// get returns the status and body of a page.
func (s *service) get(path string) (int, string) {
	s.t.Helper()
	r, err := s.http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

// want fetches a page, whose body begins so.
func (s *service) want(path string, status int, body string) {
	s.t.Helper()
	if gotStatus, got := s.get(path); gotStatus != status || !strings.HasPrefix(got, body) {
		s.t.Errorf("%s: got %d %q, want %d %q", path, gotStatus, got, status, body)
	}
}

// said waits for a line of the log, and gives its first group.
func (s *service) said(pattern string, times int) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var found [][]string
	if err := s.WaitFor(20*time.Second, func() bool {
		found = re.FindAllStringSubmatch(s.log.String(), -1)
		return len(found) >= times
	}); err != nil {
		s.t.Fatalf("%q is not said %d times: %v", pattern, times, err)
	}
	return found[times-1][len(found[0])-1]
}

// load is clients that fetch a page again and again.
type load struct {
	stop     chan struct{}
	pause    time.Duration // of a client, between an answer and its next request
	clients  sync.WaitGroup
	requests atomic.Int64
	mu       sync.Mutex
	wrong    map[string]int
}

// load starts clients. Together they begin a request each millisecond: more would take the processors from what is tested.
func (s *service) load(clients int, path string) *load {
	l := &load{stop: make(chan struct{}), pause: time.Duration(clients) * time.Millisecond, wrong: map[string]int{}}
	for i := range clients {
		// Half of them with a connection for each request: those see a listener that is gone.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}, Timeout: 20 * time.Second}
		l.clients.Go(func() { l.run(client, s.url+path) })
	}
	return l
}

func (l *load) run(client *http.Client, url string) {
	for {
		what := ""
		if r, err := client.Get(url); err != nil {
			what = err.Error()
		} else {
			_, err := io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if r.StatusCode != 200 || err != nil {
				what = fmt.Sprint(r.StatusCode, err)
			}
		}
		l.requests.Add(1)
		if what != "" {
			l.mu.Lock()
			l.wrong[what]++
			l.mu.Unlock()
		}
		select {
		case <-l.stop:
			return
		case <-time.After(l.pause):
		}
	}
}

// end stops the clients, and says what went wrong.
func (l *load) end() map[string]int {
	close(l.stop)
	l.clients.Wait()
	return l.wrong
}
