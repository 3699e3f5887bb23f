package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/bench/plot"
	"github.com/phpsapi/phpsapi/test/serve"
)

// A webServer is what idle clients are connected to.
type webServer struct {
	*serve.Process // all of its processes count
	name           string
	port           int
	reload         syscall.Signal
	log            func() string
	stop           func()
}

// measureCrowds measures what idle HTTP connections cost phpsapi, and nginx, and how both serve beside them.
func measureCrowds(dir string, programs [2]program, n scale) (string, []plot.Picture, error) {
	costs := [][]string{{"idle connections", "", "new, KB each", "kept, KB each", "kept, all MB", "after a reload, KB each", "in the kernel, KB each", "idle, % of a core"}}
	times := [][]string{{"idle connections", "", "page alone, ms", "beside, ms", "beside a reload, ms", "kept by the reload", "all ask for a file, s", "all ask for a page, s"}}
	picture := plot.Picture{Title: "Connections: memory of an idle one", X: "connections, kept after a request", Y: "bytes each"}
	for i, start := range []func(string, program, int) (*webServer, error){startFront, startCrowdedNginx} {
		line := plot.Line{}
		for _, size := range n.crowds {
			c, err := measureCrowd(dir, programs[i], start, size, n)
			if err != nil {
				return "", nil, fmt.Errorf("%d: %w", size, err)
			}
			each := func(kib int) float64 { return float64(kib) * 1024 / float64(size) }
			line.Name = c.name
			line.Points = append(line.Points, plot.Point{X: float64(size), Y: each(c.kept)})
			kilo := func(kib int) string { return fmt.Sprintf("%.2f", each(kib)/1e3) }
			costs = append(costs, []string{fmt.Sprint(size), c.name, kilo(c.fresh), kilo(c.kept), fmt.Sprintf("%.1f", float64(c.kept)*1024/1e6),
				kilo(c.reloaded), kilo(c.kernel), fmt.Sprintf("%.2f", c.idle*100)})
			times = append(times, []string{fmt.Sprint(size), c.name, c.alone.String(), c.beside.String(), c.reloading.String(),
				fmt.Sprint(c.survivors), c.files.String(), c.scripts.String()})
		}
		picture.Lines = append(picture.Lines, line)
	}
	return markdown(costs) + "\n" + markdown(times), []plot.Picture{picture}, nil
}

// crowded is what a crowd of idle connections takes of a server, and what the server does beside it.
type crowded struct {
	name                     string
	fresh, kept, reloaded    int     // KiB more than before, of connections without a request, with one that was answered, and after a reload
	kernel                   int     // KiB more in the kernel's heap than before, of kept connections, both ends
	idle                     float64 // the part of a core that kept connections take
	alone, beside, reloading visits  // a page asked for before the crowd came, beside it, and while the server reloads
	survivors                int     // connections that a reload has left open
	files, scripts           rushed  // all connections ask at once
}

func (v visits) String() string { return fmt.Sprintf("%.1f (99 %%: %.1f)", milli(v.p50), milli(v.p99)) }

func (r rushed) String() string {
	text := fmt.Sprintf("%.2f", r.lasted.Seconds())
	if r.refused+r.cut > 0 {
		text += fmt.Sprintf(" (%d answered, %d refused, %d cut off)", r.answered, r.refused, r.cut)
	}
	return text
}

// settleTime is how long a server has to make itself comfortable.
const settleTime = 8 * time.Second

func measureCrowd(dir string, p program, start func(string, program, int) (*webServer, error), size int, n scale) (c crowded, err error) {
	w, err := start(dir, p, size)
	if err != nil {
		return c, err
	}
	defer w.stop()
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, w.log())
		}
	}()
	c.name = w.name
	if err := w.warm(); err != nil {
		return c, err
	}
	if c.alone, err = w.page(n.load); err != nil {
		return c, err
	}
	time.Sleep(settleTime / 4)
	before, kernel := w.memory(), kernelHeap()
	clients, err := w.crowd(size)
	defer clients.close()
	if err != nil {
		return c, err
	}
	time.Sleep(settleTime)
	c.fresh = w.memory() - before
	w.progress("%d connections are there, %d KiB more than before", size, c.fresh)
	if err := clients.ask(); err != nil {
		return c, fmt.Errorf("%s, the first requests: %w", w.name, err)
	}
	time.Sleep(settleTime)
	c.kept, c.kernel = w.memory()-before, kernelHeap()-kernel
	w.progress("each has asked, %d KiB more than before, %d KiB more in the kernel", c.kept, c.kernel)
	cpu, began := serve.OwnCPU(w.Tree()...), time.Now()
	time.Sleep(n.idle)
	c.idle = part(serve.OwnCPU(w.Tree()...)-cpu, time.Since(began))
	if c.beside, err = w.page(n.load); err != nil {
		return c, err
	}
	if err := clients.ask(); err != nil { // all are there still
		return c, fmt.Errorf("%s, after %v: %w", w.name, time.Since(began), err)
	}
	w.progress("idle: %.2f %% of a core; a page beside %v, alone %v", c.idle*100, c.beside, c.alone)
	if c.files = clients.rush("/" + noteFile); c.files.answered != size {
		return c, fmt.Errorf("%s: all ask for a file: %v", w.name, c.files)
	}
	c.scripts = clients.rush("/" + pageFile)
	w.progress("all at once: a file %v s, a page %v s", c.files, c.scripts)
	if clients.prune(); len(clients.fds) < size-c.scripts.cut-c.scripts.refused {
		return c, fmt.Errorf("%s has closed connections after their answers: %v, and %d of %d are left", w.name, c.scripts, len(clients.fds), size)
	}
	time.Sleep(settleTime)
	if err := w.reloaded(&c, n.load); err != nil {
		return c, err
	}
	c.survivors = clients.prune()
	c.reloaded = w.memory() - before
	w.progress("%d connections are there after a reload, %d KiB more than before; a page meanwhile %v", c.survivors, c.reloaded, c.reloading)
	if err := clients.ask(); err != nil {
		return c, fmt.Errorf("%s, after a reload: %w", w.name, err)
	}
	return c, nil
}

