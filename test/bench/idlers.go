package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/bench/plot"
	"github.com/phpsapi/phpsapi/test/serve"
)

// A webServer is what idle clients are connected to.
type webServer struct {
	*serve.Process
	name    string
	port    int
	talkers func() []int // the processes that talk HTTP
}

// measureCrowds measures what idle HTTP connections cost phpsapi's front, and nginx.
func measureCrowds(dir string, programs [2]program, n scale) (string, []plot.Picture, error) {
	lines := [][]string{{"idle connections", "", "new, KB each", "kept, KB each", "kept, all MB", "idle, % of a core"}}
	picture := plot.Picture{Title: "Connections: memory of an idle one", X: "connections, kept after a request", Y: "bytes each"}
	for _, start := range []func(string, program, int) (*webServer, error){startFront, startCrowdedNginx} {
		line := plot.Line{}
		for _, size := range n.crowds {
			c, err := measureCrowd(dir, programs[0], start, size, n.idle)
			if err != nil {
				return "", nil, fmt.Errorf("%d: %w", size, err)
			}
			each := func(kib int) float64 { return float64(kib) * 1024 / float64(size) }
			line.Name = c.name
			line.Points = append(line.Points, plot.Point{X: float64(size), Y: each(c.kept)})
			lines = append(lines, []string{fmt.Sprint(size), c.name, fmt.Sprintf("%.2f", each(c.fresh)/1e3), fmt.Sprintf("%.2f", each(c.kept)/1e3),
				fmt.Sprintf("%.1f", float64(c.kept)*1024/1e6), fmt.Sprintf("%.2f", c.idle*100)})
		}
		picture.Lines = append(picture.Lines, line)
	}
	return markdown(lines), []plot.Picture{picture}, nil
}

// crowded is what a crowd of idle connections takes of a server.
type crowded struct {
	name        string
	fresh, kept int     // KiB more than before, of connections without a request, and with one that was answered
	idle        float64 // the part of a core that they take
}

// settleTime is how long a server has to make itself comfortable.
const settleTime = 8 * time.Second

func measureCrowd(dir string, p program, start func(string, program, int) (*webServer, error), size int, idle time.Duration) (c crowded, err error) {
	w, err := start(dir, p, size+1000)
	if err != nil {
		return c, err
	}
	defer w.Stop()
	c.name = w.name
	if err := w.warm(); err != nil {
		return c, err
	}
	before := w.memory()
	clients, err := connectAll(w.port, size)
	defer clients.close()
	if err != nil {
		return c, err
	}
	time.Sleep(settleTime)
	c.fresh = w.memory() - before
	if err := clients.ask(); err != nil {
		return c, err
	}
	time.Sleep(settleTime)
	c.kept = w.memory() - before
	cpu, began := serve.OwnCPU(w.talkers()...), time.Now()
	time.Sleep(idle)
	c.idle = part(serve.OwnCPU(w.talkers()...)-cpu, time.Since(began))
	if err := clients.ask(); err != nil { // all are there still
		return c, fmt.Errorf("%s, after %v: %w", w.name, time.Since(began), err)
	}
	return c, nil
}

// warm asks until the server has what it needs for any request.
func (w *webServer) warm() error {
	for range 4 {
		few, err := connectAll(w.port, 50)
		if err == nil {
			err = few.ask()
		}
		few.close()
		if err != nil {
			return err
		}
	}
	time.Sleep(2 * time.Second)
	return nil
}

// memory is the private memory of the processes that talk HTTP, in KiB.
func (w *webServer) memory() (kib int) {
	for _, pid := range w.talkers() {
		kib += serve.Private(pid)
	}
	return kib
}

// idleTime is for how long a server keeps idle connections: longer than a measurement.
const idleTime = "600s"

// crowdRoot is a directory that a server for a crowd serves, with the file that the crowd asks for.
func crowdRoot(dir string) (root, address string, port int, err error) {
	if root, err = os.MkdirTemp(dir, "crowd"); err != nil {
		return "", "", 0, err
	}
	if address, err = serve.FreeAddress(); err != nil {
		return "", "", 0, err
	}
	_, err = fmt.Sscanf(address, "127.0.0.1:%d", &port)
	return root, address, port, errors.Join(err, os.Chmod(dir, 0o755), os.Chmod(root, 0o755), os.WriteFile(filepath.Join(root, "note.txt"), []byte(note), 0o644))
}

