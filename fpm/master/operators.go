package master

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/control"
)

// Bounds for the clients of the control socket. Those who may use it may also send signals; the bounds are against
// mistakes, and for those who may not.
const (
	maxOperators   = 32
	requestTimeout = 5 * time.Second
	answerTimeout  = 10 * time.Second
	lastWordsTime  = time.Second // in which a master that ends writes what it has told
)

// operator is a client of the control socket that has asked for something. Its goroutine writes what the loop tells.
type operator struct {
	pid, uid  int
	user      string // the user's name, if it is to be logged; empty: not known
	dashboard string // the client for which the dashboard asks; empty: it is not the dashboard
	answers   chan control.Answer
	unsaid    atomic.Int32 // answers that are not written yet
	request   control.Request
	round     int    // the reload whose end is waited for; 0: none
	drain     int    // generations up to this one are waited for; 0: none
	kills     *child // whose request it wants ended; nil: none
	task      *task  // what it waits for besides; nil: nothing
	hungUp    bool
	fd        int // the connection's descriptor; -1: it is not handed on
}

// tell hands an answer on without waiting. A client that has not read so many answers loses this one if it is mere
// progress, and its connection if it is not.
func (o *operator) tell(a control.Answer) {
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

// lastWords waits until operators have been written what the loop told them: the master is about to end.
func (m *Master) lastWords() {
	unsaid := func(o *operator) bool { return o.unsaid.Load() > 0 }
	for end := time.Now().Add(lastWordsTime); slices.ContainsFunc(m.operators.waiting, unsaid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// What an operator's goroutine tells the loop.
type (
	operatorAsked  struct{ o *operator }
	operatorGone   struct{ o *operator }
	operatorDenied struct {
		pid, uid int
		since    int // how many others were denied since the last one that was told
	}
)

// denialInterval is how often it is logged, at most, that somebody was denied: anybody may connect.
const denialInterval = time.Minute

// denials counts those who may not use the control socket, and tells the loop of few of them.
type denials struct {
	told  time.Time
	since int
}

func (d *denials) add(pid, uid int, now time.Time, box *mailbox) {
	if since, tell := d.count(now); tell {
		box.post(operatorDenied{pid, uid, since})
	}
}

// count counts one. It reports whether that is to be told, and how many were not since the last time.
func (d *denials) count(now time.Time) (since int, tell bool) {
	if !d.told.IsZero() && now.Sub(d.told) < denialInterval {
		d.since++
		return 0, false
	}
	since = d.since
	d.told, d.since = now, 0
	return since, true
}

// listenControl opens the control socket. Without one the service serves all the same.
func (m *Master) listenControl() {
	m.operators.since = m.sys.now()
	name, err := control.OwnName()
	if err == nil {
		var l *net.UnixListener
		if l, err = net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}); err == nil {
			m.takeControl(l)
			return
		}
	}
	m.log.controlNotOpened(err)
}

func (m *Master) takeControl(l *net.UnixListener) {
	m.control = &controlSocket{listener: l, ended: make(chan struct{})}
	go m.control.take(os.Geteuid(), m.box)
}

// controlSocket is where operators ask.
type controlSocket struct {
	listener *net.UnixListener
	ended    chan struct{}  // closed when nobody is accepted any more
	reading  sync.WaitGroup // connections whose request has not come
}

// halt has no more connections accepted: they wait for the next program. It returns when the requests of those that were accepted are
// in the mailbox; one that has not come in time is lost.
func (c *controlSocket) halt() {
	if c == nil {
		return
	}
	c.listener.SetDeadline(time.Unix(1, 0))
	all := make(chan struct{})
	go func() {
		<-c.ended
		c.reading.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(unreadPatience):
	}
}

// unreadPatience is how long a master that comes to rest waits for a request: operators send theirs at once.
const unreadPatience = 200 * time.Millisecond

// take accepts connections until it is halted, for as long as the process lives otherwise.
func (c *controlSocket) take(owner int, box *mailbox) {
	defer close(c.ended)
	free := make(chan struct{}, maxOperators)
	var denied denials
	for {
		conn, err := c.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil: // too many open files, say
			time.Sleep(requestTimeout / 50)
			continue
		}
		peer, err := control.Peer(conn)
		switch {
		case err != nil:
		case peer.Uid != 0 && int(peer.Uid) != owner:
			denied.add(int(peer.Pid), int(peer.Uid), time.Now(), box)
			refuse(conn, control.Denied, mayCommand(owner))
		default:
			select {
			case free <- struct{}{}:
				c.reading.Add(1)
				go func() {
					defer func() { <-free }()
					takeOperator(conn, int(peer.Pid), int(peer.Uid), box, c.reading.Done)
				}()
				continue
			default:
				refuse(conn, control.Refused, fmt.Sprintf("%d others are waiting for the master already", maxOperators))
			}
		}
		conn.Close()
	}
}

// mayCommand says who may command a master of this user.
func mayCommand(owner int) string {
	if owner == 0 {
		return "only root may"
	}
	return fmt.Sprintf("only root and user %d, whose process it is, may", owner)
}

// refuse sends the only answer there will be. A new connection has room for it.
func refuse(conn net.Conn, reason control.Reason, why string) {
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	control.Write(conn, control.Answer{Done: true, Reason: reason, Why: why})
}

// takeOperator reads a request, hands it to the loop and writes the answers, until the last one or the operator's end. It calls read
// when the loop has the request, or will get none.
func takeOperator(conn net.Conn, pid, uid int, box *mailbox, read func()) {
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	request, err := control.ReadRequest(conn)
	if err != nil {
		refuse(conn, control.Refused, err.Error())
		read()
		return
	}
	conn.SetReadDeadline(time.Time{})
	o := newOperator(conn, pid, uid, request)
	box.post(operatorAsked{o})
	read()
	o.answer(conn, box)
}

// nameTime is how long a directory of users may take to tell a name that is only logged.
const nameTime = 200 * time.Millisecond

// userName returns a user's name; empty: nobody knows it, or not in time.
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

// newOperator returns an operator that has asked. The room is for the answers: of a reload the outcome and the end of the old, the
// stop that came between, progress.
func newOperator(conn net.Conn, pid, uid int, request control.Request) *operator {
	o := &operator{pid: pid, uid: uid, request: request, answers: make(chan control.Answer, 4), fd: -1}
	if request.Changes() {
		o.user = userName(uid)
	}
	if c, ok := conn.(syscall.Conn); ok {
		o.fd = channel.RawFD(c)
	}
	return o
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

// answer writes what the loop tells, until the last answer or the operator's end.
func (o *operator) answer(conn net.Conn, box *mailbox) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// There is nothing more to say. A client such as socat shuts down its side after the request, and waits for the answer.
		if _, err := bufio.NewReaderSize(conn, 16).ReadByte(); err == io.EOF {
			awaitHangup(conn)
		}
	}()
	defer box.post(operatorGone{o})
	for {
		select {
		case <-gone:
			return
		case a, ok := <-o.answers:
			if !ok {
				return
			}
			conn.SetWriteDeadline(time.Now().Add(answerTimeout))
			err := control.Write(conn, a)
			o.unsaid.Add(-1)
			if err != nil || a.Done {
				return
			}
		}
	}
}
