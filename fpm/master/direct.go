package master

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// If all sites of a front are of one pool, the pool's workers accept from the front's listeners without TLS, and hand over to the
// front what they must not wait for: contract.HTTP, docs/adr/0013-why-workers-speak-http.md.

// isDirect reports whether the pool's workers speak HTTP.
func (p *pool) isDirect() bool {
	return p.gen.plan != nil && p.gen.plan.Direct != "" && p.gen.plan.Direct == p.conf.Name
}

// equipDirect passes a worker that speaks HTTP its descriptors.
func (m *Master) equipDirect(c *child, e *equipment) error {
	p := c.pool
	if !p.isDirect() || m.state != normal || m.taken.isTrial() {
		return nil
	}
	g, h := p.gen, m.sockets.Handing()
	for _, l := range g.http.plain() {
		if err := e.lend(contract.HTTPListen, l.File()); err != nil {
			return err
		}
	}
	if g.http.log != nil {
		if err := e.lend(contract.FrontAccess, g.http.log); err != nil {
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
	own := g.plan.Own
	o := &contract.HTTP{Sites: g.plan.Sites, TrustedProxies: own.TrustedProxies, Limits: own.Limits, AccessLogFormat: own.AccessFormat,
		FrontPool: p.frontPool()}
	if g.plan.Who.Drop {
		o.FrontUser = g.plan.Who.Permission()
	}
	for _, l := range g.http.plain() {
		o.Listeners = append(o.Listeners, l.FrontListener)
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