// note is what the crowd asks for.
const note = "a note\n"

func startFront(dir string, p program, connections int) (*webServer, error) {
	root, address, port, err := crowdRoot(dir)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "front.conf")
	if err := os.WriteFile(conf, []byte(serve.FPMConf(root, "", "pm = static\npm.max_children = 1")), 0o644); err != nil {
		return nil, err
	}
	cmd := mortal(exec.Command(p.command[0], append(p.command[1:len(p.command):len(p.command)], "-F", "-y", conf, "--http", address, "--root", root)...))
	cmd.Env = append(os.Environ(), fmt.Sprint("PHPSAPI_HTTP_LIMITS_CONNECTIONS=", connections), "PHPSAPI_HTTP_LIMITS_IDLE_TIMEOUT="+idleTime,
		"PHPSAPI_HTTP_LIMITS_HEADER_TIMEOUT="+idleTime)
	running, err := serve.Start("phpsapi's front", cmd, serve.Accepts("tcp", address), func() string {
		text, _ := os.ReadFile(serve.Log(root))
		return string(text)
	})
	return &webServer{running, "phpsapi's front", port, func() []int { return running.Titled("php-fpm: front process") }}, err
}

func startCrowdedNginx(dir string, _ program, connections int) (*webServer, error) {
	root, address, port, err := crowdRoot(dir)
	if err != nil {
		return nil, err
	}
	conf, log := filepath.Join(root, "nginx.conf"), filepath.Join(root, "nginx.log")
	user := ""
	if os.Geteuid() == 0 {
		user = "user nobody nogroup;"
	}
	// One process might take all connections.
	text := fmt.Sprintf("daemon off; pid %s/nginx.pid; worker_processes auto; %s worker_rlimit_nofile %d; events { worker_connections %[3]d; }\n"+
		"http { access_log %[1]s/access.log; keepalive_timeout %[4]s; client_header_timeout %[4]s; keepalive_requests 1000000;\n"+
		"server { listen %[5]s backlog=4096; root %[1]s; } }\n", root, user, connections, idleTime, address)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	running, err := serve.Start("nginx", mortal(exec.Command("/usr/sbin/nginx", "-e", log, "-c", conf)), serve.Accepts("tcp", address), func() string {
		text, _ := os.ReadFile(log)
		return string(text)
	})
	return &webServer{running, "nginx", port, func() []int { return running.Tree() }}, err
}

// idlers are clients' connections. They are bare descriptors: this process is to hold many of them.
type idlers struct{ fds []int }

// perAddress is how many connections come from one address, which has some 28,000 ports.
const perAddress = 10_000

// connectAll makes connections to a port of this machine, from as many of its addresses as they need.
func connectAll(port, n int) (*idlers, error) {
	all := &idlers{}
	for i := range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return all, err
		}
		all.fds = append(all.fds, fd)
		patience := unix.Timeval{Sec: 30}
		if err := errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
			unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i/perAddress)}}),
			unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}),
		); err != nil {
			return all, fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return all, nil
}

// ask has every connection ask for the note.
func (all *idlers) ask() error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
	)
	const atOnce = 16
	for part := range atOnce {
		wg.Go(func() {
			answer := make([]byte, 4096)
			for i := part; i < len(all.fds); i += atOnce {
				if err := askOn(all.fds[i], answer); err != nil {
					mu.Lock()
					failed = fmt.Errorf("connection %d: %w", i+1, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// askOn asks for the note on a connection.
func askOn(fd int, answer []byte) error {
	if _, err := unix.Write(fd, []byte("GET /note.txt HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")); err != nil {
		return err
	}
	for n := 0; ; {
		m, err := unix.Read(fd, answer[n:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case m == 0:
			return fmt.Errorf("closed after %q", answer[:n])
		}
		if n += m; bytes.HasSuffix(answer[:n], []byte("\r\n\r\n"+note)) {
			return nil
		}
	}
}

func (all *idlers) close() {
	for _, fd := range all.fds {
		unix.Close(fd)
	}
}
