package handover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/sapi"
)

// maxModules is how many modules are kept started: each is a process with PHP's memory.
const maxModules = 4

// endTime is how long a zygote may take to end with the resident.
const endTime = time.Second / 2

// retryTime is how long after a failure PHP is started again, with the same settings.
const retryTime = time.Minute

// moduleTime is how long a module is kept, after a request, when others need its place.
const moduleTime = 10 * time.Second

// Server is a resident. Set the exported fields, then call Run.
type Server struct {
	// Module returns the module that a call starts, and its libphp. It returns false if the client is to answer the call itself.
	// Several goroutines call it.
	Module  func(*Call) (module sapi.Module, engine string, ok bool)
	Program string        // phpsapi itself
	Idle    time.Duration // after so long without a request the resident ends
	Log     func(string)  // takes a message: why a module could not be started, or that a zygote does not answer

	socket  *Socket
	self    fingerprint
	groups  []int
	drained chan struct{}
	buffers sync.Pool // of clients' messages: *[maxRequest]byte
	timers  sync.Pool // *time.Timer

	alive  context.Context // until Run ends: starts of modules end with it
	starts sync.WaitGroup

	mu      sync.Mutex
	modules []*module
	busy    int // connections that are being answered
	used    time.Time
	retired bool
}

// Run serves the socket until no request has come for Idle, the program's file was replaced, or SIGTERM or SIGINT came. It
// returns when the requests that it had taken have ended. A second signal kills those.
func (s *Server) Run(socket *Socket) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	s.socket = socket
	s.self = fingerprintOf(s.Program)
	s.drained = make(chan struct{}, 1)
	s.used = time.Now()
	var err error
	if s.groups, err = syscall.Getgroups(); err != nil {
		return fmt.Errorf("getgroups: %w", err)
	}
	alive, end := context.WithCancel(context.Background())
	s.alive = alive
	defer s.end(end)
	go s.accept()
	timer := time.NewTimer(s.Idle)
	for {
		select {
		case <-signals:
			if !s.retire() {
				s.kill()
			}
		case <-timer.C:
			timer.Reset(s.idle())
		case <-s.drained:
			return nil
		}
	}
}

// idle ends modules, and the resident, that were not used for long. It returns the time until it is to be called again.
func (s *Server) idle() time.Duration {
	s.mu.Lock()
	var old []*module
	for _, m := range s.modules {
		if m.state != starting && m.busy == 0 && time.Since(m.used) >= s.Idle {
			old = append(old, m)
		}
	}
	for _, m := range old {
		s.drop(m)
	}
	since := time.Since(s.used)
	over := s.busy == 0 && since >= s.Idle
	s.mu.Unlock()
	if over {
		s.retire()
		return time.Hour
	}
	return max(s.Idle-since, s.Idle/4, time.Millisecond)
}

// retire has the resident take no more requests, and end when those that it has taken have ended. It returns false if it
// was told so before.
func (s *Server) retire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return false
	}
	s.retired = true
	s.socket.Close()
	s.leave()
	return true
}

// kill ends the requests.
func (s *Server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.modules {
		if m.zygote == nil {
			continue
		}
		for _, c := range m.zygote.Children() {
			c.Signal(syscall.SIGKILL)
		}
	}
}

// leave tells Run when nothing is left to wait for. The caller holds mu.
func (s *Server) leave() {
	if s.retired && s.busy == 0 {
		select {
		case s.drained <- struct{}{}:
		default:
		}
	}
}

// end ends the zygotes, and those that start. Nobody waits for their children any more.
func (s *Server) end(starts func()) {
	starts()
	s.starts.Wait()
	s.mu.Lock()
	modules := s.modules
	s.modules = nil
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, m := range modules {
		if z := m.zygote; z != nil {
			all.Go(func() { z.End(endTime) })
		}
	}
	all.Wait()
}

