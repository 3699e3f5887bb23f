package control

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/user"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Operator is a client that has asked a master for something. It lives until it has the last answer, or leaves. Serve writes what
// the master tells, from a goroutine; the other methods are for one goroutine, the master's.
type Operator struct {
	Pid, UID  int
	Dashboard string // the client for which the dashboard asks; empty: it is not the dashboard
	Request   Request

	user    string // the user's name, if the request changes something; empty: not known
	conn    net.Conn
	answers chan Answer
	unsaid  atomic.Int32 // answers that are not written yet
	hungUp  bool
}

// mostUnread is for the answers that an operator need not have read yet: of a reload the outcome and the end of the old workers, the
// stop that came between, progress.
const mostUnread = 4

// NewOperator returns an operator at the other end of a connection: a process of a user.
func NewOperator(conn net.Conn, pid, uid int, request Request) *Operator {
	o := &Operator{Pid: pid, UID: uid, Request: request, conn: conn, answers: make(chan Answer, mostUnread)}
	if request.Changes() {
		o.user = userName(uid)
	}
	return o
}

// newDashboard returns an operator that is a client of the dashboard, whose process is pid.
func newDashboard(conn net.Conn, pid int, client string, request Request) *Operator {
	return &Operator{Pid: pid, UID: -1, Dashboard: client, Request: request, conn: conn, answers: make(chan Answer, mostUnread)}
}

// Socket returns the operator's connection; nil if that is not a socket, or ends because the operator does not read.
func (o *Operator) Socket() syscall.Conn {
	if o.hungUp {
		return nil
	}
	c, _ := o.conn.(syscall.Conn)
	return c
}

// String names the operator for the log: the process, and the user that it runs as.
func (o *Operator) String() string {
	if o.Dashboard != "" {
		return "the dashboard for " + o.Dashboard
	}
	user := fmt.Sprintf("user %d", o.UID)
	if o.user != "" {
		user += " (" + o.user + ")"
	}
	return fmt.Sprintf("process %d of %s", o.Pid, user)
}

// Tell hands an answer on without waiting. A client that has not read earlier ones loses this one if it is mere
// progress, and its connection if it is not.
func (o *Operator) Tell(a Answer) {
	if o.hungUp {
		return
	}
	o.unsaid.Add(1)
	select {
	case o.answers <- a:
	default:
		o.unsaid.Add(-1)
		if a.Done || a.Generation != 0 {
			o.hungUp = true
			close(o.answers)
		}
	}
}

// IsSaid reports whether all that the operator was told is written.
func (o *Operator) IsSaid() bool { return o.unsaid.Load() <= 0 }

// Serve writes what the operator is told, until the last answer or the operator's end. Then it tells the inbox, and the caller closes the
// connection.
func (o *Operator) Serve(inbox Inbox) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// There is nothing more to say. A client such as socat shuts down its side after the request, and waits for the answer.
		if _, err := bufio.NewReaderSize(o.conn, 16).ReadByte(); err == io.EOF {
			awaitHangup(o.conn)
		}
	}()
	defer inbox.Gone(o)
	for {
		select {
		case <-gone:
			return
		case a, ok := <-o.answers:
			if !ok {
				return
			}
			o.conn.SetWriteDeadline(time.Now().Add(answerTimeout))
			err := Write(o.conn, a)
			o.unsaid.Add(-1)
			if err != nil || a.Done {
				return
			}
		}
	}
}

// awaitHangup returns when the other end of a connection, which has shut down its sending side, is closed, or when conn is. It returns at once
// if conn is not a socket.
func awaitHangup(conn net.Conn) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	raw.Read(func(fd uintptr) bool {
		polled := []unix.PollFd{{Fd: int32(fd)}} // POLLHUP is always looked for: both directions are shut down
		_, err := unix.Poll(polled, 0)
		return err != unix.EINTR && (err != nil || polled[0].Revents != 0)
	})
}

// nameTime is how long a directory of users may take to tell a name that is only logged.
const nameTime = 200 * time.Millisecond

// userName returns a user's name. It is empty if the name is not known, or not in time.
func userName(uid int) string {
	told := make(chan string, 1)
	go func() {
		name := ""
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			name = u.Username
		}
		told <- name
	}()
	select {
	case name := <-told:
		return name
	case <-time.After(nameTime):
		return ""
	}
}
