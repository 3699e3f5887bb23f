// Counterpart: main/fastcgi.c (fcgi_listen)

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/sapi"
)

// Socket is a listening socket.
type Socket struct {
	File *os.File
	path string // of a unix socket that is ours to remove
	info os.FileInfo
}

// ListenError says why a socket cannot be had.
type ListenError struct{ Reason string }

func (e *ListenError) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &ListenError{fmt.Sprintf(format, args...)} }

// StandardInput returns the listening socket that a web server left as standard input.
func StandardInput() (*Socket, error) { return newSocket(0, "stdin") }

// newSocket makes a socket that does not block. os.File must not know of that, or its Fd would take it back.
func newSocket(fd int, name string) (*Socket, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	return &Socket{File: file}, unix.SetNonblock(fd, true)
}

// Listen opens the address of -b: a port, host:port, [IPv6]:port or a unix socket's path. The error's text is php-cgi's
// where php-cgi has one.
func Listen(address string, s Settings) (*Socket, error) {
	addr, tcp, err := resolve(address)
	if err != nil {
		return nil, err
	}
	if tcp {
		if ip := addr.Addr().Unmap(); ip.Is4() {
			return listen(unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}, address, s.Backlog, nil)
		}
		return listen(unix.AF_INET6, &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}, address, s.Backlog, nil)
	}
	return listenUnix(address, s)
}

// resolve returns the TCP address that is meant; tcp is false if a path is meant.
func resolve(address string) (addr netip.AddrPort, tcp bool, err error) {
	if inner, found := strings.CutPrefix(address, "["); found {
		if host, port, found := strings.Cut(inner, "]:"); found {
			ip, err := netip.ParseAddr(host)
			if err != nil {
				return addr, true, refuse("'%s' is not an address of IPv6", host)
			}
			return withPort(ip, sapi.Atoi(port))
		}
	}
	host, text, found := strings.Cut(address, ":")
	if !found {
		host, text = "", address
		if strings.Trim(strings.TrimLeft(address, "+-"), "0123456789") != "" {
			return addr, false, nil
		}
	}
	port := sapi.Atoi(text)
	if port == 0 {
		if strings.Contains(address, "/") {
			return addr, false, nil
		}
		return addr, true, noPort(address, text)
	}
	if host == "" || strings.HasPrefix(host, "*") {
		return withPort(netip.IPv4Unspecified(), port)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return withPort(ip, port)
	}
	found4, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip4", host)
	switch {
	case err != nil || len(found4) == 0:
		return addr, true, refuse("Cannot resolve host name '%s'!", host)
	case len(found4) > 1:
		return addr, true, refuse("Host '%s' has multiple addresses. You must choose one explicitly!", host)
	}
	return withPort(found4[0], port)
}

// noPort refuses an address that php-cgi would take for the name of a unix socket, which nobody means.
func noPort(address, port string) error {
	if port != "" && strings.Trim(port, "0123456789") == "" {
		return refuse("invalid port %s: write one from 1 to 65535", port)
	}
	return refuse("There is no port in '%s': write PORT, HOST:PORT or [IPv6]:PORT, or the path of a unix socket with a '/' in it.", address)
}

func withPort(ip netip.Addr, port int) (netip.AddrPort, bool, error) {
	if port < 1 || port > 65535 {
		return netip.AddrPort{}, true, refuse("invalid port %d: write one from 1 to 65535", port)
	}
	return netip.AddrPortFrom(ip, uint16(port)), true, nil
}

// listenUnix makes the socket with its mode: nobody can connect before it has that, and nobody who may is refused.
func listenUnix(path string, s Settings) (*Socket, error) {
	if len(path) >= len(unix.RawSockaddrUnix{}.Path) {
		return nil, refuse("Listening socket's path name is too long.")
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, refuse("%s exists and is not a socket: remove it or choose another path", path)
		}
		os.Remove(path)
	}
	mask := unix.Umask(0o777)
	socket, err := listen(unix.AF_UNIX, &unix.SockaddrUnix{Name: path}, path, s.Backlog, func() error { return os.Chmod(path, s.SocketMode) })
	unix.Umask(mask)
	if err != nil {
		return nil, err
	}
	socket.path = path
	socket.info, err = os.Lstat(path)
	return socket, err
}

// listen makes a socket. bound, if there is one, is called before the socket listens.
func listen(family int, to unix.Sockaddr, name string, backlog int, bound func() error) (*Socket, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.Bind(fd, to))
	}
	if err == nil && bound != nil {
		if err := bound(); err != nil {
			unix.Close(fd)
			return nil, err
		}
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		var errno syscall.Errno
		errors.As(err, &errno)
		text := errno.Error() // C's words, in lower case
		return nil, refuse("Cannot bind/listen socket - [%d] %s.", int(errno), strings.ToUpper(text[:1])+text[1:])
	}
	return newSocket(fd, name)
}

// Close closes the socket, and removes its file if that is still this socket's.
func (s *Socket) Close() {
	s.File.Close()
	if s.path == "" {
		return
	}
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.info) {
		os.Remove(s.path)
	}
}
