package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Options are how the server is to run.
type Options struct {
	Address string // -S
	Root    string // -t; empty for the current directory
	Router  string // the router script; empty for none
	Quiet   int    // how many times -q is given
	Watch   string // PHPSAPI_WATCH: directories, between commas, whose changes start PHP again; "on" is the root; empty: none
	Workers string // PHP_CLI_SERVER_WORKERS; empty if it is not set

	Program string          // phpsapi itself, to execute as the zygote
	Engine  engines.Choice  // the PHP to load
	PHP     sapi.PHPVersion // the engine's; its patch level may be 0
	Module  sapi.Module     // PHP's
	// RestoreThread gives the calling thread what exec left to the process: its processors, and timers in time.
	RestoreThread func()
}

// Server is a running development server.
type Server struct {
	log      *Log
	pool     *pool
	listener *net.TCPListener
	root     string
	router   string
	watched  []string
	php      sapi.PHPVersion
	phpText  string // PHP_VERSION

	mu          sync.Mutex
	connections map[*connection]bool // whether the request is being answered
	draining    bool
	answering   sync.WaitGroup
}

// Main runs the server until a signal ends it, and returns the exit status. By SIGTERM, and by a signal that comes before
// the server has started, it ends as by the signal's default, and does not return.
func Main(o Options) int {
	s := &Server{router: o.Router, php: o.PHP, connections: map[*connection]bool{}}
	signals := catchSignals()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	status := make(chan int, 1)
	go func() { status <- s.start(ctx, o) }()
	select {
	case status := <-status:
		if status != 0 {
			return status
		}
		return s.run(signals)
	case sig := <-signals:
		cancel()
		if <-status == 0 {
			s.pool.close(0)
		}
		dieBy(sig)
		return 1
	}
}

// start makes the server ready to run. It returns the exit status if it is not; then it has said why.
func (s *Server) start(ctx context.Context, o Options) (status int) {
	var complaint string
	if s.root, complaint = documentRoot(o.Root); complaint != "" {
		fmt.Fprintln(os.Stderr, complaint)
		return 1
	}
	at, ok := parseAddress(o.Address)
	if !ok {
		fmt.Fprintf(os.Stderr, "Invalid address: %s\n", o.Address)
		return 1
	}
	s.watched = watchedDirectories(o.Watch, s.root)
	s.log = &Log{Out: os.Stderr, Verbosity: max(LevelMessage-Level(o.Quiet), LevelProcess)}
	var err error
	if s.listener, err = at.listen(ctx); err != nil {
		if ctx.Err() == nil {
			s.log.notListening(at.named(s.php), cause(err))
		}
		return 1
	}
	workers, limited := workerLimit(o.Workers)
	if s.pool, err = newPool(ctx, s.log, &o, workers); err != nil {
		if ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return 1
	}
	if o.Workers != "" && !limited {
		fmt.Fprintln(os.Stderr, "number of workers must be larger than 1")
	}
	s.log.WithPid = limited
	settings := Settings{Role: Role, Root: []byte(s.root), Router: []byte(o.Router), Host: []byte(at.host), Port: at.port,
		Verbosity: s.log.Verbosity, WithPid: s.log.WithPid}
	defer context.AfterFunc(ctx, s.pool.end)()
	color, err := s.pool.warm(settings.Encode())
	if err != nil {
		s.pool.close(0)
		s.log.noWorker(err)
		return 1
	}
	s.log.Color = color && IsTerminal(1)
	s.phpText = s.pool.version()
	s.log.started(s.phpText, at.url())
	return 0
}

// documentRoot checks -t and returns the directory's absolute path, or php's words for what is wrong with it.
func documentRoot(given string) (path, complaint string) {
	if given == "" {
		return workingDirectory(), ""
	}
	info, err := os.Stat(given)
	if err != nil {
		return "", "Directory " + given + " does not exist."
	}
	if !info.IsDir() {
		return "", given + " is not a directory."
	}
	path = given
	if !filepath.IsAbs(path) {
		path = filepath.Join(workingDirectory(), path)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path, ""
}

// workingDirectory is the real current directory, which $PWD need not be.
func workingDirectory() string {
	buffer := make([]byte, 4096)
	n, err := syscall.Getcwd(buffer)
	if err != nil || n < 1 {
		return "."
	}
	return string(buffer[:n-1])
}

// workerLimit reads PHP_CLI_SERVER_WORKERS, and reports whether it holds a number that counts: php then has that many
// processes besides the first, and all answer requests.
func workerLimit(text string) (int, bool) {
	end := 0
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil || n <= 1 {
		return DefaultWorkers, false
	}
	return min(n, 1000) + 1, true
}

// run accepts connections until a signal comes or no worker can be had, and returns the exit status.
func (s *Server) run(signals <-chan os.Signal) int {
	defer s.watch()()
	go s.accept()
	go s.pool.retireSurplus()
	select {
	case <-s.pool.lost:
		s.stopAccepting()
		return 1
	case sig := <-signals:
		s.stopAccepting()
		return s.drain(sig, signals)
	}
}

func (s *Server) accept() {
	overIPv6 := s.listener.Addr().(*net.TCPAddr).IP.To4() == nil
	for {
		conn, err := s.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log.notAccepted(cause(err))
			time.Sleep(50 * time.Millisecond) // too many open files do not go away by asking at once
			continue
		}
		c := &connection{server: s, conn: conn, name: clientName(conn.RemoteAddr().(*net.TCPAddr), overIPv6)}
		s.log.accepted(c.name)
		if !s.add(c) {
			conn.Close()
			return
		}
		go c.serve()
	}
}

// add keeps track of a connection; false says that the server ends.
func (s *Server) add(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.connections[c] = false
	}
	return !s.draining
}

// begin says that c's request is read and will be answered; false, that the server ends before.
func (s *Server) begin(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.connections[c] = true
	s.answering.Add(1)
	return true
}

// end says that c's request was answered.
func (s *Server) end(c *connection) {
	s.mu.Lock()
	delete(s.connections, c)
	s.mu.Unlock()
	s.answering.Done()
}

// stopAccepting closes the listening socket and every connection that has no whole request.
func (s *Server) stopAccepting() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for c, answering := range s.connections {
		if !answering {
			c.conn.Close()
			delete(s.connections, c)
		}
	}
}

// drain lets the current requests finish, or a second signal end them.
func (s *Server) drain(sig os.Signal, signals <-chan os.Signal) int {
	done := make(chan struct{})
	go func() {
		s.answering.Wait()
		s.pool.close(5 * time.Second)
		close(done)
	}()
	s.mu.Lock()
	inHand := len(s.connections)
	s.mu.Unlock()
	if inHand > 0 {
		s.log.draining(inHand, sig)
	}
	select {
	case <-done:
		if sig == syscall.SIGTERM {
			dieBy(sig)
		}
		return 0
	case second := <-signals:
		s.pool.close(0)
		dieBy(second)
		return 1
	}
}
