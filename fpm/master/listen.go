// Counterpart: sapi/fpm/fpm/fpm_sockets.c (fpm_sockets_new_listening_socket, fpm_socket_af_inet_listening_socket)

package master

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// listener opens the sockets of a configuration.
type listener struct {
	sockets  *sockets
	log      lines
	errorLog *errorlog.Log
	cfg      *conf.Config
	options  conf.Options
	known    names // that need not be looked up
}

// listen finds each pool's socket, an open one where there is one for the address. What is new and not needed
// after an error is the caller's to close (sockets.keep). The error has been logged.
func (l *listener) listen(g *generation) error {
	for _, p := range g.pools {
		open := l.unix
		switch {
		case isNameless(p.conf):
			open = l.nameless
		case p.conf.Handed:
			open = l.handed
		case p.conf.Domain == conf.Inet:
			open = l.inet
		}
		s, err := open(p.conf)
		if err != nil {
			return fmt.Errorf("pool %s: listen %s: %w", p.conf.Name, p.conf.Listen, err)
		}
		p.socket = s
		if _, most, ok := s.queue(); ok {
			p.published.ListenQueueLen = most
			p.board.Publish(p.published)
		}
	}
	if err := l.listenHTTP(g); err != nil {
		return err
	}
	if err := l.listenMetrics(g); err != nil {
		return err
	}
	return l.listenDashboard(g)
}

var errPort = errors.New("invalid port")

func (l *listener) inet(p *conf.Pool) (*socket, error) {
	host, portText := "", p.Listen.Value
	i := strings.LastIndexByte(portText, ':')
	if i >= 0 {
		host, portText = portText[:i], portText[i+1:]
	}
	digits := len(portText) - len(strings.TrimLeft(portText, "0123456789"))
	port, _ := strconv.Atoi(portText[:digits])
	if port < 1 || port > 65535 {
		l.log.portInvalid(portText)
		return nil, errPort
	}
	if i >= 0 {
		if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			host = host[1 : len(host)-1]
		}
		return l.host(p, host, port)
	}
	// Any address: of IPv6, which takes IPv4 along; silently, for a machine may have no IPv6.
	quiet := *l
	quiet.log = lines{zlog.New(nil)}
	if s, err := quiet.host(p, "::", port); err == nil {
		return s, nil
	}
	l.log.tryingIPv4()
	return l.host(p, "0.0.0.0", port)
}

// host listens at the first of a host's addresses that can be had.
func (l *listener) host(p *conf.Pool, host string, port int) (*socket, error) {
	addresses, err := l.known.lookup(host)
	if err != nil {
		l.log.lookupFailed(err, l.options.PHP)
		return nil, err
	}
	var found *socket
	for _, a := range addresses {
		if found != nil {
			l.log.addressIgnored(host, a.IP.String())
			continue
		}
		s, e := l.get(p, addressKey(a.IP, port), sockaddr(a, port))
		if e != nil {
			err = e
			continue
		}
		found = s
		l.log.addressFound(host, a.IP.String())
	}
	if found == nil {
		return nil, err
	}
	return found, nil
}

func sockaddr(a net.IPAddr, port int) unix.Sockaddr {
	if v4 := a.IP.To4(); v4 != nil {
		return &unix.SockaddrInet4{Port: port, Addr: [4]byte(v4)}
	}
	s := &unix.SockaddrInet6{Port: port, Addr: [16]byte(a.IP.To16())}
	if a.Zone != "" {
		if i, err := net.InterfaceByName(a.Zone); err == nil {
			s.ZoneId = uint32(i.Index)
		}
	}
	return s
}

func (l *listener) unix(p *conf.Pool) (*socket, error) {
	path := p.Listen.Value
	if len(path) > conf.MaxSocketPath {
		path = path[:conf.MaxSocketPath]
		if l.options.PHP.AtLeast(8, 3) {
			l.log.pathCut(p.Name, p.Listen.Value, path)
		}
	}
	return l.get(p, path, &unix.SockaddrUnix{Name: path})
}

// get returns the open socket of an address, or opens one.
func (l *listener) get(p *conf.Pool, key string, address unix.Sockaddr) (*socket, error) {
	permissions := conf.SocketPermissions{UID: -1, GID: -1}
	if p.Domain == conf.Unix {
		var err error
		if permissions, err = conf.Permissions(l.cfg, p, l.options); err != nil {
			return nil, err
		}
	}
	if s := l.sockets.find(key); s != nil {
		return s, nil
	}
	fd, err := l.open(p, key, address, permissions)
	if err != nil {
		return nil, err
	}
	s := newSocket(fd, key, p.Domain)
	l.sockets.open = append(l.sockets.open, s)
	return s, nil
}

var errAnother = errors.New("another instance listens there")

func (l *listener) open(p *conf.Pool, key string, address unix.Sockaddr, permissions conf.SocketPermissions) (fd int, err error) {
	fd, err = unix.Socket(family(address), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.log.socketNotMade(err)
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if p.Domain == conf.Unix {
		if answers(address) {
			l.log.anotherInstance(key)
			return fd, errAnother
		}
		removeStale(key)
		before := unix.Umask(0o777 ^ int(permissions.Mode&0o777))
		err = unix.Bind(fd, address)
		unix.Umask(before)
	} else {
		err = unix.Bind(fd, address)
	}
	if err != nil {
		l.log.bindFailed(p.Listen.Value, err)
		return fd, err
	}
	if p.Domain == conf.Unix {
		if err = l.permit(p, key, permissions); err != nil {
			return fd, err
		}
	}
	if err = unix.Listen(fd, p.ListenBacklog); err != nil {
		l.log.listenFailed(p.Listen.Value, err)
	}
	return fd, err
}

// permit sets the owner and group of a socket's file, or its access control list.
func (l *listener) permit(p *conf.Pool, path string, s conf.SocketPermissions) error {
	if len(s.ACLUsers)+len(s.ACLGroups) > 0 {
		read, err := setACL(path, s.ACLUsers, s.ACLGroups)
		switch {
		case err == nil:
			l.log.aclSet(p.Name, path)
		case read:
			l.log.aclNotWritten(p.Name, path, err)
		default:
			l.log.aclNotRead(p.Name, path, err)
		}
		return err
	}
	if s.UID == -1 && s.GID == -1 {
		return nil
	}
	if err := os.Chown(path, s.UID, s.GID); err != nil {
		l.log.chownFailed(p.Name, p.Listen.Value, err)
		return err
	}
	return nil
}

// answers reports whether somebody listens at a unix socket's path.
func answers(address unix.Sockaddr) bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	err = unix.Connect(fd, address)
	return err == nil || err == unix.EAGAIN
}

func family(a unix.Sockaddr) int {
	switch a.(type) {
	case *unix.SockaddrInet4:
		return unix.AF_INET
	case *unix.SockaddrInet6:
		return unix.AF_INET6
	}
	return unix.AF_UNIX
}
