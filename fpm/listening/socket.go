// Counterpart: sapi/fpm/fpm/fpm_sockets.c (fpm_sockets_hash_op, fpm_socket_get_listening_queue)

package listening

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Socket is a listening socket. It outlives the configurations that use it.
type Socket struct {
	key    string // php-fpm's name of its address: 127.0.0.1:9000, ::1:9000, /run/x.sock
	domain conf.Domain
	fd     int
	file   *os.File // the same descriptor, for a fork
	lent   bool     // by the service manager, whose file it stays
	path   *os.File // O_PATH of a nameless socket's inode; nil for others
	pair   *os.File // the other end, if it is one of a pair; nil for others
	gone   bool     // its file was removed, and the path may be another socket's
}

// NewSocket returns a socket with a descriptor that listens, which becomes the socket's. It is made non-blocking and closed
// on exec; workers share the first of the two with the master.
func NewSocket(fd int, key string, domain conf.Domain) *Socket {
	unix.CloseOnExec(fd)
	unix.SetNonblock(fd, false) // so that File.Fd leaves it alone
	file := os.NewFile(uintptr(fd), key)
	unix.SetNonblock(fd, true)
	return &Socket{key: key, domain: domain, fd: fd, file: file}
}

// Key returns php-fpm's name of the socket's address: 127.0.0.1:9000, ::1:9000, /run/x.sock. No two open sockets that
// clients can reach have the same.
func (s *Socket) Key() string { return s.key }

// FD returns the socket's descriptor, which stays the socket's.
func (s *Socket) FD() int { return s.fd }

// File returns a file for the same descriptor, to be given to another process. It stays the socket's.
func (s *Socket) File() *os.File { return s.file }

// Path returns the descriptor by which a nameless socket is reached. It is nil for others.
func (s *Socket) Path() *os.File { return s.path }

// Pair returns the other end of a socket that is one of a pair. It is nil for others.
func (s *Socket) Pair() *os.File { return s.pair }

// Queue returns how many connections wait, and how many can; ok is false for unix sockets, which do not tell.
func (s *Socket) Queue() (waiting, most int, ok bool) {
	if s.domain != conf.Inet {
		return 0, 0, false
	}
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || info.Sacked == 0 {
		return 0, 0, false
	}
	return int(info.Unacked), int(info.Sacked), true
}

// Accepted reports whether a descriptor is a connection that was accepted from the socket.
func (s *Socket) Accepted(fd int) bool {
	option := func(name, want int) bool {
		got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
		return err == nil && got == want
	}
	if !option(unix.SO_TYPE, unix.SOCK_STREAM) || !option(unix.SO_ACCEPTCONN, 0) {
		return false
	}
	own, err := unix.Getsockname(s.fd)
	if err != nil {
		return false
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	switch own := own.(type) {
	case *unix.SockaddrInet4:
		a, ok := address.(*unix.SockaddrInet4)
		return ok && a.Port == own.Port && (a.Addr == own.Addr || own.Addr == [4]byte{})
	case *unix.SockaddrInet6:
		a, ok := address.(*unix.SockaddrInet6)
		return ok && a.Port == own.Port && (a.Addr == own.Addr || own.Addr == [16]byte{})
	case *unix.SockaddrUnix:
		a, ok := address.(*unix.SockaddrUnix)
		return ok && a.Name == own.Name
	}
	return false
}

// Readable reports whether a connection waits.
func (s *Socket) Readable() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// Close closes the socket and removes its file, unless that is the service manager's or another socket's.
func (s *Socket) Close() {
	s.file.Close()
	if s.pair != nil {
		s.pair.Close()
		return
	}
	if s.path != nil {
		s.path.Close()
		return
	}
	if s.domain == conf.Unix && !s.lent && !s.gone {
		removeStale(s.key)
	}
}

// isGone reports whether somebody has removed the socket's file: nobody can connect to it any more.
func (s *Socket) isGone() bool {
	if s.domain == conf.Unix && !s.lent && s.path == nil && s.pair == nil && !s.gone {
		_, err := os.Lstat(s.key)
		s.gone = errors.Is(err, fs.ErrNotExist)
	}
	return s.gone
}

// removeStale removes a unix socket from a path, or a link that leads to one or nowhere. It leaves anything else, which may be
// somebody's file or directory: php-fpm removes all but a directory.
func removeStale(path string) {
	named, err := os.Lstat(path)
	if err != nil {
		return
	}
	reached, err := os.Stat(path)
	switch isLink := named.Mode().Type() == fs.ModeSymlink; {
	case isLink && errors.Is(err, fs.ErrNotExist), err == nil && reached.Mode().Type() == fs.ModeSocket:
		unix.Unlink(path)
	}
}

// addressKey is php-fpm's name of an address: without brackets.
func addressKey(ip net.IP, port int) string { return ip.String() + ":" + strconv.Itoa(port) }

// keyOf names the address a descriptor listens at; ok is false if it is no such socket.
func keyOf(fd int) (key string, domain conf.Domain, ok bool) {
	if listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listening == 0 {
		return "", 0, false
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return "", 0, false
	}
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		return addressKey(a.Addr[:], a.Port), conf.Inet, true
	case *unix.SockaddrInet6:
		return addressKey(a.Addr[:], a.Port), conf.Inet, true
	case *unix.SockaddrUnix:
		return a.Name, conf.Unix, a.Name != ""
	}
	return "", 0, false
}

// Inode returns the number by which the kernel knows a unix socket; 0: it is not one that connections wait at.
func (s *Socket) Inode() uint64 {
	var st unix.Stat_t
	if s.domain != conf.Unix || s.pair != nil || unix.Fstat(s.fd, &st) != nil {
		return 0
	}
	return st.Ino
}

// URL returns where clients reach the socket by HTTP, or by what scheme says.
func (s *Socket) URL(scheme string) string {
	if s.domain == conf.Unix {
		return "unix:" + s.key
	}
	at := strings.LastIndexByte(s.key, ':')
	return scheme + "://" + net.JoinHostPort(s.key[:at], s.key[at+1:])
}

// ReachedAt returns the address at which this machine reaches a TCP socket.
func (s *Socket) ReachedAt() string {
	switch a, _ := unix.Getsockname(s.fd); a := a.(type) {
	case *unix.SockaddrInet4:
		return hostPort(a.Addr[:], net.IPv4(127, 0, 0, 1), a.Port)
	case *unix.SockaddrInet6:
		local := net.IPv4(127, 0, 0, 1)
		if only, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err == nil && only != 0 {
			local = net.IPv6loopback
		}
		return hostPort(a.Addr[:], local, a.Port)
	}
	return s.key
}

// hostPort is an address, local where it is any.
func hostPort(ip, local net.IP, port int) string {
	if ip.IsUnspecified() {
		ip = local
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(port))
}
