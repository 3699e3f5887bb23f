package control

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What Dial and Client.Ask may fail with, beside system errors.
var (
	// ErrNoProcess says that there is no process with that pid.
	ErrNoProcess = errors.New("there is no such process")
	// ErrNoSocket says that the process has no control socket here.
	ErrNoSocket = errors.New("it has no control socket")
	// ErrOtherNetwork says that the process is in another network namespace, where its control socket is.
	ErrOtherNetwork = errors.New("it is in another network namespace")
	// ErrEnded says that the master ended before its last Answer.
	ErrEnded = errors.New("the master has ended")
)

// dialTimeout is how long Dial waits for room in the queue of a master's connections.
const dialTimeout = 5 * time.Second

// Client is a connection to a master.
type Client struct {
	conn *net.UnixConn
	user int
}

// User returns the user ID of the master. The kernel vouches for it.
func (c *Client) User() int { return c.user }

// Dial connects to the master that is process pid. It returns an error if another process answers. Anybody may listen
// on a name like a master's: unless the caller's user named the process, the caller must look at User.
func Dial(pid int) (*Client, error) {
	name, err := nameOf(pid)
	for until := time.Now().Add(dialTimeout); err != nil && lives(pid) && time.Now().Before(until); {
		time.Sleep(2 * time.Millisecond) // it executes another program, as in an upgrade
		name, err = nameOf(pid)
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || errors.Is(err, ErrNoProcess) {
		return nil, ErrNoProcess
	}
	if err != nil {
		return nil, err
	}
	conn, err := connect(name)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && inOtherNetwork(pid):
		return nil, ErrOtherNetwork
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNoSocket
	case err != nil:
		return nil, err
	}
	peer, err := Peer(conn)
	if err == nil && int(peer.Pid) != pid {
		err = fmt.Errorf("process %d answers in its place", peer.Pid)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Client{conn, int(peer.Uid)}, nil
}

// connect connects to an abstract socket. While the queue of connections is full it waits its turn, which a socket
// that does not block would never get from those who fill the queue.
func connect(name string) (*net.UnixConn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	patience := unix.NsecToTimeval(int64(dialTimeout))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	for {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		if err != unix.EINTR {
			break
		}
	}
	if err == unix.EAGAIN {
		return nil, fmt.Errorf("it has taken no connection for %v", dialTimeout)
	}
	if err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	conn, err := net.FileConn(file) // a duplicate, which does not block
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

func inOtherNetwork(pid int) bool {
	theirs, err := namespaceOf(strconv.Itoa(pid), "net")
	if err != nil {
		return false
	}
	ours, err := namespaceOf("self", "net")
	return err == nil && ours != theirs
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Ask sends a Request and hands each Answer to hear; the last one it returns. It ends early with ctx's error, or with
// ErrEnded.
func (c *Client) Ask(ctx context.Context, request Request, hear func(Answer)) (Answer, error) {
	return c.ask(ctx, request, hear)
}

func (c *Client) ask(ctx context.Context, request any, hear func(Answer)) (Answer, error) {
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := Write(c.conn, request); err != nil && !errors.Is(err, syscall.EPIPE) { // a refusal is there to be read
		return Answer{}, cmp.Or(ctx.Err(), err)
	}
	answers := json.NewDecoder(bufio.NewReader(c.conn))
	for {
		var a Answer
		err := answers.Decode(&a)
		switch {
		case err == nil && a.Done:
			return a, nil
		case err == nil:
			hear(a)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
			return a, ErrEnded
		default:
			return a, cmp.Or(ctx.Err(), err)
		}
	}
}

// Peer returns the pid and the user of the process at the other end of a connection: the one that connected, or that listened when
// the connection was made.
func Peer(conn syscall.Conn) (*unix.Ucred, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return peer, cmp.Or(controlErr, err)
}
