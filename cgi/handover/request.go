package handover

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// requestTime is how long a client may take to send its request, which it does at once.
const requestTime = 5 * time.Second

// decisionTime is how long the resident may take to take a request. The client waits longer, so that what is taken is
// taken in time.
const decisionTime = 2 * time.Second

// statusTime is how long a zygote may take to tell of a child's end.
const statusTime = 5 * time.Second

// serve answers one client.
func (s *Server) serve(conn *os.File) {
	var m *module
	defer func() { s.done(m) }()
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	allowed := false
	raw.Control(func(fd uintptr) { allowed = s.isAllowed(int(fd)) })
	began := time.Now()
	if !allowed || answer(conn, letterReady, 0) != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(requestTime))
	call, err := s.receive(raw)
	defer call.close()
	if err != nil {
		return
	}
	if fingerprintOf(s.Program) != s.self {
		s.retire() // the program was replaced: the client starts another resident
		return
	}
	if m = s.module(call); m == nil {
		answer(conn, letterNo, 0)
		return
	}
	request, ok := s.Front.Request(call, &m.settings)
	if !ok || time.Since(began) > decisionTime || answer(conn, letterTaken, 0) != nil {
		answer(conn, letterNo, 0)
		return
	}
	s.run(conn, m, call, request)
}

// receive reads a client's message.
func (s *Server) receive(raw syscall.RawConn) (*Call, error) {
	memory, ok := s.buffers.Get().(*[maxRequest]byte)
	if !ok {
		memory = new([maxRequest]byte)
	}
	defer s.buffers.Put(memory)
	buffer, control := memory[:], make([]byte, 256)
	var n, oobn int
	var files []int
	var err error
	waited := raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, err = syscall.Recvmsg(int(fd), buffer, control, syscall.MSG_CMSG_CLOEXEC)
		return err != syscall.EAGAIN
	})
	if waited != nil || err != nil {
		return &Call{}, errMalformed
	}
	messages, err := syscall.ParseSocketControlMessage(control[:oobn])
	for i := range messages {
		if rights, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, rights...)
		}
	}
	if err != nil || n == 0 {
		return &Call{files: files}, errMalformed
	}
	return newCall(bytes.Clone(buffer[:n]), files)
}

// answer sends a client a struct handover_answer (lifecycle/handover.h).
func answer(conn *os.File, letter byte, number int32) error {
	message := make([]byte, 8)
	message[0] = letter
	binary.NativeEndian.PutUint32(message[4:], uint32(number))
	_, err := conn.Write(message)
	return err
}

// run has a child answer, and tells the client how it ended.
func (s *Server) run(conn *os.File, m *module, call *Call, request *Request) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		answer(conn, letterNo, 0)
		return
	}
	channel := os.NewFile(uintptr(pair[0]), "child")
	defer channel.Close()
	unix.SetNonblock(pair[1], false)
	pid, err := m.zygote.Answer(context.Background(), request.payload(call), append([]int{pair[1]}, call.files...)...)
	unix.Close(pair[1])
	if err != nil {
		answer(conn, letterNo, 0)
		return
	}
	call.close()
	c := &child{pid: pid}
	heads := make(chan error, 1)
	go func() {
		err := serveHeads(channel)
		if err == errMalformed {
			unix.Shutdown(pair[0], unix.SHUT_RDWR) // the child must not wait for an answer
		}
		heads <- err
	}()
	conn.SetReadDeadline(time.Time{})
	go c.forward(conn)

	status, known, err := s.outcome(m, pid, heads, func() {
		// What the child sent is still read; what its own children hold open is not waited for.
		unix.Shutdown(pair[0], unix.SHUT_RD)
	})
	c.end()
	switch {
	case err == errDeclined:
		answer(conn, letterNo, 0)
	case known:
		answer(conn, letterStatus, int32(status))
	}
}

// outcome waits for a child's end. The status is known unless the zygote cannot tell it any more, and err is why the child
// asks for no more heads; ended is called when the child has ended and still may have asked for some.
func (s *Server) outcome(m *module, pid int, heads <-chan error, ended func()) (status syscall.WaitStatus, known bool, err error) {
	statuses := s.wait(m, pid)
	select {
	case status, known = <-statuses:
		if known {
			ended()
		}
		return status, known, <-heads
	case err = <-heads:
	}
	if err == errMalformed { // the child may run on
		status, known = <-statuses
		return status, known, err
	}
	status, known = s.await(m, pid, statuses)
	return status, known, err
}

// await waits for the status of a child that has closed its channel: it has ended, or has executed another program.
func (s *Server) await(m *module, pid int, statuses <-chan syscall.WaitStatus) (status syscall.WaitStatus, known bool) {
	patience, _ := s.timers.Get().(*time.Timer)
	if patience == nil {
		patience = time.NewTimer(statusTime)
	} else {
		patience.Reset(statusTime)
	}
	defer s.timers.Put(patience)
	defer patience.Stop()
	for {
		select {
		case status, known = <-statuses:
			return status, known
		case <-patience.C:
		}
		if zygote.Ended(pid) {
			s.giveUp(m)
			return 0, false
		}
		patience.Reset(statusTime)
	}
}

// child is a request's process as long as its pid is its own.
type child struct {
	mu    sync.Mutex
	pid   int
	ended bool
}

func (c *child) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

func (c *child) kill(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		syscall.Kill(c.pid, sig)
	}
}

// forward passes on the signals that a client was sent. When the client is gone, so is the child.
func (c *child) forward(conn *os.File) {
	var message [1]byte
	for {
		if n, err := conn.Read(message[:]); err != nil || n == 0 {
			c.kill(syscall.SIGKILL)
			return
		}
		c.kill(syscall.Signal(message[0]))
	}
}
