package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/serve"
)

// A service is an FPM with pools that are all alike.
type service struct {
	*serve.Process
	program
	dir        string
	pools      int
	settings   string // of each pool
	generation int    // of the configuration, which generation.php tells
}

// The scripts of a service. here.php answers at once that it is there, and ends when the pipe is opened for writing.
var serviceScripts = map[string]string{
	"hello.php":      `<?php echo "Hello, world!\n";`,
	"generation.php": `<?php echo $_SERVER['GENERATION'];`,
	"here.php":       `<?php while (ob_get_level()) ob_end_flush(); echo "here\n"; flush(); fopen(__DIR__ . '/pipe', 'r'); echo "end\n";`,
}

// startService starts a program below dir and waits until all of its first workers are there.
func startService(dir string, p program, pools int, settings string) (*service, error) {
	s := &service{program: p, pools: pools, settings: settings}
	var err error
	if s.dir, err = os.MkdirTemp(dir, "scale"); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(s.dir, 0o755), s.configure()); err != nil {
		return nil, err
	}
	for name, code := range serviceScripts {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(code), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := mortal(exec.Command(p.command[0], append(slices.Clone(p.command[1:]), "-F", "-y", s.conf())...))
	s.Process, err = serve.Start(p.name, cmd, serve.Accepts("unix", s.socket(0)), s.logged)
	if err == nil {
		if err = s.WaitFor(5*time.Minute, func() bool { return strings.Contains(s.logged(), "ready to handle connections") }); err != nil {
			s.stop()
		}
	}
	return s, err
}

func (s *service) conf() string           { return filepath.Join(s.dir, "php-fpm.conf") }
func (s *service) socket(pool int) string { return filepath.Join(s.dir, fmt.Sprintf("%d.sock", pool)) }

func (s *service) logged() string {
	text, _ := os.ReadFile(serve.Log(s.dir))
	return string(text)
}

// configure writes a configuration, whose generation is one more than that of the last.
func (s *service) configure() error {
	s.generation++
	var conf strings.Builder
	fmt.Fprintf(&conf, "[global]\nerror_log = %s\npid = %s/pid\n", serve.Log(s.dir), s.dir)
	user := ""
	if os.Geteuid() == 0 {
		user = "user = nobody\ngroup = nogroup\n"
	}
	for i := range s.pools {
		fmt.Fprintf(&conf, "[pool%d]\nlisten = %s\nlisten.backlog = 4096\nlisten.mode = 0666\n%senv[GENERATION] = %d\n%s\n",
			i, s.socket(i), user, s.generation, s.settings)
	}
	return os.WriteFile(s.conf(), []byte(conf.String()), 0o644)
}

func (s *service) stop() {
	s.Stop()
	os.RemoveAll(s.dir)
}

// masters are the processes that run no scripts: the master, and phpsapi's zygotes.
func (s *service) masters() []int { return append(s.Titled("php-fpm: zygote"), s.Pid()) }

// visitor asks a pool for a script of the service, on a new connection each time.
func (s *service) visitor(pool int, uri string) *visitor {
	script, _, _ := strings.Cut(uri, "?")
	return scriptVisitor(s.socket(pool), s.dir, script, uri, nil, 0)
}

// ask asks a pool for a script once.
func (s *service) ask(pool int, uri string) (string, error) {
	v := s.visitor(pool, uri)
	defer v.close()
	body, err := v.do()
	return string(body), err
}

// clients are how many ask at once when a service is under load.
const clients = 8

// saturate has all pools asked for hello world, in turn, for so long. It returns how often they were.
func (s *service) saturate(lasting time.Duration) (requests int, err error) {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	end := time.Now().Add(lasting)
	for i := range clients {
		wg.Go(func() {
			n, failure := s.visitAll(i*s.pools/clients, end)
			mu.Lock()
			defer mu.Unlock()
			requests += n
			if failure != nil {
				err = failure
			}
		})
	}
	wg.Wait()
	return requests, err
}

