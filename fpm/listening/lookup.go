package listening

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"
)

// Names are hosts that have been looked up.
type Names map[string]found

type found struct {
	addresses []net.IPAddr
	err       error
}

// LookUpAll looks hosts up side by side. It waits for DNS, ten seconds at most.
func LookUpAll(hosts []string) Names {
	var mu sync.Mutex
	var all sync.WaitGroup
	n := Names{}
	for _, host := range hosts {
		if host == "" || net.ParseIP(host) != nil {
			continue
		}
		all.Go(func() {
			addresses, err := lookUp(host)
			mu.Lock()
			defer mu.Unlock()
			n[host] = found{addresses, err}
		})
	}
	all.Wait()
	return n
}

func (n Names) lookUp(host string) ([]net.IPAddr, error) {
	if f, ok := n[host]; ok {
		return f.addresses, f.err
	}
	return lookUp(host)
}

//lint:ignore ST1005 as getaddrinfo says it
var errNotKnown = errors.New("Name or service not known")

func lookUp(host string) ([]net.IPAddr, error) {
	if ip := net.ParseIP(host); ip != nil {
		return []net.IPAddr{{IP: ip}}, nil
	}
	if host == "*" { // to glibc's getaddrinfo, php-fpm's, it is this machine itself, and no wildcard
		return []net.IPAddr{{IP: net.IPv6loopback}, {IP: net.IPv4(127, 0, 0, 1)}}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = errNotKnown
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		err = errNotKnown
	}
	return addresses, err
}

// IsLookUp reports whether a socket cannot be had because the name of its host cannot be looked up.
func IsLookUp(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, errNotKnown) || errors.As(err, &dns)
}

// HostOf returns the host of an address with a port; empty if it has none.
func HostOf(address string) string {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(address[:i], "["), "]")
}
