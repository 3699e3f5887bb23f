package server

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
)

// Options are what a server is started with.
type Options struct {
	Settings
	Listen  *Socket
	Program string      // phpsapi itself
	Engine  string      // the libphp to load
	Module  sapi.Module // what to start
}

// failure is php-cgi's exit status where it could not do its work.
const failure = 255

const (
	// soon is how short a life is that says more will be.
	soon = time.Second
	// The pause before a child that died soon is replaced: doubled each time.
	firstPause, longestPause = 100 * time.Millisecond, 10 * time.Second
)

// Main is the parent of children that answer requests. It returns the exit status when it was told to end.
func Main(o Options) int {
	syscall.Setsid() // as php-cgi; it fails where the process leads a group, and that is as good
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1)
	s := &server{Options: o, children: map[int]time.Time{}, early: map[int]syscall.WaitStatus{}, born: make(chan birth)}
	defer s.Listen.Close()
	if err := s.begin(); err != nil {
		Say("%v", err)
		return failure
	}
	return s.run(signals)
}

// server is the parent. One goroutine, run's, has all of it; another waits for forks.
type server struct {
	Options
	zygote   *zygote.Zygote
	started  time.Time // the zygote
	alive    *os.File  // while it is open the children stay
	theirs   *os.File  // its other end
	orders   chan int  // to the goroutine that forks: so many
	born     chan birth
	forking  int               // have been ordered
	children map[int]time.Time // pid -> birth
	early    map[int]syscall.WaitStatus
	pause    time.Duration // before the next replacement
	failed   time.Time     // when a child last died soon, or could not be forked
	retry    <-chan time.Time
	stopping bool
}

// birth is the outcome of a fork.
type birth struct {
	pid int
	err error
}

// begin starts a zygote.
func (s *server) begin() error {
	z, err := zygote.Start(context.Background(), zygote.Config{Program: s.Program, Argv: os.Args, Engine: s.Engine, Module: s.Module})
	if err != nil {
		return err
	}
	s.zygote, s.started = z, time.Now()
	if s.theirs, s.alive, err = os.Pipe(); err != nil {
		return err
	}
	s.orders = make(chan int, 1)
	payload, err := Payload{Settings: s.Settings}.Encode()
	if err != nil {
		return err
	}
	go func(orders <-chan int, theirs *os.File) {
		for n := range orders {
			for range n {
				pid, err := z.Spawn(context.Background(), payload, s.Listen.File, theirs)
				s.born <- birth{pid, err}
			}
		}
		theirs.Close()
	}(s.orders, s.theirs)
	return nil
}

// run keeps the children at their number until it is told to end.
func (s *server) run(signals <-chan os.Signal) int {
	s.fill()
	for {
		if s.stopping && s.forking == 0 {
			s.Listen.File.Close() // the address is free for another server as soon as the children have closed it, too
			if len(s.children) == 0 {
				s.zygote.Close()
				return 0
			}
		}
		select {
		case <-signals:
			s.stop()
		case e, ok := <-s.zygote.Exits:
			if ok {
				s.bury(e)
				continue
			}
			if s.stopping { // nobody tells of the children any more, and they know that they are to go
				return 0
			}
			if err := s.beginAnew(); err != nil {
				Say("%v", err)
				return failure
			}
		case b := <-s.born:
			s.welcome(b)
		case <-s.retry:
			s.retry = nil
			s.fill()
		}
	}
}

// beginAnew starts another zygote for one that died. The children of that one go when they have finished.
func (s *server) beginAnew() error {
	for ; s.forking > 0; s.forking-- {
		<-s.born
	}
	s.leave()
	s.zygote.Close()
	clear(s.children)
	clear(s.early)
	if time.Since(s.started) < soon {
		return errors.New("the zygote died at once")
	}
	Say("the zygote died; another takes its place")
	if err := s.begin(); err != nil {
		return err
	}
	s.fill()
	return nil
}

// fill orders the children that are missing.
func (s *server) fill() {
	if missing := s.Children - len(s.children) - s.forking; missing > 0 && !s.stopping && s.retry == nil && s.forking == 0 {
		s.forking = missing
		s.orders <- missing
	}
}

// welcome takes a child that was forked, or the news that it could not be.
func (s *server) welcome(b birth) {
	s.forking--
	if b.err != nil {
		Say("%v", b.err)
		s.delay()
	} else {
		s.children[b.pid] = time.Now()
		if status, dead := s.early[b.pid]; dead {
			delete(s.early, b.pid)
			s.bury(zygote.Exit{Pid: b.pid, Status: status})
		}
	}
	s.fill()
}

// bury takes a child's end, and has it replaced.
func (s *server) bury(e zygote.Exit) {
	since, known := s.children[e.Pid]
	if !known {
		s.early[e.Pid] = e.Status
		return
	}
	delete(s.children, e.Pid)
	if s.stopping {
		return
	}
	short := time.Since(since) < soon
	switch {
	case e.Status == 0 || e.Status.Exited() && !short:
		s.pause = 0
	case short:
		s.delay()
		sayDeath(e.Pid, e.Status, s.pause)
	default:
		s.pause = 0
		sayDeath(e.Pid, e.Status, 0)
	}
	s.fill()
}

// delay makes the next replacement wait.
func (s *server) delay() {
	if time.Since(s.failed) > 2*longestPause { // that was another trouble
		s.pause = 0
	}
	s.failed = time.Now()
	s.pause = min(max(2*s.pause, firstPause), longestPause)
	s.retry = time.After(s.pause)
}

// stop lets the children finish their requests and end; the second time it ends them.
func (s *server) stop() {
	if s.stopping {
		for pid := range s.children {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		return
	}
	s.stopping = true
	s.leave()
}

// leave tells the children of the zygote to go.
func (s *server) leave() {
	s.alive.Close()
	close(s.orders)
}
