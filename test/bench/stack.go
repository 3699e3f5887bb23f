package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// workers are as many as there may be connections kept: nginx keeps up to connections in each of its processes, and a
// worker of php-fpm has nothing but its kept connection to do.
const workers = 2 * connections

// A Stack is everything between a browser and PHP.
type Stack struct {
	Name string
	// against is the index of the stack that this one is compared with, and limit what it may take of that one's time.
	against int
	limit   float64
	fpm     []string // how the FPM is called
	keep    int      // connections that nginx keeps, in each of its processes
	front   bool     // the FPM is its own web server
	direct  bool     // nobody talks HTTP
	workers int      // 0: as workers says
	// arguments are more arguments of the FPM.
	arguments []string
	settings  []string // variables of phpsapi's settings

	dir, address string
	running      []*serve.Process
}

// start starts the stack's servers, to serve root.
func (s *Stack) start(root string) (err error) {
	if s.dir, err = os.MkdirTemp("", "phpsapi-bench-"); err != nil {
		return err
	}
	if s.address, err = serve.FreeAddress(); err != nil {
		return err
	}
	conf := filepath.Join(s.dir, "php-fpm.conf")
	pool := fmt.Sprintf("pm = static\npm.max_children = %d", cmp.Or(s.workers, workers))
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(conf, []byte(serve.FPMConf(s.dir, "", pool)), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(s.fpm[0], slices.Concat(s.fpm[1:], []string{"-F", "-y", conf}, s.arguments)...)
	cmd.Env = append(os.Environ(), s.settings...)
	ready := serve.Accepts("unix", serve.Socket(s.dir))
	if s.front {
		cmd.Args = append(cmd.Args, "--http", s.address, "--root", root)
		cmd.Env = append(cmd.Env, "PHPSAPI_HTTP_ACCESS_LOG="+filepath.Join(s.dir, "front-access.log"))
		ready = serve.Accepts("tcp", s.address)
	}
	fpm, err := serve.Start(s.Name, cmd, ready, func() string {
		text, _ := os.ReadFile(serve.Log(s.dir))
		return string(text)
	})
	if err != nil {
		return err
	}
	s.running = append(s.running, fpm)
	if s.front || s.direct {
		return nil
	}
	nginx, err := serve.StartNginx(s.dir, s.address, root, s.keep, "")
	if err != nil {
		return err
	}
	s.running = append(s.running, nginx)
	return nil
}

func (s *Stack) stop() {
	for _, p := range s.running {
		p.Stop()
	}
	os.RemoveAll(s.dir)
}

// door are the processes that talk HTTP.
func (s *Stack) door() []int {
	switch {
	case s.direct:
		return nil
	case s.front:
		return s.running[0].Titled("php-fpm: front process")
	}
	return s.running[1].Tree()
}

// cpu is the CPU time of all processes, and of the door's among them.
func (s *Stack) cpu() (all, door time.Duration) {
	for _, p := range s.running {
		all += p.CPU()
	}
	return all, serve.CPU(s.door()...)
}

func (s *Stack) url(path string) string { return "http://" + s.address + path }

// get fetches a page.
func (s *Stack) get(path string) (string, error) {
	request, err := http.NewRequest("GET", s.url(path), nil)
	if err != nil {
		return "", err
	}
	request.Host = "localhost"
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s\n%.500s", s.url(path), response.Status, body)
	}
	return string(body), err
}

// round has a page asked for.
func (s *Stack) round(path string, seconds int) (Sample, error) {
	all, door := s.cpu()
	v, err := wrk(s.url(path), seconds)
	if err != nil {
		return Sample{}, fmt.Errorf("%s, %s: %w", s.Name, path, err)
	}
	time.Sleep(100 * time.Millisecond) // wrk left while requests were under way
	allAfter, doorAfter := s.cpu()
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(v.requests) }
	return Sample{
		RequestCPU: each(allAfter - all), DoorCPU: each(doorAfter - door), Rate: v.rate,
		P50: v.p50.Seconds() * 1e3, P99: v.p99.Seconds() * 1e3,
	}, nil
}
