package master

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
)

// maxRehearsals is how many may wait for a file system or a directory of users that does not answer.
const maxRehearsals = 4

var errNotRead = errors.New("the configuration, its users or the names of its addresses could not be read in time: " +
	"a file system, a directory of users or a name server does not answer")

// rehearse reads beside the loop what a reload is about to read, and looks names up: files and users are there at once
// when the loop reads them, and the addresses of names are handed to it. Nothing is changed or logged.
func (m *Master) rehearse(a *attempt) {
	if m.rehearsals >= maxRehearsals {
		m.abandonReload(errNotRead)
		return
	}
	m.rehearsals++
	a.rehearsing = true
	options, answer := m.opt, a.constants
	options.places = a.places
	go func() {
		known, question := options.rehearsal(answer)
		m.box.post(rehearsed{a, known, question})
	}()
}

// rehearsal reads the configuration and returns the addresses of the names in it. If PHP must be asked first, it returns
// which PHP instead.
func (o *Options) rehearsal(answer *constants) (names, *question) {
	options, plan := o.confOptions(errorlog.New(false))
	options.Log, options.Stderr = nil, io.Discard
	options.System.OpenErrorLog = func(*conf.Global) error { return nil }
	options.System.OpenLog = func(string) error { return nil }
	if engine := o.places.lacking(); engine != nil {
		question := o.placesQuestion(*engine)
		return nil, &question
	}
	mustAsk := false
	options.Loaded = answer.lookUp(&mustAsk)
	cfg, err := conf.Load(options)
	if mustAsk {
		question := o.question(plan, plan.engine)
		return nil, &question
	}
	if engine := o.places.lacking(); engine != nil { // of a pool
		question := o.placesQuestion(*engine)
		return nil, &question
	}
	if err != nil {
		return nil, nil // the reload says why
	}
	conf.Identify(cfg, options)
	var hosts []string
	for _, p := range cfg.Pools {
		if p.Domain == conf.Inet {
			hosts = append(hosts, hostOf(p.Listen.Value))
		}
	}
	if plan.own != nil {
		for _, address := range slices.Concat(plan.own.Listen, plan.own.TLSListen) {
			if conf.DomainOf(address) == conf.Inet {
				hosts = append(hosts, hostOf(address))
			}
		}
	}
	return lookupAll(hosts), nil
}

// hostOf returns the host of an address with a port; empty if it has none.
func hostOf(address string) string {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(address[:i], "["), "]")
}

// names are hosts that have been looked up.
type names map[string]found

type found struct {
	addresses []net.IPAddr
	err       error
}

// lookupAll looks hosts up side by side.
func lookupAll(hosts []string) names {
	var mu sync.Mutex
	var all sync.WaitGroup
	n := names{}
	for _, host := range hosts {
		if host == "" || net.ParseIP(host) != nil {
			continue
		}
		all.Go(func() {
			addresses, err := lookup(host)
			mu.Lock()
			defer mu.Unlock()
			n[host] = found{addresses, err}
		})
	}
	all.Wait()
	return n
}

func (n names) lookup(host string) ([]net.IPAddr, error) {
	if f, ok := n[host]; ok {
		return f.addresses, f.err
	}
	return lookup(host)
}

//lint:ignore ST1005 as getaddrinfo says it
var errNotKnown = errors.New("Name or service not known")

func lookup(host string) ([]net.IPAddr, error) {
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

// isLookup reports whether lookup returned the error.
func isLookup(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, errNotKnown) || errors.As(err, &dns)
}
