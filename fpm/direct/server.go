package direct

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Server is what all connections of a worker have in common.
type Server struct {
	Orders    *contract.HTTP
	Listeners []int // Orders.Listeners, opened
	// ToFront, FromFront and AccessLog are descriptors that package contract names; -1: there is none.
	ToFront, FromFront, AccessLog int
	Epoll                         int // the worker's instance, which may watch the connection
	Slot                          *scoreboard.Slot
	// Log takes a message for the error log.
	Log func(level zlog.Level, text string)
	// Memory gives memory that PHP may write to. It is called once.
	Memory func(size int) []byte
	// InForks is the place of the connection's descriptor, which the processes that scripts fork give up; -1: there is none.
	InForks *int32

	sites     *site.Sites
	proxies   site.Proxies
	addresses []netip.AddrPort // of Listeners; not valid: each connection may have another
	message   []byte
	relayed   []byte
	rights    [channel.RightsSize]byte
}

// New returns the worker's Conn, without a connection. in and out are the ends of its rescue socket.
func New(s *Server, in, out int) (*Conn, error) {
	if len(s.Listeners) != len(s.Orders.Listeners) || s.ToFront < 0 || s.FromFront < 0 || in < 0 || out < 0 {
		return nil, fmt.Errorf("the orders of a worker that speaks HTTP name other descriptors than came")
	}
	for _, fd := range s.Listeners {
		at := localAddress(fd)
		if at.Addr().IsUnspecified() {
			at = netip.AddrPort{}
		}
		s.addresses = append(s.addresses, at)
		if !isUnix(fd) {
			setForClients(fd)
		}
	}
	var err error
	// What there is to be said about files that are not sent is the front's to log.
	if s.sites, err = site.NewSites(s.Orders.Sites, []contract.FrontPool{s.Orders.FrontPool}, nil); err != nil {
		return nil, err
	}
	s.sites.ReadAs(s.Orders.FrontUser)
	if s.proxies, err = site.NewProxies(s.Orders.TrustedProxies); err != nil {
		return nil, err
	}
	c := &Conn{Server: s, fd: -1, saved: saved{in: in, out: out}}
	c.files.reach.user = s.Orders.FrontUser
	c.access.text.JSON = s.Orders.AccessLogFormat == "json"
	c.access.take(s.AccessLog)
	c.response.memory = s.Memory(room)
	*s.InForks = -1
	return c, nil
}

// deferAccept is how long, in seconds, the kernel keeps a connection on which nothing has come. A worker that accepts one without a request
// has to watch it, or to hand it over.
const deferAccept = 1

// setForClients sets what connections inherit from a listener, and net/http sets for each.
func setForClients(fd int) {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(site.KeepAliveIdle.Seconds()))
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(site.KeepAliveInterval.Seconds()))
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, site.KeepAliveCount)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, deferAccept)
}

// Own returns the descriptors that are the worker's own.
func (c *Conn) Own() []int {
	return append([]int{c.ToFront, c.FromFront, c.access.fd, c.saved.in, c.saved.out}, c.Listeners...)
}

// listenerAt returns the index of the listener at an address; -1: there is none.
func (s *Server) listenerAt(address string) int {
	for i, l := range s.Orders.Listeners {
		if l.Address == address {
			return i
		}
	}
	return -1
}
