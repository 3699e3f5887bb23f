package master

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/permission"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// listenHTTP opens the addresses of a generation's front, or takes those that are open, and the access log. The error
// has been logged.
func (l *listener) listenHTTP(g *generation) error {
	if !g.plan.wanted() {
		return nil
	}
	for _, of := range []struct {
		key       string
		addresses []string
		tls       bool
	}{{"http.listen", g.plan.own.Listen, false}, {"http.tls.listen", g.plan.own.TLSListen, true}} {
		for _, address := range of.addresses {
			if err := l.listenHTTPAt(g, address, of.tls); err != nil {
				return fmt.Errorf("%s %s: %w", of.key, address, err)
			}
		}
	}
	if err := l.reachPools(g); err != nil {
		l.log.frontImpossible(err)
		return err
	}
	if g.plan.direct != "" && l.sockets.handing == nil {
		h, err := newHanding()
		if err != nil {
			l.log.frontImpossible(err)
			return err
		}
		l.sockets.handing = h
	}
	l.warn(g.plan)
	if path := g.plan.own.AccessLog; path != "" {
		file, err := openFrontLog(path, l.errorLog)
		if err != nil {
			l.log.accessLogNotOpened(path, err)
			return fmt.Errorf("http.access_log %s: %w", path, err)
		}
		g.frontLog = file
	}
	return nil
}

// warn logs what makes the front worse, and nobody would notice at the start.
func (l *listener) warn(plan *frontPlan) {
	if err := plan.who.may(os.TempDir(), permission.Write|permission.Search, "write to"); err != nil {
		l.log.frontWithoutFiles(err)
	}
	for _, what := range append(plan.own.Missing(), settings.Unreached(plan.workers, plan.sites)...) {
		l.log.frontMisses(what)
	}
	if plan.who.drop && !plan.who.own && plan.own.User == "" {
		l.log.frontNotAlone(plan.who.name)
	}
}

// listenHTTPAt opens one address, as those of pools are opened.
func (l *listener) listenHTTPAt(g *generation, address string, tls bool) error {
	p := l.httpPool(g, address)
	open := l.unix
	if p.Domain == conf.Inet {
		open = l.inet
	}
	s, err := open(p)
	if err != nil {
		if isLookup(err) { // what has been logged does not say whose
			l.log.httpAddressTaken(address, err)
		}
		if p.Domain == conf.Inet && errors.Is(err, unix.EACCES) { // what has been logged does not say what to do
			if !strings.Contains(address, ":") { // as the setting has it
				address = ":" + address
			}
			err = fmt.Errorf("%w: ports below 1024 need root or CAP_NET_BIND_SERVICE", err)
			l.log.httpAddressTaken(address, err)
		}
		return err
	}
	for _, other := range g.pools {
		if other.socket == s {
			err = fmt.Errorf("pool %s listens there", other.conf.Name)
		}
	}
	if slices.ContainsFunc(g.http, func(other httpListener) bool { return other.socket == s }) {
		err = fmt.Errorf("it is named twice")
	}
	if err != nil {
		l.log.httpAddressTaken(address, err)
		return err
	}
	g.http = append(g.http, httpListener{s, contract.FrontListener{Address: address, TLS: tls}})
	return nil
}

// httpPool describes an address of a front in the words of a pool.
func (l *listener) httpPool(g *generation, address string) *conf.Pool {
	text := func(s string) conf.Text { return conf.Text{Value: s, Set: true} }
	p := &conf.Pool{Name: "http", Listen: text(address), Domain: conf.DomainOf(address), ListenBacklog: -1,
		ListenMode: text(strconv.FormatUint(uint64(g.plan.own.UnixMode), 8))}
	if who := g.plan.who; who.drop {
		p.ListenOwner, p.ListenGroup = text(strconv.Itoa(who.uid)), text(strconv.Itoa(who.share))
	}
	return p
}

// reachPools sees to it that the front can connect to the pools of its sites.
func (l *listener) reachPools(g *generation) error {
	who := g.plan.who
	for _, p := range g.plan.pools(g) {
		switch {
		case p.conf.Handed: // it gets a descriptor
		case isNameless(p.conf):
			if err := p.socket.lend(who.uid, who.gid); err != nil {
				return fmt.Errorf("pool %s: %w", p.conf.Name, err)
			}
		case p.conf.Domain == conf.Unix:
			permissions, err := conf.Permissions(l.cfg, p.conf, l.options)
			if err != nil {
				return err
			}
			if err := who.mayConnect(p, permissions); err != nil {
				return err
			}
		default:
			if err := p.takesFront(); err != nil {
				return err
			}
		}
	}
	return nil
}

// takesFront says why a pool would refuse connections from this machine.
func (p *pool) takesFront() error {
	allowed, limited := p.conf.AllowedClients(zlog.New(nil))
	if !limited {
		return nil
	}
	host, _, err := net.SplitHostPort(p.socket.reachedAt())
	if err != nil {
		return err
	}
	for _, a := range allowed {
		if a.Unmap().String() == host {
			return nil
		}
	}
	return fmt.Errorf("pool %s: the front connects from %s, which is not in its listen.allowed_clients", p.conf.Name, host)
}

// reachedAt is the address at which this machine reaches a TCP socket.
func (s *socket) reachedAt() string {
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

// errNoStdout is a reload that wants the standard output, which a start gives up unless it is told to keep it.
var errNoStdout = errors.New("the service has no standard output: a daemon never has one, and others keep it only if " +
	"http.access_log is stdout when they start; restart the service, or name a file")

// openFrontLog opens the front's access log. A daemon's stderr is its error log, if that is a file.
func openFrontLog(path string, errorLog *errorlog.Log) (*os.File, error) {
	var standard *os.File
	switch path {
	case settings.Stdout:
		if standard = errorLog.Stdout; standard == nil {
			return nil, errNoStdout
		}
	case settings.Stderr:
		if standard = os.Stderr; errorLog.Original < 0 {
			standard = errorLog.Stderr()
		}
		if standard == nil {
			return logfile.Open(os.DevNull)
		}
	default:
		return logfile.Open(path)
	}
	fd, err := unix.FcntlInt(standard.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}
