// Counterpart: main/fastcgi.c (fcgi_set_allowed_clients)

package conf

import (
	"net/netip"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// AllowedClients returns the addresses a TCP pool takes connections from, and
// whether there is such a list at all: an empty list lets nobody in. Like
// php-fpm it logs the addresses it does not understand; children do that.
func (p *Pool) AllowedClients(log Logger) (addrs []netip.Addr, limited bool) {
	if !p.ListenAllowedClients.Set {
		return nil, false
	}
	for _, s := range strings.Split(p.ListenAllowedClients.Value, ",") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			log.Log(zlog.Error, "Wrong IP address '"+s+"' in listen.allowed_clients")
			continue
		}
		addrs = append(addrs, a)
	}
	if addrs == nil {
		log.Log(zlog.Error, "There are no allowed addresses")
	}
	return addrs, true
}
