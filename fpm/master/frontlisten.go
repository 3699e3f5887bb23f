package master

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/permission"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// listenHTTP opens the addresses of a generation's front, or takes those that are open, and the access log. The error
// has been logged.
func (l *listener) listenHTTP(g *generation) error {
	if !g.plan.HasFront() {
		return nil
	}
	for _, of := range []struct {
		key       string
		addresses []string
		tls       bool
	}{{"http.listen", g.plan.Own.Listen, false}, {"http.tls.listen", g.plan.Own.TLSListen, true}} {
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
	if g.plan.Direct != "" {
		if err := l.sockets.Hand(); err != nil {
			l.log.frontImpossible(err)
			return err
		}
	}
	l.warn(g.plan)
	if path := g.plan.Own.AccessLog; path != "" {
		file, err := openFrontLog(path, l.errorLog)
		if err != nil {
			l.log.accessLogNotOpened(path, err)
			return fmt.Errorf("http.access_log %s: %w", path, err)
		}
		g.http.log = file
	}
	return nil
}

// warn logs what makes the front worse, and nobody would notice at the start.
func (l *listener) warn(plan *plan.Plan) {
	if err := plan.Who.May(os.TempDir(), permission.Write|permission.Search, "write to"); err != nil {
		l.log.frontWithoutFiles(err)
	}
	for _, what := range append(plan.Own.Missing(), settings.Unreached(plan.Workers, plan.Sites)...) {
		l.log.frontMisses(what)
	}
	if plan.Who.Drop && !plan.Who.Own && plan.Own.User == "" {
		l.log.frontNotAlone(plan.Who.Name)
	}
}

// listenHTTPAt opens one address, as those of pools are opened.
func (l *listener) listenHTTPAt(g *generation, address string, tls bool) error {
	isTCP := conf.DomainOf(address) == conf.Inet
	who := g.plan.Who
	s, err := l.open.At(listening.Address{For: "http", Listen: address, Mode: g.plan.Own.UnixMode, Own: who.Drop, UID: who.UID, GID: who.Share})
	if err != nil {
		if listening.IsLookUp(err) { // what has been logged does not say whose
			l.log.httpAddressTaken(address, err)
		}
		if isTCP && errors.Is(err, unix.EACCES) { // what has been logged does not say what to do
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
	if g.http.listensAt(s) {
		err = fmt.Errorf("it is named twice")
	}
	if err != nil {
		l.log.httpAddressTaken(address, err)
		return err
	}
	g.http.listeners = append(g.http.listeners, httpListener{s, contract.FrontListener{Address: address, TLS: tls}})
	return nil
}

// reachPools sees to it that the front can connect to the pools of its sites.
func (l *listener) reachPools(g *generation) error {
	who := g.plan.Who
	for _, p := range g.frontPools() {
		switch {
		case p.conf.Handed: // it gets a descriptor
		case listening.IsNameless(p.conf):
			if err := p.socket.Lend(who.UID, who.GID); err != nil {
				return fmt.Errorf("pool %s: %w", p.conf.Name, err)
			}
		case p.conf.Domain == conf.Unix:
			permissions, err := conf.Permissions(l.open.Config, p.conf, l.open.Options)
			if err != nil {
				return err
			}
			if err := who.MayConnect(p.conf.Name, p.socket.Key(), permissions); err != nil {
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
	host, _, err := net.SplitHostPort(p.socket.ReachedAt())
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