// progress says what was measured, as a large crowd takes a while.
func (w *webServer) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s: %s\n", time.Now().Format(time.TimeOnly), w.name, fmt.Sprintf(format, args...))
}

// crowdPace is how many connections come before the server has to have accepted those before. More than net.core.somaxconn would be
// the kernel's, which forgets them.
const crowdPace = 2000

// crowd makes connections, and waits until the server has all of them.
func (w *webServer) crowd(size int) (all *idlers, err error) {
	all = &idlers{}
	before := w.descriptors()
	for len(all.fds) < size && err == nil {
		err = all.connect(w.port, min(crowdPace, size-len(all.fds)))
		if err == nil {
			err = w.WaitFor(reloadPatience, func() bool {
				time.Sleep(time.Second) // counting takes a while
				return w.descriptors()-before >= len(all.fds)
			})
		}
		if err != nil {
			err = fmt.Errorf("%s: %d connections were made, and %d accepted: %w", w.name, len(all.fds), w.descriptors()-before, err)
		}
	}
	return all, err
}

// descriptors is how many descriptors all processes have.
func (w *webServer) descriptors() (n int) {
	for _, pid := range w.Tree() {
		n += serve.Descriptors(pid)
	}
	return n
}

// warm asks until the server has what it needs for any request.
func (w *webServer) warm() error {
	for range 4 {
		few := &idlers{}
		err := few.connect(w.port, 50)
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

// page has clients ask for a page on new connections, 200 times a second, for so long.
func (w *webServer) page(lasting time.Duration) (visits, error) {
	c := asCrowd(pageText, 4, func() *visitor {
		v := httpVisitor(fmt.Sprint("127.0.0.1:", w.port), "/"+pageFile)
		v.leaves = true
		return v
	})
	defer c.close()
	return c.pace(200, lasting)
}

// reloadPatience is how long the processes from before a reload have to end, and a server has to accept connections.
const reloadPatience = 5 * time.Minute

// reloaded reloads the server while a page is asked for, until the processes that were there have ended, all but the master, and
// the new ones are comfortable.
func (w *webServer) reloaded(c *crowded, lasting time.Duration) (err error) {
	old := w.Tree()[1:]
	if err := syscall.Kill(w.Pid(), w.reload); err != nil {
		return err
	}
	if c.reloading, err = w.page(lasting); err != nil {
		return fmt.Errorf("%s, beside a reload: %w", w.name, err)
	}
	if err := w.WaitFor(reloadPatience, func() bool { return !slices.ContainsFunc(old, serve.Lives) }); err != nil {
		return fmt.Errorf("%s: processes from before the reload are there still: %w", w.name, err)
	}
	time.Sleep(settleTime)
	return nil
}

// memory is the private memory of all processes, in KiB.
func (w *webServer) memory() (kib int) {
	for _, pid := range w.Tree() {
		kib += serve.Private(pid)
	}
	return kib
}

// kernelHeap is the memory of the kernel's own objects, in KiB.
func kernelHeap() (kib int) {
	text, _ := os.ReadFile("/proc/meminfo")
	if _, after, found := strings.Cut(string(text), "\nSlab:"); found {
		fmt.Sscan(after, &kib)
	}
	return kib
}

// crowdPatience is for how long a server keeps idle connections, and how long it may take to answer: longer than a measurement.
const crowdPatience = 20 * time.Minute

// What a crowd asks for.
const (
	noteFile, note     = "note.txt", "a note\n"
	pageFile, pageText = "hello.php", "Hello, world!\n"
)

// crowdRoot is a directory that a server for a crowd serves, with what the crowd asks for.
func crowdRoot(dir string) (root, address string, port int, err error) {
	if root, err = os.MkdirTemp(dir, "crowd"); err != nil {
		return "", "", 0, err
	}
	if address, err = serve.FreeAddress(); err != nil {
		return "", "", 0, err
	}
	_, err = fmt.Sscanf(address, "127.0.0.1:%d", &port)
	page := fmt.Sprintf("<?php header('Content-Length: %d'); echo %q;", len(pageText), pageText)
	return root, address, port, errors.Join(err, os.Chmod(dir, 0o755), os.Chmod(root, 0o755),
		os.WriteFile(filepath.Join(root, noteFile), []byte(note), 0o644), os.WriteFile(filepath.Join(root, pageFile), []byte(page), 0o644))
}

// crowdPool are the settings of the pool that answers a crowd. A backlog holds as many as the kernel lets it.
func crowdPool(connections int) string {
	return fmt.Sprintf("pm = static\npm.max_children = 4\nlisten.backlog = %d", connections)
}

// crowdSpare is how many connections a server may have besides the crowd's.
const crowdSpare = 1000

func startFront(dir string, p program, connections int) (*webServer, error) {
	root, address, port, err := crowdRoot(dir)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(root, "fpm.conf")
	if err := os.WriteFile(conf, []byte(serve.FPMConf(root, "", crowdPool(connections))), 0o644); err != nil {
		return nil, err
	}
	patience := fmt.Sprint(int(crowdPatience.Seconds()), "s")
	cmd := mortal(exec.Command(p.command[0], append(p.command[1:len(p.command):len(p.command)], "-F", "-y", conf, "--http", address, "--root", root)...))
	cmd.Env = append(os.Environ(), fmt.Sprint("PHPSAPI_HTTP_LIMITS_CONNECTIONS=", connections+crowdSpare), "PHPSAPI_HTTP_LIMITS_IDLE_TIMEOUT="+patience,
		"PHPSAPI_HTTP_LIMITS_HEADER_TIMEOUT="+patience, fmt.Sprint("PHPSAPI_HTTP_LIMITS_QUEUE=", connections), "PHPSAPI_HTTP_LIMITS_QUEUE_TIMEOUT="+patience)
	running, err := serve.Start("phpsapi", cmd, serve.Accepts("tcp", address), logOf(serve.Log(root)))
	return &webServer{running, "phpsapi", port, syscall.SIGUSR2, logOf(serve.Log(root)), func() { running.Stop() }}, err
}

// startCrowdedNginx starts nginx, and php-fpm behind it.
func startCrowdedNginx(dir string, p program, connections int) (*webServer, error) {
	root, address, port, err := crowdRoot(dir)
	if err != nil {
		return nil, err
	}
	fpmConf, conf, log := filepath.Join(root, "fpm.conf"), filepath.Join(root, "nginx.conf"), filepath.Join(root, "nginx.log")
	if err := os.WriteFile(fpmConf, []byte(serve.FPMConf(root, "", crowdPool(connections))), 0o644); err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user nobody nogroup;"
	}
	// One process might take all connections, and each request for a page needs another.
	text := fmt.Sprintf("daemon off; pid %[1]s/nginx.pid; worker_processes auto; %[2]s worker_rlimit_nofile %[3]d; events { worker_connections %[3]d; }\n"+
		"http { access_log %[1]s/access.log; keepalive_timeout %[4]d; client_header_timeout %[4]d; fastcgi_read_timeout %[4]d; keepalive_requests 1000000;\n"+
		"server { listen %[5]s backlog=4096; root %[1]s;\n"+
		"location ~ \\.php$ { include /etc/nginx/fastcgi.conf; fastcgi_pass unix:%[6]s; } } }\n",
		root, user, 2*(connections+crowdSpare), int(crowdPatience.Seconds()), address, serve.Socket(root))
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	fpm, err := serve.Start(p.name, mortal(exec.Command(p.command[0], append(p.command[1:len(p.command):len(p.command)], "-F", "-y", fpmConf)...)),
		serve.Accepts("unix", serve.Socket(root)), logOf(serve.Log(root)))
	if err != nil {
		return nil, err
	}
	running, err := serve.Start("nginx", mortal(exec.Command("/usr/sbin/nginx", "-e", log, "-c", conf)), serve.Accepts("tcp", address), logOf(log))
	if err != nil {
		fpm.Stop()
		return nil, err
	}
	return &webServer{running, "nginx", port, syscall.SIGHUP, logOf(log), func() { running.Stop(); fpm.Stop() }}, nil
}

// logOf reads a log.
func logOf(path string) func() string {
	return func() string {
		text, _ := os.ReadFile(path)
		return string(text)
	}
}
