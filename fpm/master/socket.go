// Counterpart: sapi/fpm/fpm/fpm_sockets.c (fpm_sockets_hash_op, fpm_socket_get_listening_queue)

package master

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// socket is a listening socket. It outlives the generations that use it.
type socket struct {
	key    string // php-fpm's name of its address: 127.0.0.1:9000, ::1:9000, /run/x.sock
	domain conf.Domain
	fd     int
	file   *os.File // the same descriptor, for a fork
	lent   bool     // by the service manager, whose file it stays
	path   *os.File // O_PATH of a nameless socket's inode; nil for others
	pair   *os.File // the other end, if it is one of a pair; nil for others
	gone   bool     // its file was removed, and the path may be another socket's
}

// newSocket wraps a descriptor, which it makes non-blocking and closed on exec. Workers share the first of the two
// with the master.
func newSocket(fd int, key string, domain conf.Domain) *socket {
	unix.CloseOnExec(fd)
	unix.SetNonblock(fd, false) // so that File.Fd leaves it alone
	file := os.NewFile(uintptr(fd), key)
	unix.SetNonblock(fd, true)
	return &socket{key: key, domain: domain, fd: fd, file: file}
}

// queue is how many connections wait, and how many can; ok is false for unix sockets, which do not tell.
func (s *socket) queue() (waiting, most int, ok bool) {
	if s.domain != conf.Inet {
		return 0, 0, false
	}
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || info.Sacked == 0 {
		return 0, 0, false
	}
	return int(info.Unacked), int(info.Sacked), true
}

// accepted reports whether a descriptor is a connection that was accepted from the socket.
func (s *socket) accepted(fd int) bool {
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

// readable reports whether a connection waits.
func (s *socket) readable() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// close closes the socket and removes its file, where that is the master's.
func (s *socket) close() {
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
func (s *socket) isGone() bool {
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

// sockets are all that are open, in the order they were made.
type sockets struct {
	open    []*socket
	handing *handing // nil: no workers have spoken HTTP so far
}

// find returns the open socket of an address; nil if there is none that clients can reach.
func (s *sockets) find(key string) *socket {
	for _, k := range s.open {
		if k.key == key && !k.isGone() {
			return k
		}
	}
	return nil
}

// keep closes all sockets that none of the generations uses.
func (s *sockets) keep(generations []*generation) {
	used := map[*socket]bool{}
	for _, g := range generations {
		for _, p := range g.pools {
			used[p.socket] = true
		}
		for _, h := range g.http {
			used[h.socket] = true
		}
		for _, h := range g.metrics {
			used[h.socket] = true
		}
	}
	var kept []*socket
	for _, k := range s.open {
		if used[k] {
			kept = append(kept, k)
		} else {
			k.close()
		}
	}
	s.open = kept
}

func (s *sockets) closeAll() {
	for _, k := range s.open {
		k.close()
	}
	s.open = nil
	s.handing.close()
	s.handing = nil
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
