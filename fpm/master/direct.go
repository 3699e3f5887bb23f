package master

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// If all sites of a front are of one pool, the pool's workers accept from the front's listeners without TLS, and hand over to the
// front what they must not wait for: contract.HTTP, docs/adr/0013-why-workers-speak-http.md.

// mostDirect is how many listeners a worker can have, besides its other descriptors.
const mostDirect = 40

// chooseDirect returns the pool whose workers are to speak HTTP, or why there is none.
func (f *frontPlan) chooseDirect(pools []*conf.Pool) (name, why string) {
	routed := f.routed(pools)
	switch {
	case !f.own.Direct:
		return "", "http.direct is off"
	case len(f.own.Listen) > mostDirect:
		return "", fmt.Sprintf("there are more than %d addresses", mostDirect)
	case len(routed) != 1:
		return "", fmt.Sprintf("the sites are of %d pools", len(routed))
	}
	for _, s := range f.sites {
		if s.Compress != nil {
			return "", fmt.Sprintf("the site in %s has compress", s.Root)
		}
	}
	switch p := routed[0]; {
	case p.PM == conf.Ondemand:
		return "", fmt.Sprintf("pool %s has pm = ondemand", p.Name)
	case p.Chroot.Filled():
		return "", fmt.Sprintf("pool %s has a chroot", p.Name)
	}
	return routed[0].Name, ""
}

// lines are the plan's part of -tt.
func (f *frontPlan) lines() []string {
	lines := f.own.Lines()
	if f.wanted() {
		for _, address := range f.own.Listen {
			if f.direct != "" {
				lines = append(lines, "\tlisten = "+address+" -> the workers of pool "+f.direct)
			} else {
				lines = append(lines, "\tlisten = "+address+" -> the front, because "+f.notDirect)
			}
		}
		for _, address := range f.own.TLSListen {
			lines = append(lines, "\tlisten = "+address+" -> the front, because of TLS")
		}
	}
	return append(lines, " ")
}

// isDirect reports whether the pool's workers speak HTTP.
func (p *pool) isDirect() bool {
	return p.gen.plan != nil && p.gen.plan.direct != "" && p.gen.plan.direct == p.conf.Name
}

// equipDirect passes a worker that speaks HTTP its descriptors.
func (m *Master) equipDirect(c *child, e *equipment) error {
	p := c.pool
	if !p.isDirect() || m.state != normal || m.taken.isTrial() {
		return nil
	}
	g, h := p.gen, m.sockets.Handing()
	for _, l := range g.http {
		if l.TLS {
			continue
		}
		if err := e.lend(contract.HTTPListen, l.File()); err != nil {
			return err
		}
	}
	if g.frontLog != nil {
		if err := e.lend(contract.FrontAccess, g.frontLog); err != nil {
			return err
		}
	}
	if err := e.lend(contract.ToFront, h.ToFront); err != nil {
		return err
	}
	if err := e.lend(contract.FromFront, h.Untaken); err != nil {
		return err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.direct, c.rescue = true, os.NewFile(uintptr(pair[1]), "rescue")
	if err := e.give(contract.RescueIn, os.NewFile(uintptr(pair[0]), "rescue")); err != nil {
		return err
	}
	return e.lend(contract.RescueOut, c.rescue)
}

// directOrders are what a worker has to know to speak HTTP; nil: it does not.
func (m *Master) directOrders(p *pool) *contract.HTTP {
	if !p.isDirect() || m.state != normal || m.taken.isTrial() {
		return nil
	}
	g := p.gen
	own := g.plan.own
	o := &contract.HTTP{Sites: g.plan.sites, TrustedProxies: own.TrustedProxies, Limits: own.Limits, AccessLogFormat: own.AccessFormat,
		FrontPool: p.frontPool()}
	if g.plan.who.Drop {
		o.FrontUser = g.plan.who.Permission()
	}
	for _, l := range g.http {
		if !l.TLS {
			o.Listeners = append(o.Listeners, l.FrontListener)
		}
	}
	return o
}

// frontLogLevel is the least severe message that the front logs.
func (g *generation) frontLogLevel() zlog.Level {
	if level := g.config.Global.LogLevel; level != 0 {
		return level
	}
	return zlog.Notice
}

// tellDirect sends a message to all workers of a generation that speak HTTP.
func (g *generation) tellDirect(letter byte, fd int) {
	for _, p := range g.pools {
		if !p.isDirect() {
			continue
		}
		for _, c := range p.children {
			if c.rescue != nil {
				c.control.Send(letter, "", fd)
			}
		}
	}
}
