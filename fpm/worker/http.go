package worker

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/direct"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// A worker that speaks HTTP accepts from the front's listeners, too. Its one connection of HTTP is the present one, or the kept
// one, or there is none. What it must not wait for, it hands to the front (package direct).

// web is the HTTP side of a worker.
type web struct {
	*direct.Conn
	k    *worker
	left bool // no more connections of HTTP
}

// takeHTTP makes the worker ready to speak HTTP, if it is to.
func (k *worker) takeHTTP(files []int) error {
	if k.spec.HTTP == nil {
		return nil
	}
	of := func(which contract.File) int {
		if i := k.spec.File(which); i >= 0 {
			return files[i]
		}
		return -1
	}
	s := &direct.Server{Orders: k.spec.HTTP, ToFront: of(contract.ToFront), FromFront: of(contract.FromFront), Slot: k.slot,
		AccessLog: of(contract.FrontAccess), Log: k.tellLines,
		Memory: lifecycle.CBuffer, InForks: &lifecycle.GivenUpInForks(1)[0]}
	for i, what := range k.spec.Files {
		if what == contract.HTTPListen {
			s.Listeners = append(s.Listeners, files[i])
		}
	}
	conn, err := direct.New(s, of(contract.RescueIn), of(contract.RescueOut))
	if err != nil {
		return err
	}
	k.web = &web{Conn: conn, k: k}
	return nil
}

// own are the descriptors that are the worker's own.
func (w *web) own() []int {
	if w == nil {
		return nil
	}
	return w.Own()
}

// sources are the sockets that connections of HTTP come from.
func (w *web) sources() []int {
	if w == nil || w.left {
		return nil
	}
	return append([]int{w.FromFront}, w.Listeners...)
}

// How long a kept connection of HTTP waits here before it waits at the front, and lines of the access log to be written, in ms.
const (
	keepFor  = 1000
	linesFor = 200
)

// patience is how long, in ms, the worker may wait for something to do; -1: for ever.
func (w *web) patience() int {
	switch {
	case w == nil:
		return -1
	case w.HasLines():
		return linesFor
	case w.k.keptHTTP:
		return keepFor
	}
	return -1
}

// expire does what is due after patience.
func (k *worker) expire() {
	if k.web.HasLines() { // nothing was asked for a while
		k.web.WriteLines()
		return
	}
	k.park()
}

// acceptHTTP takes a new connection of HTTP, or one that the front sends, if there is one and no other worker is faster. If this
// worker is to yield, the front gets it.
func (k *worker) acceptHTTP(ready func(fd int) bool) {
	w := k.web
	for i, listen := range w.Listeners {
		if !ready(listen) {
			continue
		}
		fd, remote, err := direct.Accept(listen)
		switch err {
		case nil:
			k.slot.CountConnection()
			k.takeConnection(fd, i, remote, ready(k.control.fd))
			return
		case unix.EAGAIN, unix.EINTR, unix.ECONNABORTED:
		default: // as in accept
			k.failed(err, "accept")
			k.leaving = true
			responder.Pause(100 * time.Millisecond)
			return
		}
	}
	if !ready(w.FromFront) {
		return
	}
	if fd, listener := w.ReceiveWoken(); fd >= 0 {
		k.takeConnection(fd, listener, direct.RemoteAddress(fd), ready(k.control.fd))
	}
}

// takeConnection makes a connection of HTTP the present one, or gives it to the front if this worker is to yield. told says that the
// master has said something.
func (k *worker) takeConnection(fd, listener int, remote netip.AddrPort, told bool) {
	k.park()
	k.web.Take(fd, listener, remote)
	if told && k.control.isTold(contract.Yield) {
		k.web.HandOver()
		return
	}
	k.converseHTTP()
}

// converseHTTP makes the connection of HTTP the present one.
func (k *worker) converseHTTP() {
	k.responder.CarryBy(k.web)
	k.talk = talk{goes: true, http: true, fd: k.web.FD()}
	k.remote = k.web.AppendRemote(k.remote[:0])
}

// resumeHTTP makes the kept connection the present one.
func (k *worker) resumeHTTP() {
	k.kept, k.keptHTTP = -1, false
	k.converseHTTP()
}

// readHTTP reads the next request of the present connection. false: there is none for PHP.
func (k *worker) readHTTP() bool {
	if !k.web.Next(&k.responder.Request) {
		return false
	}
	k.responder.Request.Site = site.Counted(k.web.Site())
	k.responder.Resolve()
	return true
}

// endHTTP is endTalk for a connection of HTTP, which knows itself what is to become of it. If the worker is to leave, a request that
// has been read already is the front's.
func (k *worker) endHTTP() {
	w := k.web
	more := w.Open() && w.Keeps() && w.Pending()
	leaves := more && k.Leaves()
	if more && !leaves {
		return
	}
	k.talk = talk{}
	switch {
	case !w.Open(): // it is the front's, or closed
	case !w.Keeps():
		w.Close()
	case w.left, leaves:
		w.HandOver()
	case w.Watched():
		k.kept, k.keptHTTP = w.FD(), true
	case k.add(w.FD(), unix.EPOLLIN|unix.EPOLLRDHUP) != nil:
		w.HandOver()
	default:
		w.Watch()
		k.kept, k.keptHTTP = w.FD(), true
		k.standBehind()
	}
}

// leaveHTTP has the worker accept no more by HTTP. What it has of it goes to the front.
func (k *worker) leaveHTTP() {
	w := k.web
	if w == nil || w.left {
		return
	}
	for _, fd := range w.sources() {
		unix.EpollCtl(k.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	}
	w.left, k.from = true, nil
	if k.keptHTTP {
		k.park()
	}
	w.WriteLines()
}

// parkHTTP gives the kept connection to the front.
func (k *worker) parkHTTP() {
	k.kept, k.keptHTTP = -1, false
	k.web.HandOver()
}
