package front

import (
	"sync"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// pages are the pools' own: ping.path and pm.status_path. A worker answers them, so that a ping tells that requests are
// answered.
type pages struct {
	pools   []*pool      // in the orders' order
	clients site.Proxies // who gets a status page
	denied  sync.Once
}

// find returns the pool whose page a clean path is; nil if it is none that the client gets. It is the site's pool, or
// the first that has such a page if no site answers: probes know no host names.
func (p *pages) find(x *exchange, path string) *pool {
	if x.site != nil {
		if own := x.sitesPool(); p.has(x, own, path) {
			return own
		}
		return nil
	}
	for _, one := range p.pools {
		if p.has(x, one, path) {
			return one
		}
	}
	return nil
}

func (p *pages) has(x *exchange, one *pool, path string) bool {
	switch path {
	case "":
	case one.PingPath:
		return true
	case one.StatusPath:
		if p.shows(x) {
			return true
		}
		p.denied.Do(func() {
			x.logf(zlog.Notice, "the status page %s was asked for by a client that is not in http.status_clients, or that came by "+
				"a proxy that is not in http.trusted_proxies; for it the path is one like any other", path)
		})
	}
	return false
}

// shows reports whether the client may see a status page, which tells what others ask for. The client of a proxy that is
// not trusted is unknown.
func (p *pages) shows(x *exchange) bool {
	h := x.r.Header
	if !x.client.trusted && len(h["X-Forwarded-For"])+len(h["Forwarded"])+len(h["X-Real-Ip"])+len(h["Via"]) > 0 {
		return false
	}
	if !x.remote.IsValid() {
		return p.clients.Unix
	}
	return p.clients.Has(x.remote.Addr())
}

// runPage has a pool answer with a page of its own.
func (x *exchange) runPage(p *pool, path string) {
	root := "/"
	if x.site != nil {
		root = x.site.Directory()
	}
	x.request = upstream.Request{HTTP: x.r, Script: site.Script{DocumentRoot: root, Filename: root + path, Name: path},
		RemoteAddr: x.remote, ServerAddr: x.client.local, HTTPS: x.https, ID: x.id}
	x.hand(p)
}
