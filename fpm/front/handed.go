package front

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// Workers that speak HTTP accept the connections of the listeners without TLS, and hand over what they must not wait for
// (contract.HTTP). To net/http what they hand over is a listener.

// handed takes the connections that workers hand over, until it is closed.
type handed struct {
	f     *Front
	file  *os.File
	raw   syscall.RawConn
	ready chan *conn
	stop  chan struct{} // closed when it is to end
	once  sync.Once     // closes stop
	done  chan struct{} // closed when nothing is read any more
	over  chan struct{} // closed when the workers hand over nothing any more
	said  sync.Once     // guards over
}

// newHanded makes a listener of contract.FromWorkers, which it owns.
func newHanded(f *Front, from *os.File) (*handed, error) {
	file, err := waitable(from)
	if err != nil {
		return nil, err
	}
	h := &handed{f: f, file: file, ready: make(chan *conn), stop: make(chan struct{}), done: make(chan struct{}), over: make(chan struct{})}
	if h.raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return nil, err
	}
	return h, nil
}

// waitable returns a file for the same socket, reads of which wait as Go has it. It closes file.
func waitable(file *os.File) (*os.File, error) {
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "handed over"), nil
}

func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.ready:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close has the messages that come stay where they are, for another front.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.stop) })
	return h.file.Close()
}

func (h *handed) Addr() net.Addr { return &net.UnixAddr{Name: "handed over", Net: "unix"} }

// noMore says that the workers hand over nothing any more.
func (h *handed) noMore() { h.said.Do(func() { close(h.over) }) }

// serve gives net/http a connection.
func (h *handed) serve(c *conn) {
	select {
	case h.ready <- c:
	case <-h.done:
		go h.f.serveAlone(c)
	}
}

// serveAlone gives net/http a connection when nobody asks for one any more.
func (f *Front) serveAlone(c *conn) {
	l := &single{c: c}
	f.server.Serve(l)
	if c = l.take(); c != nil { // net/http takes no more
		c.Close()
	}
}

// single is a listener with one connection.
type single struct {
	mu sync.Mutex
	c  *conn
}

func (l *single) take() (c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, l.c = l.c, nil
	return c
}

func (l *single) Accept() (net.Conn, error) {
	if c := l.take(); c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return &net.UnixAddr{Name: "handed over", Net: "unix"} }

// read takes what is handed over, one connection after the other, as long as there is room for them.
func (h *handed) read() {
	defer close(h.done)
	packet, rights := make([]byte, contract.MaxHanded), make([]byte, unix.CmsgSpace(2*4))
	for h.f.connections.enter(h.stop) {
		var n, rightsN int
		var got error
		err := h.raw.Read(func(fd uintptr) bool {
			n, rightsN, _, _, got = unix.Recvmsg(int(fd), packet, rights, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
			return got != unix.EAGAIN
		})
		if err != nil || got == nil && n == 0 && h.isAlone() {
			h.f.connections.leave()
			h.noMore()
			return
		}
		if got != nil || !h.take(packet[:n], descriptors(rights[:max(rightsN, 0)])) {
			h.f.connections.leave()
		}
		if got != nil && got != unix.EINTR {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// isAlone reports whether nobody is left who could hand over anything: no worker, and no master.
func (h *handed) isAlone() (alone bool) {
	h.raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(fds, 0)
		alone = err == nil && n == 1 && fds[0].Revents&unix.POLLHUP != 0
	})
	return alone
}

// descriptors are those that came with a message.
func descriptors(rights []byte) (fds []int) {
	controls, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for i := range controls {
		if some, err := unix.ParseUnixRights(&controls[i]); err == nil {
			fds = append(fds, some...)
		}
	}
	return fds
}

// take takes a message. It returns false if no connection came of it: workers run scripts, and may say anything.
func (h *handed) take(packet []byte, fds []int) bool {
	var second *os.File
	if len(fds) > 1 {
		unix.SetNonblock(fds[1], true)
		second = os.NewFile(uintptr(fds[1]), "the rest of a response")
	}
	refuse := func() bool {
		if second != nil {
			second.Close()
		}
		return false
	}
	if len(fds) == 0 {
		return refuse()
	}
	accepted := connected(fds[0])
	message, ok := contract.ParseHandOver(packet)
	if accepted == nil {
		return refuse()
	}
	if !ok || !h.f.cameTo(accepted, message.Address) {
		accepted.Close()
		return refuse()
	}
	c := h.f.connections.register(accepted, message.Address)
	text := bytes.Clone(message.Text)
	if message.Letter == contract.Output {
		go h.f.finishOutput(c, message.Next, text, second)
		return true
	}
	refuse()
	switch {
	case message.Letter == contract.Unserved && len(text) == 0:
		h.f.rest(c)
	case message.Letter == contract.Unserved:
		h.serve(c.goOn(text))
	case message.Letter == contract.Named && len(text) >= 4 && uint64(len(text)-4) > uint64(binary.LittleEndian.Uint32(text)):
		n := 4 + int(binary.LittleEndian.Uint32(text))
		c.named = text[4:n]
		h.serve(c.goOn(text[n:]))
	default:
		c.Close()
	}
	return true
}

// connected makes a connection of a descriptor, which it owns; nil: it is none.
func connected(fd int) net.Conn {
	file := os.NewFile(uintptr(fd), "a connection")
	defer file.Close() // it is duplicated
	c, err := net.FileConn(file)
	if err != nil {
		return nil
	}
	switch one := c.(type) {
	case *net.TCPConn:
		return forClients(c)
	case *net.UnixConn:
		if one.LocalAddr().Network() == "unix" {
			return c
		}
	}
	c.Close()
	return nil
}

// cameTo reports whether a connection may be one that came to the listener without TLS at an address.
func (f *Front) cameTo(c net.Conn, address string) bool {
	if !f.listensAt(address) {
		return false
	}
	if _, isTCP := c.(*net.TCPConn); isTCP {
		return address[0] != '/'
	}
	return c.LocalAddr().String() == address
}

// register makes a connection one of the open ones. There is room for it.
func (c *connections) register(accepted net.Conn, at string) *conn {
	one := newConn(accepted, c)
	one.at, one.accepted = at, time.Now()
	one.parkable.Store(one.raw != nil)
	c.mu.Lock()
	c.open[one] = struct{}{}
	c.mu.Unlock()
	return one
}

// goOn has a connection begin with what was read of it before.
func (c *conn) goOn(ahead []byte) *conn {
	c.ahead, c.unread = ahead, false
	if bytes.HasPrefix(ahead, []byte("PRI ")) { // HTTP/2, see requestBegins
		c.parkable.Store(false)
	}
	c.place.Store(busy)
	return c
}

// awaitRequest says that a connection waits for a request.
func (f *Front) awaitRequest(c *conn) {
	now := time.Now()
	c.readBy = now.Add(f.limits.IdleTimeout)
	if f.limits.IdleTimeout <= 0 {
		c.readBy = now.Add(endless)
	}
	c.place.Store(announced)
	c.idle.Store(now.UnixNano())
}

// rest has a connection wait for a request in the lot.
func (f *Front) rest(c *conn) {
	f.awaitRequest(c)
	f.connections.lot.park(c)
}

// hurry has net/http answer what has come on a connection, if there is room, and else lets it rest.
func (f *Front) hurry(c *conn) {
	f.awaitRequest(c)
	select {
	case f.connections.lot.ready <- c:
	default:
		f.connections.lot.park(c)
	}
}
