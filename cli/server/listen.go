package server

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/sapi"
)

// address is what -S names.
type address struct {
	host string
	port int
}

// parseAddress reads host:port and [host]:port. php looks for the first colon, and reads the port as C does: blanks
// and a sign may stand before it, and an empty one is 0, which leaves the choice to the system.
func parseAddress(text string) (address, bool) {
	host, port, found := strings.Cut(text, ":")
	if rest, bracketed := strings.CutPrefix(text, "["); bracketed {
		host, port, found = strings.Cut(rest, "]")
		if !strings.HasPrefix(port, ":") {
			return address{}, false
		}
		port = port[1:]
	}
	if !found {
		return address{}, false
	}
	port = strings.TrimLeft(port, " \t\n\v\f\r")
	if port == "" {
		return address{host, 0}, true
	}
	n, err := strconv.Atoi(port)
	return address{host, n}, err == nil && n >= 0 && n <= 65535
}

// String returns the address as a URL has it.
func (a address) String() string {
	if strings.Contains(a.host, ":") {
		return "[" + a.host + "]:" + strconv.Itoa(a.port)
	}
	return a.host + ":" + strconv.Itoa(a.port)
}

// url is where the server can be reached.
func (a address) url() string { return "http://" + a.String() }

// named is the address as php of that version names it if it cannot listen.
func (a address) named(php sapi.PHPVersion) string {
	if php.AtLeast(8, 3) {
		return a.String()
	}
	return a.host + ":" + strconv.Itoa(a.port)
}

// hostError says that a host's name has no address. Its text is php's.
type hostError string

func (e hostError) Error() string { return string(e) }

// lookup finds a host's addresses, in the order of preference.
func lookup(ctx context.Context, host string) ([]net.IPAddr, error) {
	var addresses []net.IPAddr
	err := error(&net.DNSError{IsNotFound: true})
	if host != "" {
		addresses, err = net.DefaultResolver.LookupIPAddr(ctx, host)
	}
	if err == nil {
		return addresses, nil
	}
	why := err.Error()
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		why = "Name or service not known"
		if dns.IsTemporary {
			why = "Temporary failure in name resolution"
		}
	}
	return nil, hostError("php_network_getaddresses: getaddrinfo for " + host + " failed: " + why)
}

// listen binds the first address of a's host that can be bound, and sets a's port where it was 0. An address in use
// is the end of it. The error is a hostError or the system's.
func (a *address) listen(ctx context.Context) (*net.TCPListener, error) {
	hosts, err := lookup(ctx, a.host)
	if err != nil {
		return nil, err
	}
	var last error
	for _, ip := range hosts {
		network := "tcp4"
		if ip.IP.To4() == nil {
			network = "tcp" // tcp6 would refuse IPv4 on [::]
		}
		listener, err := net.ListenTCP(network, &net.TCPAddr{IP: ip.IP, Port: a.port, Zone: ip.Zone})
		if err == nil {
			a.port = listener.Addr().(*net.TCPAddr).Port
			return listener, nil
		}
		last = err
		if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EINVAL) {
			break
		}
	}
	return nil, last
}

// cause is the system's own word for an error, as strerror has it.
func cause(err error) string {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		text := errno.Error()
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return err.Error()
}
