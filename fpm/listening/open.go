// Counterpart: sapi/fpm/fpm/fpm_sockets.c (fpm_sockets_new_listening_socket, fpm_socket_af_inet_listening_socket)

package listening

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Opener opens the sockets that a configuration names.
type Opener struct {
	Sockets *Sockets     // that are open, to which it adds
	Log     *zlog.Log    // where it says why a socket cannot be had
	Config  *conf.Config // as Options have loaded it
	Options conf.Options
	Known   Names // hosts that need not be looked up
}

func (o *Opener) log() lines { return lines{o.Log} }

// Quiet returns an opener of the same sockets that logs nothing.
func (o *Opener) Quiet() *Opener {
	quiet := *o
	quiet.Log = zlog.New(nil)
	return &quiet
}

// Pool returns a pool's socket: an open one if there is one for the address. What is new and not needed after an error is
// the caller's to close (Sockets.Keep). The error has been logged.
func (o *Opener) Pool(p *conf.Pool) (*Socket, error) {
	switch {
	case IsNameless(p):
		return o.nameless(p)
	case p.Handed:
		return o.handed(p)
	case p.Domain == conf.Inet:
		return o.inet(p)
	}
	return o.unix(p)
}

// Address is an address that is not a pool's, and the mode and owner of the socket's file if it is a path.
type Address struct {
	For    string // the name by which messages call what listens there
	Listen string // as listen of a pool
	Mode   uint32
	Own    bool // the file is given to UID and GID
	UID    int
	GID    int
}

// At returns the socket of an address, as Pool does.
func (o *Opener) At(a Address) (*Socket, error) {
	text := func(s string) conf.Text { return conf.Text{Value: s, Set: true} }
	p := &conf.Pool{Name: a.For, Listen: text(a.Listen), Domain: conf.DomainOf(a.Listen), ListenBacklog: -1,
		ListenMode: text(strconv.FormatUint(uint64(a.Mode), 8))}
	if a.Own {
		p.ListenOwner, p.ListenGroup = text(strconv.Itoa(a.UID)), text(strconv.Itoa(a.GID))
	}
	if p.Domain == conf.Inet {
		return o.inet(p)
	}
	return o.unix(p)
}

var errPort = errors.New("invalid port")

func (o *Opener) inet(p *conf.Pool) (*Socket, error) {
	host, portText := "", p.Listen.Value
	i := strings.LastIndexByte(portText, ':')
	if i >= 0 {
		host, portText = portText[:i], portText[i+1:]
	}
	digits := len(portText) - len(strings.TrimLeft(portText, "0123456789"))
	port, _ := strconv.Atoi(portText[:digits])
	if port < 1 || port > 65535 {
		o.log().portInvalid(portText)
		return nil, errPort
	}
	if i >= 0 {
		if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			host = host[1 : len(host)-1]
		}
		return o.host(p, host, port)
	}
	// Any address: of IPv6, which takes IPv4 along; silently, for a machine may have no IPv6.
	if s, err := o.Quiet().host(p, "::", port); err == nil {
		return s, nil
	}
	o.log().tryingIPv4()
	return o.host(p, "0.0.0.0", port)
}

// host listens at the first of a host's addresses that can be had.
func (o *Opener) host(p *conf.Pool, host string, port int) (*Socket, error) {
	addresses, err := o.Known.lookUp(host)
	if err != nil {
		o.log().lookupFailed(err, o.Options.PHP)
		return nil, err
	}
	var found *Socket
	for _, a := range addresses {
		if found != nil {
			o.log().addressIgnored(host, a.IP.String())
			continue
		}
		s, e := o.get(p, addressKey(a.IP, port), sockaddr(a, port))
		if e != nil {
			err = e
			continue
		}
		found = s
		o.log().addressFound(host, a.IP.String())
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

func (o *Opener) unix(p *conf.Pool) (*Socket, error) {
	path := p.Listen.Value
	if len(path) > conf.MaxSocketPath {
		path = path[:conf.MaxSocketPath]
		if o.Options.PHP.AtLeast(8, 3) {
			o.log().pathCut(p.Name, p.Listen.Value, path)
		}
	}
	return o.get(p, path, &unix.SockaddrUnix{Name: path})
}

// get returns the open socket of an address, or opens one.
func (o *Opener) get(p *conf.Pool, key string, address unix.Sockaddr) (*Socket, error) {
	permissions := conf.SocketPermissions{UID: -1, GID: -1}
	if p.Domain == conf.Unix {
		var err error
		if permissions, err = conf.Permissions(o.Config, p, o.Options); err != nil {
			return nil, err
		}
	}
	if s := o.Sockets.Find(key); s != nil {
		return s, nil
	}
	fd, err := o.open(p, key, address, permissions)
	if err != nil {
		return nil, err
	}
	s := NewSocket(fd, key, p.Domain)
	o.Sockets.open = append(o.Sockets.open, s)
	return s, nil
}

var errAnother = errors.New("another instance listens there")

func (o *Opener) open(p *conf.Pool, key string, address unix.Sockaddr, permissions conf.SocketPermissions) (fd int, err error) {
	fd, err = unix.Socket(family(address), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		o.log().socketNotMade(err)
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
			o.log().anotherInstance(key)
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
		o.log().bindFailed(p.Listen.Value, err)
		return fd, err
	}
	if p.Domain == conf.Unix {
		if err = o.permit(p, key, permissions); err != nil {
			return fd, err
		}
	}
	if err = unix.Listen(fd, p.ListenBacklog); err != nil {
		o.log().listenFailed(p.Listen.Value, err)
	}
	return fd, err
}

// permit sets the owner and group of a socket's file, or its access control list.
func (o *Opener) permit(p *conf.Pool, path string, s conf.SocketPermissions) error {
	if len(s.ACLUsers)+len(s.ACLGroups) > 0 {
		read, err := setACL(path, s.ACLUsers, s.ACLGroups)
		switch {
		case err == nil:
			o.log().aclSet(p.Name, path)
		case read:
			o.log().aclNotWritten(p.Name, path, err)
		default:
			o.log().aclNotRead(p.Name, path, err)
		}
		return err
	}
	if s.UID == -1 && s.GID == -1 {
		return nil
	}
	if err := os.Chown(path, s.UID, s.GID); err != nil {
		o.log().chownFailed(p.Name, p.Listen.Value, err)
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
