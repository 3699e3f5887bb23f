package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/incident"
)

// Door is what the dashboard of a generation may ask for. The dashboard is the observer's (package observe). It has no rights, and asks the master at
// a gate: a connection for one request. The master decides what may be asked there, and it alone knows the token, so that a process of the
// dashboard that somebody else controls can show what it likes and order nothing: docs/adr/0025-why-the-master-checks-the-token.md.
type Door struct {
	locked  bool                 // there is a token; else no order is taken
	token   [sha256.Size]byte    // its SHA-256
	noToken string               // the answer to an order if there is none
	open    atomic.Int32         // gates
	next    atomic.Pointer[Door] // that of the generation after this one, once it serves

	mu     sync.Mutex
	denied denials
}

// Bounds of the dashboard's requests.
const (
	maxGates   = 12                     // that are open at once
	wrongPause = 500 * time.Millisecond // before a wrong token is answered: guessing takes as long
	mostClient = 64                     // bytes of a client's address that are told
)

// NewDoor returns a door that takes orders with the token. If that is empty it takes none, and noToken is what an order is answered.
func NewDoor(token, noToken string) *Door {
	d := &Door{noToken: noToken}
	if token != "" {
		d.locked, d.token = true, sha256.Sum256([]byte(token))
	}
	return d
}

// TakesOrders reports whether there is a token.
func (d *Door) TakesOrders() bool { return d.locked }

// FollowedBy has the token of the next generation's door decide from now on: a dashboard that a reload replaces takes orders until its successor is ready.
// If next is nil, that generation has no dashboard, and all orders are refused. A nil Door does nothing.
func (d *Door) FollowedBy(next *Door) {
	if d == nil {
		return
	}
	if next == nil {
		next = NewDoor("", d.noToken)
	}
	d.next.Store(next)
}

// latest returns the door of the generation that serves. An observer that a reload replaces takes orders until its successor is ready, and a token
// that the reload has taken away must not count there.
func (d *Door) latest() *Door {
	for next := d.next.Load(); next != nil; next = d.next.Load() {
		d = next
	}
	return d
}

// isToken reports whether a text is the token. It takes as long for any text of a length.
func (d *Door) isToken(text string) bool {
	sum := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(sum[:], d.token[:]) == 1 && d.locked
}

// admit returns the request of the dashboard that is to be carried out, or why none is.
func (d *Door) admit(r *DashboardRequest) (Request, Reason, string) {
	switch {
	case r.Command.MayShow():
		return r.Plain(), "", ""
	case !r.Command.MayOrder():
		return Request{}, Denied, fmt.Sprintf("the dashboard may not ask for %.20q", r.Command)
	case !d.locked:
		return Request{}, Denied, d.noToken
	case !d.isToken(r.Token):
		return Request{}, Denied, "the token is wrong"
	}
	return r.Plain(), "", ""
}

// Open opens a gate for a request of the dashboard, whose process is pid, and returns the dashboard's end. The caller closes that.
func (d *Door) Open(pid int, inbox Inbox) (theirs *os.File, err error) {
	if d.open.Load() >= maxGates {
		return nil, fmt.Errorf("%d requests of the dashboard wait for the master already", maxGates)
	}
	conn, theirs, err := streamPair()
	if err != nil {
		return nil, err
	}
	d.open.Add(1)
	go func() {
		defer d.open.Add(-1)
		d.hear(conn, pid, inbox)
	}()
	return theirs, nil
}

// streamPair returns a connection, and its other end.
func streamPair() (net.Conn, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "gate"), os.NewFile(uintptr(pair[1]), "gate")
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// hear reads a request at a gate, hands it on if it is admitted, and writes the answers as Server.hear does.
func (d *Door) hear(conn net.Conn, pid int, inbox Inbox) {
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	asked, err := ReadDashboardRequest(conn)
	if err != nil {
		refuse(conn, Refused, err.Error())
		return
	}
	conn.SetReadDeadline(time.Time{})
	d = d.latest()
	client := incident.Clean(asked.Client[:min(len(asked.Client), mostClient)])
	if client == "" {
		client = "a client"
	}
	request, reason, why := d.admit(&asked)
	if reason != "" {
		if asked.Command.MayOrder() && d.locked {
			d.deny(client, inbox)
			time.Sleep(wrongPause)
		}
		refuse(conn, reason, why)
		return
	}
	o := newDashboard(conn, pid, client, request)
	inbox.Asked(o)
	o.Serve(inbox)
}

// deny tells the inbox that a token was wrong, though not each time: any process that can connect may try.
func (d *Door) deny(client string, inbox Inbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if others, tell := d.denied.count(time.Now()); tell {
		inbox.WrongToken(client, others)
	}
}
