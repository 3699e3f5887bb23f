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

// Resident is the life of a resident, the process that answers CGI requests by zygotes. Set the exported fields, then call Run.
type Resident struct {
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
func (r *Resident) Run(socket *Socket) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	r.socket = socket
	r.self = fingerprintOf(r.Program)
	r.drained = make(chan struct{}, 1)
	r.used = time.Now()
	var err error
	if r.groups, err = syscall.Getgroups(); err != nil {
		return fmt.Errorf("getgroups: %w", err)
	}
	alive, end := context.WithCancel(context.Background())
	r.alive = alive
	defer r.end(end)
	go r.accept()
	timer := time.NewTimer(r.Idle)
	for {
		select {
		case <-signals:
			if !r.retire() {
				r.kill()
			}
		case <-timer.C:
			timer.Reset(r.idle())
		case <-r.drained:
			return nil
		}
	}
}

// idle ends modules, and the resident, that were not used for long. It returns the time until it is to be called again.
func (r *Resident) idle() time.Duration {
	r.mu.Lock()
	var old []*module
	for _, m := range r.modules {
		if m.state != starting && m.busy == 0 && time.Since(m.used) >= r.Idle {
			old = append(old, m)
		}
	}
	for _, m := range old {
		r.drop(m)
	}
	since := time.Since(r.used)
	over := r.busy == 0 && since >= r.Idle
	r.mu.Unlock()
	if over {
		r.retire()
		return time.Hour
	}
	return max(r.Idle-since, r.Idle/4, time.Millisecond)
}

// retire has the resident take no more requests, and end when those that it has taken have ended. It returns false if it
// was told so before.
func (r *Resident) retire() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.retired {
		return false
	}
	r.retired = true
	r.socket.Close()
	r.leave()
	return true
}

// kill ends the requests.
func (r *Resident) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.modules {
		if m.zygote == nil {
			continue
		}
		for _, c := range m.zygote.Children() {
			c.Signal(syscall.SIGKILL)
		}
	}
}

// leave tells Run when nothing is left to wait for. The caller holds mu.
func (r *Resident) leave() {
	if r.retired && r.busy == 0 {
		select {
		case r.drained <- struct{}{}:
		default:
		}
	}
}

// end ends the zygotes, and those that start. Nobody waits for their children any more.
func (r *Resident) end(starts func()) {
	starts()
	r.starts.Wait()
	r.mu.Lock()
	modules := r.modules
	r.modules = nil
	r.mu.Unlock()
	var all sync.WaitGroup
	for _, m := range modules {
		if z := m.zygote; z != nil {
			all.Go(func() { z.End(endTime) })
		}
	}
	all.Wait()
}

// accept takes clients until the socket is closed.
func (r *Resident) accept() {
	for {
		conn, err := r.socket.accept()
		switch err {
		case nil:
			r.mu.Lock()
			r.busy++
			r.mu.Unlock()
			go r.serve(conn)
		case syscall.ECONNABORTED, syscall.EINTR:
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS:
			time.Sleep(10 * time.Millisecond) // until others have ended
		default:
			r.retire()
			return
		}
	}
}

// isAllowed reports whether the client is this user, with its groups. The kernel says who it is.
func (r *Resident) isAllowed(fd int) bool {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || int(peer.Uid) != os.Geteuid() || int(peer.Gid) != os.Getegid() {
		return false
	}
	return hasGroups(fd, r.groups)
}

// module returns the started module of a call; nil if there is none: the next call may find it.
func (r *Resident) module(call *Call) *module {
	what, engine, ok := r.Module(call)
	if !ok {
		return nil
	}
	key := keyOf(&what, engine, call.Env)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.retired {
		return nil
	}
	now := time.Now()
	for _, m := range r.modules {
		if !m.matches(key, call.Env) {
			continue
		}
		if m.state != starting && m.changed(now) {
			r.drop(m)
			break
		}
		m.used = now
		if m.state != ready {
			return nil
		}
		m.busy++
		return m
	}
	if len(r.modules) == maxModules {
		r.dropOldest(now)
	}
	if len(r.modules) < maxModules {
		m := &module{key: key, sapi: what, engine: engine, env: append(Environment(nil), call.Env...), used: now}
		r.modules = append(r.modules, m)
		r.starts.Go(func() {
			l, err := m.start(r.alive, r.Program)
			r.started(m, l, err)
		})
	}
	return nil
}

// dropOldest makes room for another module, in place of one that was not used lately. The caller holds mu.
func (r *Resident) dropOldest(now time.Time) {
	var oldest *module
	for _, m := range r.modules {
		if m.state != starting && m.busy == 0 && now.Sub(m.used) > moduleTime && (oldest == nil || m.used.Before(oldest.used)) {
			oldest = m
		}
	}
	if oldest != nil {
		r.drop(oldest)
	}
}

// started takes the outcome of a module's start.
func (r *Resident) started(m *module, l launch, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.launch = l
	if err != nil {
		m.state = unfit
		if r.alive.Err() == nil {
			r.Log(fmt.Sprintf("requests are answered the ordinary way: %v", err))
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
	r.used = m.used // a start that took long does not count as idle time
	go r.follow(m, m.zygote.Done())
}

// drop takes a module out of use. Its zygote ends when its requests have. The caller holds mu.
func (r *Resident) drop(m *module) {
	m.state = retired
	for i, other := range r.modules {
		if other == m {
			r.modules = append(r.modules[:i], r.modules[i+1:]...)
			break
		}
	}
	r.release(m)
}

// giveUp takes a module out of use whose zygote does not answer.
func (r *Resident) giveUp(m *module) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.zygote == nil {
		return
	}
	if m.state != retired {
		r.Log(fmt.Sprintf("the zygote %d does not answer, and is ended", m.zygote.Pid()))
		r.drop(m)
	}
	m.zygote.Kill()
}

// release ends the zygote of a module that is out of use. The caller holds mu.
func (r *Resident) release(m *module) {
	if m.state == retired && m.busy == 0 && m.zygote != nil {
		go m.zygote.Close()
		m.zygote = nil
	}
}

// follow takes a module out of use when its zygote is gone.
func (r *Resident) follow(m *module, gone <-chan struct{}) {
	<-gone
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.state != retired { // it was killed
		r.drop(m)
	}
}

// done ends a connection's part.
func (r *Resident) done(m *module) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	r.used = time.Now()
	if m != nil {
		m.busy--
		m.used = r.used
		r.release(m)
	}
	r.leave()
}
