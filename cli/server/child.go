package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// child is the parent's side of a worker.
type child struct {
	*zygote.Child
	socket *net.UnixConn

	generation *generation
	color      bool      // what it said in its Hello
	idleSince  time.Time // valid while it has no request
}

// startTime is how long a worker may take to be ready.
const startTime = 10 * time.Second

// spawn forks a worker and waits until it is ready, or ctx ends.
func (g *generation) spawn(ctx context.Context, payload []byte) (*child, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs, ours := os.NewFile(uintptr(pair[1]), "theirs"), os.NewFile(uintptr(pair[0]), "ours")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, err
	}
	worker, err := g.zygote.Spawn(ctx, payload, theirs)
	if err != nil {
		conn.Close()
		return nil, err
	}
	c := &child{Child: worker, generation: g, socket: conn.(*net.UnixConn)}
	go c.follow()
	c.socket.SetReadDeadline(time.Now().Add(startTime))
	giveUp := context.AfterFunc(ctx, func() { c.socket.SetReadDeadline(time.Unix(1, 0)) })
	letter, err := c.hear()
	giveUp()
	c.socket.SetReadDeadline(time.Time{})
	if err != nil || letter != Hello && letter != HelloColor {
		c.retire()
		return nil, fmt.Errorf("worker %d did not start", c.Pid())
	}
	c.color = letter == HelloColor
	return c, nil
}

// follow closes the socket when the worker is gone: a process that the script forked may hold the other end open.
func (c *child) follow() {
	<-c.Done()
	c.socket.Close()
}

// gone reports whether the worker is.
func (c *child) gone() bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

// hear returns the next byte the worker says.
func (c *child) hear() (byte, error) {
	var letter [1]byte
	_, err := c.socket.Read(letter[:])
	return letter[0], err
}

// retire lets a worker end that has no request.
func (c *child) retire() { c.socket.Close() }

// send passes a task with its connection and body.
func (c *child) send(t *Task, conn *net.TCPConn, file *os.File) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	message := t.Encode()
	var sent error
	err = raw.Control(func(fd uintptr) {
		fds := []int{int(fd)}
		if file != nil {
			fds = append(fds, int(file.Fd()))
		}
		_, _, sent = c.socket.WriteMsgUnix(message[:1], syscall.UnixRights(fds...), nil)
	})
	if err := errors.Join(err, sent); err != nil {
		return err
	}
	_, err = c.socket.Write(message[1:])
	return err
}

// outcome is what became of a task.
type outcome int

const (
	answered outcome = iota
	declined         // by the router: the parent is to answer
	died             // and nothing was sent to the client
	diedLate         // something was sent to the client
)

// wait waits until the worker has answered its task.
func (c *child) wait() outcome {
	began := false
	for {
		letter, err := c.hear()
		switch {
		case err != nil && began:
			return diedLate
		case err != nil:
			return died
		case letter == Began:
			began = true
		case letter == Declined:
			return declined
		case letter == Done:
			return answered
		}
	}
}

// death waits until the zygote has told how a dead worker ended, and says it. A child of the script may keep the zygote from
// learning of it.
func (c *child) death() string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	status, known := c.Wait(ctx)
	return death(c.Pid(), status, known)
}