// visitAll is one client of saturate, which begins with a pool.
func (s *service) visitAll(pool int, end time.Time) (requests int, err error) {
	v := s.visitor(pool, "/hello.php")
	for ; time.Now().Before(end); pool++ {
		v.address = s.socket(pool % s.pools)
		body, err := v.do()
		if err != nil || string(body) != "Hello, world!\n" {
			return requests, fmt.Errorf("%s, pool %d: %q, %w", s.name, pool%s.pools, body, err)
		}
		requests++
	}
	return requests, nil
}

// A reload is what a reload took.
type reload struct {
	serves time.Duration // until the first, the middle and the last pool answer with the new configuration, and never again with the old
	gone   time.Duration // until no earlier process is left but the master
	cpu    time.Duration // of all processes, those that ended included
}

// reload reloads the service.
func (s *service) reload() (r reload, err error) {
	if err := s.configure(); err != nil {
		return r, err
	}
	old := s.Tree()[1:]
	before, began := s.CPU(), time.Now()
	s.Signal(unix.SIGUSR2)
	asked := slices.Compact([]int{0, s.pools / 2, s.pools - 1})
	since := make([]time.Time, len(asked)) // when each of them began to answer by the new configuration
	err = s.WaitFor(5*time.Minute, func() bool {
		time.Sleep(10 * time.Millisecond)
		serves := true
		for i, pool := range asked {
			said, err := s.ask(pool, "/generation.php")
			switch {
			case err != nil || said != fmt.Sprint(s.generation):
				since[i] = time.Time{}
				serves = false
			case since[i].IsZero():
				since[i] = time.Now()
			}
		}
		for len(old) > 0 && !serve.Lives(old[0]) {
			old = old[1:]
		}
		return serves && len(old) == 0
	})
	if err != nil {
		return r, fmt.Errorf("%s, %d processes are there after the reload: %w\n%s", s.name, len(old), err, s.logged())
	}
	r.gone, r.cpu = time.Since(began), s.CPU()-before
	r.serves = slices.MaxFunc(since, time.Time.Compare).Sub(began)
	return r, nil
}

// burstPatience is how long a burst may take.
const burstPatience = 30 * time.Second

// burst has so many clients ask for here.php at once, of a pool that has no workers. It returns how many scripts were
// there at the end of its patience, and when the last of them was.
func (s *service) burst(n int) (there int, took time.Duration, err error) {
	pipe := filepath.Join(s.dir, "pipe")
	if err := errors.Join(unix.Mkfifo(pipe, 0o666), os.Chmod(pipe, 0o666)); err != nil {
		return 0, 0, err
	}
	failures := make([]error, n)
	arrived := make(chan time.Time, n)
	var ended sync.WaitGroup
	began := time.Now()
	for i := range n {
		v := s.visitor(0, "/here.php")
		ended.Go(func() {
			defer v.close()
			failures[i] = v.waitFor("here\n", "end\n", func() { arrived <- time.Now() })
		})
	}
	for patience := time.After(burstPatience); there < n; {
		select {
		case at := <-arrived:
			there, took = there+1, at.Sub(began)
			continue
		case <-patience:
		}
		break
	}
	open, err := os.OpenFile(pipe, os.O_RDWR, 0) // all scripts end, those to come at once
	if err != nil {
		return there, took, err
	}
	defer open.Close()
	ended.Wait()
	return there, took, errors.Join(failures...)
}

// waitFor asks once, and calls there when the answer's beginning, which is first, has come.
func (v *visitor) waitFor(first, end string, there func()) error {
	begun := sync.OnceFunc(there)
	if err := v.dial(); err != nil {
		return err
	}
	v.conn.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := v.conn.Write(v.request); err != nil {
		return err
	}
	r := fastcgi.NewResponseReader(v.conn, make([]byte, 4<<10))
	r.Begin(1)
	answer := ""
	for {
		t, b, err := r.Next()
		switch {
		case err != nil:
			return err
		case t == fastcgi.TypeEndRequest && strings.HasSuffix(answer, first+end):
			return nil
		case t == fastcgi.TypeEndRequest:
			return fmt.Errorf("%s: %q", v.address, answer)
		}
		if answer += string(b); strings.HasSuffix(answer, first) {
			begun()
		}
	}
}
