package master

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// The dashboard is the observer's (package observe). It has no rights, and asks the master at a gate: a connection for one request. The master decides
// what may be asked there, and it alone knows the token, so that a process of the dashboard that is somebody else's can show what it likes and order
// nothing: docs/adr/0025-why-the-master-checks-the-token.md.

// door is what a generation's dashboard may ask for.
type door struct {
	locked bool     // there is a token; else no order is taken
	token  [32]byte // its SHA-256
	open   atomic.Int32
	next   atomic.Pointer[door] // that of the generation after this one, once it serves

	mu     sync.Mutex
	denied denials
}

// Bounds of the dashboard's requests.
const (
	maxGates    = 12                     // that are open at once
	wrongPause  = 500 * time.Millisecond // before a wrong token is answered: guessing takes as long
	leastToken  = 16                     // characters
	mostToken   = control.MaxToken
	mostClient  = 64 // bytes of a client's address that are told
	noTokenText = "the dashboard takes no orders: " + settings.DashboardTokenKey + " is not set"
)

// listenDashboard opens the addresses of dashboard.listen, or takes those that are open, and reads the token.
func (l *listener) listenDashboard(g *generation) error {
	if g.plan == nil || g.plan.Own == nil || len(g.plan.Own.Dashboard.Listen) == 0 {
		return nil
	}
	own := g.plan.Own
	fail := func(key string, err error) error {
		err = own.Located(fmt.Errorf("%s: %w", key, err))
		l.log.observerImpossible(err)
		return err
	}
	d := &door{}
	if file := own.Dashboard.TokenFile; file != "" {
		token, err := readToken(file)
		if err != nil {
			return fail(settings.DashboardTokenKey, err)
		}
		d.locked, d.token = true, sha256.Sum256([]byte(token))
	}
	for _, address := range own.Dashboard.Listen {
		s, err := l.metricsAt(g, address, own.Dashboard.Mode)
		if err != nil {
			return fail(settings.DashboardKey, fmt.Errorf("%s: %w", address, err))
		}
		g.metrics = append(g.metrics, metricsListener{s, address, contract.DashboardAt})
	}
	g.door = d
	return nil
}

// readToken reads the file of a token, which nobody else may read.
func readToken(name string) (string, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe is refused below, and must not be waited for
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", name)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s has the mode %04o, so that other users can read or change the token: chmod 600 %s", name, info.Mode().Perm(), name)
	case owner != 0 && owner != os.Geteuid():
		return "", fmt.Errorf("%s is user %d's, who can read and change the token: chown it to the user that starts the service", name, owner)
	}
	text, err := io.ReadAll(io.LimitReader(file, mostToken+2))
	if err != nil {
		return "", err
	}
	token := strings.TrimRight(string(text), "\r\n")
	isOther := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case strings.ContainsFunc(token, isOther):
		return "", fmt.Errorf("%s has more than a line of printable ASCII characters without spaces: make one by openssl rand -hex 32", name)
	case len(token) < leastToken:
		return "", fmt.Errorf("the token in %s has %d characters, and needs %d at least: make one by openssl rand -hex 32", name, len(token), leastToken)
	case len(token) > mostToken:
		return "", fmt.Errorf("the token in %s is longer than %d characters", name, mostToken)
	}
	return token, nil
}

// latest returns the door of the generation that serves. An observer that a reload replaces takes orders until its successor is ready, and a token
// that the reload has taken away must not count there.
func (d *door) latest() *door {
	for next := d.next.Load(); next != nil; next = d.next.Load() {
		d = next
	}
	return d
}

// followedBy has the door give way to that of the generation after it; nil: that has no dashboard, and takes no orders from one.
func (d *door) followedBy(next *door) {
	if d == nil {
		return
	}
	if next == nil {
		next = &door{}
	}
	d.next.Store(next)
}

// isToken reports whether a text is the token. It takes as long for any text of a length.
func (d *door) isToken(text string) bool {
	sum := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(sum[:], d.token[:]) == 1 && d.locked
}

// admit returns the request of the dashboard that is to be carried out, or why none is.
func (d *door) admit(r *control.DashboardRequest) (control.Request, control.Reason, string) {
	switch {
	case r.Command.MayShow():
		return r.Plain(), "", ""
	case !r.Command.MayOrder():
		return control.Request{}, control.Denied, fmt.Sprintf("the dashboard may not ask for %.20q", r.Command)
	case !d.locked:
		return control.Request{}, control.Denied, noTokenText
	case !d.isToken(r.Token):
		return control.Request{}, control.Denied, "the token is wrong"
	}
	return r.Plain(), "", ""
}

// openGate gives an observer a connection for a request at a door.
func (m *Master) openGate(o *companion.Observer, door *door) {
	refuse := func(why string) { o.Control.Send(contract.Gate, why, -1) }
	switch {
	case door == nil:
		refuse("there is no dashboard")
		return
	case m.resting:
		refuse("the program is being replaced; try again in a moment")
		return
	case door.open.Load() >= maxGates:
		refuse(fmt.Sprintf("%d requests of the dashboard wait for the master already", maxGates))
		return
	}
	conn, theirs, err := streamPair()
	if err != nil {
		refuse(err.Error())
		return
	}
	defer theirs.Close()
	if o.Control.Send(contract.Gate, "", int(theirs.Fd())) != nil {
		conn.Close()
		return
	}
	door.open.Add(1)
	go func() {
		defer door.open.Add(-1)
		door.take(conn, o.Pid, m.box)
	}()
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

// take reads a request at the gate, and writes the answers as takeOperator does.
func (d *door) take(conn net.Conn, pid int, box *mailbox) {
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	asked, err := control.ReadDashboardRequest(conn)
	if err != nil {
		refuse(conn, control.Refused, err.Error())
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
			d.deny(client, box)
			time.Sleep(wrongPause)
		}
		refuse(conn, reason, why)
		return
	}
	o := &operator{pid: pid, uid: -1, dashboard: client, request: request, answers: make(chan control.Answer, 4), fd: -1}
	if c, ok := conn.(syscall.Conn); ok {
		o.fd = channel.RawFD(c)
	}
	box.post(operatorAsked{o})
	o.answer(conn, box)
}

// deny has the log say that a token was wrong, though not each time: anybody who can connect may try.
func (d *door) deny(client string, box *mailbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, said := d.denied.count(time.Now())
	if said {
		box.post(dashboardDenied{client, since})
	}
}

// dashboardDenied tells the loop of an order with a wrong token.
type dashboardDenied struct {
	client string
	since  int // how many others there were since the last one that was told
}

func (e dashboardDenied) happen(m *Master) { m.log.dashboardDenied(e.client, e.since) }

func (l lines) dashboardDenied(client string, others int) {
	also := ""
	if others > 0 {
		also = fmt.Sprintf("; since the last such line %d others", others)
	}
	l.Logf(zlog.Warning, "[observer] the dashboard was sent a wrong token, by %s%s", client, also)
}