// accept takes clients until the socket is closed.
func (s *Server) accept() {
	for {
		conn, err := s.socket.accept()
		switch err {
		case nil:
			s.mu.Lock()
			s.busy++
			s.mu.Unlock()
			go s.serve(conn)
		case syscall.ECONNABORTED, syscall.EINTR:
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS:
			time.Sleep(10 * time.Millisecond) // until others have ended
		default:
			s.retire()
			return
		}
	}
}

// isAllowed reports whether the client is this user, with its groups. The kernel says who it is.
func (s *Server) isAllowed(fd int) bool {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || int(peer.Uid) != os.Geteuid() || int(peer.Gid) != os.Getegid() {
		return false
	}
	return hasGroups(fd, s.groups)
}

// module returns the started module of a call; nil if there is none: the next call may find it.
func (s *Server) module(call *Call) *module {
	what, engine, ok := s.Module(call)
	if !ok {
		return nil
	}
	key := keyOf(&what, engine, call.Env)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return nil
	}
	now := time.Now()
	for _, m := range s.modules {
		if !m.matches(key, call.Env) {
			continue
		}
		if m.state != starting && m.changed(now) {
			s.drop(m)
			break
		}
		m.used = now
		if m.state != ready {
			return nil
		}
		m.busy++
		return m
	}
	if len(s.modules) == maxModules {
		s.dropOldest(now)
	}
	if len(s.modules) < maxModules {
		m := &module{key: key, sapi: what, engine: engine, env: append(Environment(nil), call.Env...), used: now}
		s.modules = append(s.modules, m)
		s.starts.Go(func() {
			l, err := m.start(s.alive, s.Program)
			s.started(m, l, err)
		})
	}
	return nil
}

// dropOldest makes room for another module, in place of one that was not used lately. The caller holds mu.
func (s *Server) dropOldest(now time.Time) {
	var oldest *module
	for _, m := range s.modules {
		if m.state != starting && m.busy == 0 && now.Sub(m.used) > moduleTime && (oldest == nil || m.used.Before(oldest.used)) {
			oldest = m
		}
	}
	if oldest != nil {
		s.drop(oldest)
	}
}

// started takes the outcome of a module's start.
func (s *Server) started(m *module, l launch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.launch = l
	if err != nil {
		m.state = unfit
		if s.alive.Err() == nil {
			s.Log(fmt.Sprintf("requests are answered the ordinary way: %v", err))
		}
		if loud := loudError(""); !errors.As(err, &loud) {
			m.retry = time.Now().Add(retryTime)
		}
		if m.zygote != nil {
			go m.zygote.Close()
			m.zygote = nil
		}
		return
	}
	m.state = ready
	m.used = time.Now()
	s.used = m.used // a start that took long does not count as idle time
	go s.follow(m, m.zygote.Done())
}

// drop takes a module out of use. Its zygote ends when its requests have. The caller holds mu.
func (s *Server) drop(m *module) {
	m.state = retired
	for i, other := range s.modules {
		if other == m {
			s.modules = append(s.modules[:i], s.modules[i+1:]...)
			break
		}
	}
	s.release(m)
}

// giveUp takes a module out of use whose zygote does not answer.
func (s *Server) giveUp(m *module) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.zygote == nil {
		return
	}
	if m.state != retired {
		s.Log(fmt.Sprintf("the zygote %d does not answer, and is ended", m.zygote.Pid()))
		s.drop(m)
	}
	m.zygote.Kill()
}

// release ends the zygote of a module that is out of use. The caller holds mu.
func (s *Server) release(m *module) {
	if m.state == retired && m.busy == 0 && m.zygote != nil {
		go m.zygote.Close()
		m.zygote = nil
	}
}

// follow takes a module out of use when its zygote is gone.
func (s *Server) follow(m *module, gone <-chan struct{}) {
	<-gone
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.state != retired { // it was killed
		s.drop(m)
	}
}

// done ends a connection's part.
func (s *Server) done(m *module) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.used = time.Now()
	if m != nil {
		m.busy--
		m.used = s.used
		s.release(m)
	}
	s.leave()
}
