package direct

import (
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Conn is a connection to a client. One Conn serves a worker for life.
type Conn struct {
	*Server
	fd       int // -1: there is none
	listener int // its index
	remote   netip.AddrPort
	local    netip.AddrPort
	watched  bool // the worker's epoll instance has it
	keeps    bool // it may carry another request

	saved    saved
	response response

	in    []byte // what has been read; the rest of its capacity is free
	first int    // where the next request begins in it
	eof   bool   // no more comes

	request
	access  accessLog
	date    date
	digits  []byte
	interim []byte
	meta    site.MetaWriter
	values  []string // of a header
	routes  routes
	hosts   remembered
	files   files
	remarks map[string]bool // that the front was told of, by their words
	known   map[sitePath]string
}

// readBuffer is how much is read at once. A head that is longer is the front's.
const readBuffer = 16 << 10

// Open reports whether there is a connection.
func (c *Conn) Open() bool { return c.fd >= 0 }

// FD returns the connection's descriptor.
func (c *Conn) FD() int { return c.fd }

// Watched reports whether the worker's epoll instance has the connection; Watch says that it has.
func (c *Conn) Watched() bool { return c.watched }

// Watch says that the worker's epoll instance has the connection.
func (c *Conn) Watch() { c.watched = true }

// Pending reports whether something was read that belongs to the next request.
func (c *Conn) Pending() bool { return c.first < len(c.in) }

// Keeps reports whether the connection may carry another request.
func (c *Conn) Keeps() bool { return c.keeps }

// AppendRemote appends the client's address to b; nil: the client came by a unix socket.
func (c *Conn) AppendRemote(b []byte) []byte {
	if !c.remote.IsValid() {
		return nil
	}
	return c.remote.Addr().Unmap().AppendTo(b)
}

// Take makes fd the connection. It came to the listener of that index.
func (c *Conn) Take(fd, listener int, remote netip.AddrPort) {
	if c.in == nil {
		c.in = make([]byte, 0, readBuffer)
	}
	c.fd, c.listener, c.remote, c.watched, c.keeps = fd, listener, remote, false, true
	c.in, c.first, c.eof = c.in[:0], 0, false
	c.local = c.addresses[listener]
	if !c.local.Addr().IsValid() && remote.Addr().IsValid() {
		c.local = localAddress(fd)
	}
	atomic.StoreInt32(c.InForks, int32(fd))
}

// Accept takes a new connection from a listening socket. It returns a syscall.Errno.
func Accept(listen int) (fd int, remote netip.AddrPort, err error) {
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listen), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)),
		unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0)
	if errno != 0 {
		return -1, remote, errno
	}
	return int(n), addrPort(&sa), nil
}

// ReceiveWoken takes a connection that the front has sent, and tells its listener. It returns -1 if another worker was faster.
func (c *Conn) ReceiveWoken() (fd, listener int) {
	var message [512]byte
	n, oobn, _, _, err := unix.Recvmsg(c.FromFront, message[:], c.rights[:], unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err != nil {
		return -1, -1
	}
	fd = channel.Descriptor(c.rights[:oobn])
	h, ok := contract.ParseHandOver(message[:n])
	listener = c.listenerAt(h.Address)
	if fd >= 0 && (!ok || h.Letter != contract.Wake || listener < 0) {
		unix.Close(fd)
		fd = -1
	}
	return fd, listener
}

// read reads what has come. It returns unix.EAGAIN if nothing has, and sets eof if nothing will.
func (c *Conn) read() error {
	if len(c.in) == cap(c.in) {
		c.makeRoom(2 * cap(c.in))
	}
	free := c.in[len(c.in):cap(c.in)]
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(free))),
			uintptr(len(free)), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return errno
		case n == 0:
			c.eof = true
		}
		c.in = c.in[:len(c.in)+int(n)]
		return nil
	}
}

// makeRoom moves what has been read to the buffer's begin, and makes the buffer hold at least n bytes.
func (c *Conn) makeRoom(n int) {
	if n <= cap(c.in) {
		c.in, c.first = c.in[:copy(c.in, c.in[c.first:])], 0
		return
	}
	c.in, c.first = append(make([]byte, 0, n), c.in[c.first:]...), 0
}

// consume ends the request, which was n bytes long.
func (c *Conn) consume(n int) {
	if c.first += n; c.first < len(c.in) {
		return
	}
	c.in, c.first = c.in[:0], 0
	if cap(c.in) > readBuffer { // a body as long is rare
		c.in = make([]byte, 0, readBuffer)
	}
}

// Close closes the connection.
func (c *Conn) Close() {
	if c.fd < 0 {
		return
	}
	c.unrescue()
	c.leave()
}

// leave closes the connection here, where it may be another's.
func (c *Conn) leave() {
	fd := c.fd
	c.fd = -1
	atomic.StoreInt32(c.InForks, -1) // before the number can be another file's, for the thread that watches the client
	unix.Close(fd)
}

// HandOver gives the connection to the front, with what has been read of its next request.
func (c *Conn) HandOver() {
	c.hand(&contract.HandOver{Letter: contract.Unserved, Text: c.in[c.first:]}, -1)
}

// handingPatience is how long a message to the front may wait for room.
const handingPatience = 5 * time.Second

// hand gives the connection to the front with a message, and with a second descriptor unless it is -1.
func (c *Conn) hand(h *contract.HandOver, second int) {
	if c.fd < 0 {
		return
	}
	c.unrescue()
	if c.watched { // the epoll instance would keep watching what another process has open
		unix.EpollCtl(c.Epoll, unix.EPOLL_CTL_DEL, c.fd, nil)
	}
	h.Address = c.Orders.Listeners[c.listener].Address
	c.message = contract.AppendHandOver(c.message[:0], h)
	fds := []int{c.fd}
	if second >= 0 {
		fds = append(fds, second)
	}
	if err := channel.SendPacket(c.ToFront, c.message, contract.MaxHanded, handingPatience, fds...); err != nil {
		c.Log(zlog.Warning, "a connection was lost, because the front did not take it: "+err.Error())
		if h.Letter == contract.Unserved && len(h.Text) > 0 {
			c.sayBusy()
		}
	}
	if cap(c.message) > readBuffer {
		c.message = nil
	}
	c.leave()
}
