package handover

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync/atomic"
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
func (r *Resident) serve(conn *os.File) {
	var m *module
	defer func() { r.done(m) }()
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	allowed := false
	raw.Control(func(fd uintptr) { allowed = r.isAllowed(int(fd)) })
	began := time.Now()
	if !allowed || answer(conn, letterReady, 0) != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(requestTime))
	call, err := r.receive(raw)
	defer call.close()
	if err != nil {
		return
	}
	if fingerprintOf(r.Program) != r.self {
		r.retire() // the program was replaced: the client starts another resident
		return
	}
	if m = r.module(call); m == nil {
		answer(conn, letterNo, 0)
		return
	}
	if time.Since(began) > decisionTime || answer(conn, letterTaken, 0) != nil {
		answer(conn, letterNo, 0)
		return
	}
	r.run(conn, m, call)
}

// receive reads a client's message.
func (r *Resident) receive(raw syscall.RawConn) (*Call, error) {
	memory, ok := r.buffers.Get().(*[maxRequest]byte)
	if !ok {
		memory = new([maxRequest]byte)
	}
	defer r.buffers.Put(memory)
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
func (r *Resident) run(conn *os.File, m *module, call *Call) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		answer(conn, letterNo, 0)
		return
	}
	channel := os.NewFile(uintptr(pair[0]), "child")
	defer channel.Close()
	unix.SetNonblock(pair[1], false)
	child, err := m.zygote.ForkCGI(context.Background(), call.payload(), append([]int{pair[1]}, call.files...)...)
	unix.Close(pair[1])
	if err != nil {
		answer(conn, letterNo, 0)
		return
	}
	call.close()
	var over atomic.Bool
	said := make(chan error, 1)
	go func() { said <- hear(channel) }()
	conn.SetReadDeadline(time.Time{})
	go forward(conn, child, &over)

	status, known, err := r.outcome(m, child, said, func() {
		// What the child sent is still read; what its own children hold open is not waited for.
		unix.Shutdown(pair[0], unix.SHUT_RD)
	})
	over.Store(true)
	switch {
	case err == errDeclined:
		answer(conn, letterNo, 0)
	case known:
		answer(conn, letterStatus, int32(status))
	}
}

var errDeclined = errors.New("the child declined")

// hear waits until a child's channel says something or is closed. The error is errDeclined if the child did nothing.
func hear(channel *os.File) error {
	var letter [1]byte
	if _, err := io.ReadFull(channel, letter[:]); err != nil {
		return err
	}
	if letter[0] == letterNo {
		return errDeclined
	}
	return errMalformed
}

// outcome waits for a child's end. The status is known unless the zygote cannot tell it any more, and err is what the child
// said; ended is called when the child has ended and what it said may not have been read yet.
func (r *Resident) outcome(m *module, c *zygote.Child, said <-chan error, ended func()) (status syscall.WaitStatus, known bool, err error) {
	select {
	case <-c.Done():
		if status, known = c.Status(); known {
			ended()
		}
		return status, known, <-said
	case err = <-said:
	}
	if err == errMalformed { // the child may run on
		<-c.Done()
	} else {
		r.await(m, c)
	}
	status, known = c.Status()
	return status, known, err
}

// await waits for the end of a child that has closed its channel: it has ended, or has executed another program.
func (r *Resident) await(m *module, c *zygote.Child) {
	patience, _ := r.timers.Get().(*time.Timer)
	if patience == nil {
		patience = time.NewTimer(statusTime)
	} else {
		patience.Reset(statusTime)
	}
	defer r.timers.Put(patience)
	defer patience.Stop()
	for {
		select {
		case <-c.Done():
			return
		case <-patience.C:
		}
		if c.Ended() {
			r.giveUp(m)
			return
		}
		patience.Reset(statusTime)
	}
}

// forward passes on the signals that a client was sent, until over is set. When the client is gone, so is the child.
func forward(conn *os.File, c *zygote.Child, over *atomic.Bool) {
	var message [1]byte
	for {
		n, err := conn.Read(message[:])
		gone := err != nil || n == 0
		if gone {
			message[0] = byte(syscall.SIGKILL)
		}
		if !over.Load() {
			c.Signal(syscall.Signal(message[0]))
		}
		if gone {
			return
		}
	}
}
