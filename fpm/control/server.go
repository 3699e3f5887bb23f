package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds for the clients of the control socket. Those that may use it may also send signals; the bounds are against
// mistakes, and for those that may not.
const (
	MaxOperators   = 32 // that wait for the master at once
	requestTimeout = 5 * time.Second
	answerTimeout  = 10 * time.Second
)

// Inbox is what takes the news of a Server and of Doors. Their goroutines call it, and are not made to wait.
type Inbox interface {
	// Asked is called for an operator that has asked for something, and waits for answers.
	Asked(*Operator)
	// Gone is called when no answer reaches the operator any more: the last one was written, or the operator has left.
	Gone(*Operator)
	// Denied is called for a client that may not use the control socket, though not for each: others were denied before it
	// for which nothing was called.
	Denied(pid, uid, others int)
	// WrongToken is called for a client of the dashboard that has sent a wrong token, likewise.
	WrongToken(client string, others int)
}

// Server is the control socket of a master. It takes requests until it is halted, or for as long as the process lives.
type Server struct {
	listener *net.UnixListener
	owner    int // the user that may use it, besides root
	inbox    Inbox
	ended    chan struct{}  // closed when no connection is accepted any more
	reading  sync.WaitGroup // connections whose request has not come
}

// Listen opens the control socket of this process.
func Listen(inbox Inbox) (*Server, error) {
	name, err := OwnName()
	if err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	return Serve(l, inbox), nil
}

// Inherit returns the control socket that another program has left as a descriptor. The descriptor stays open.
func Inherit(fd int, inbox Inbox) (*Server, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(own), "control")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		l.Close()
		return nil, errors.New("no unix socket")
	}
	return Serve(u, inbox), nil
}

// Serve returns a Server that takes requests at a socket, which it owns.
func Serve(l *net.UnixListener, inbox Inbox) *Server {
	s := &Server{listener: l, owner: os.Geteuid(), inbox: inbox, ended: make(chan struct{})}
	go s.take()
	return s
}

// Socket returns the listening socket.
func (s *Server) Socket() syscall.Conn { return s.listener }

// Halt has no more connections accepted: they wait for the next program. It returns when the requests of those that were accepted are
// in the inbox; one that has not come in time is lost. A nil Server halts at once.
func (s *Server) Halt() {
	if s == nil {
		return
	}
	s.listener.SetDeadline(time.Unix(1, 0))
	all := make(chan struct{})
	go func() {
		<-s.ended
		s.reading.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(unreadPatience):
	}
}

// unreadPatience is how long Halt waits for a request: operators send theirs at once.
const unreadPatience = 200 * time.Millisecond

// take accepts connections.
func (s *Server) take() {
	defer close(s.ended)
	free := make(chan struct{}, MaxOperators)
	var denied denials
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil: // too many open files, say
			time.Sleep(requestTimeout / 50)
			continue
		}
		peer, err := Peer(conn)
		switch {
		case err != nil:
		case peer.Uid != 0 && int(peer.Uid) != s.owner:
			if others, tell := denied.count(time.Now()); tell {
				s.inbox.Denied(int(peer.Pid), int(peer.Uid), others)
			}
			refuse(conn, Denied, mayCommand(s.owner))
		default:
			select {
			case free <- struct{}{}:
				s.reading.Add(1)
				go func() {
					defer func() { <-free }()
					s.hear(conn, int(peer.Pid), int(peer.Uid))
				}()
				continue
			default:
				refuse(conn, Refused, fmt.Sprintf("%d others are waiting for the master already", MaxOperators))
			}
		}
		conn.Close()
	}
}

// hear reads a request, hands it on and writes the answers, until the last one or the operator's end.
func (s *Server) hear(conn net.Conn, pid, uid int) {
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	request, err := ReadRequest(conn)
	if err != nil {
		refuse(conn, Refused, err.Error())
		s.reading.Done()
		return
	}
	conn.SetReadDeadline(time.Time{})
	o := NewOperator(conn, pid, uid, request)
	s.inbox.Asked(o)
	s.reading.Done()
	o.Serve(s.inbox)
}

// mayCommand says who may command a master of this user.
func mayCommand(owner int) string {
	if owner == 0 {
		return "only root may"
	}
	return fmt.Sprintf("only root and user %d, whose process it is, may", owner)
}

// refuse sends the only answer there will be. A new connection has room for it.
func refuse(conn net.Conn, reason Reason, why string) {
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	Write(conn, Answer{Done: true, Reason: reason, Why: why})
}

// denialInterval is how often at most the inbox is told of a denied client: any process may connect.
const denialInterval = time.Minute

// denials counts denied clients, so that the inbox is told of few of them. The zero value has counted none.
type denials struct {
	told  time.Time
	since int
}

// count counts one. It reports whether the inbox is to be told of it, and of how many it was not told since the last time.
func (d *denials) count(now time.Time) (others int, tell bool) {
	if !d.told.IsZero() && now.Sub(d.told) < denialInterval {
		d.since++
		return 0, false
	}
	others = d.since
	d.told, d.since = now, 0
	return others, true
}
