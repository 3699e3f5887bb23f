// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_worker_pool_shared_status_alloc)

package conf

import (
	"slices"

	"github.com/phpsapi/phpsapi/sapi"
)

// statusPool is the hidden pool that serves p's status at pm.status_listen.
// It has p's settings of PHP as well since PHP 8.3.
func statusPool(p *Pool, php sapi.PHPVersion) *Pool {
	if !p.StatusPath.Set {
		p.StatusPath = setText("/")
	}
	s := newPool(p.Name + "_status")
	s.Listen = p.StatusListen
	s.ListenACLUsers = p.ListenACLUsers
	s.ListenACLGroups = p.ListenACLGroups
	s.ListenAllowedClients = p.ListenAllowedClients
	s.ListenOwner = p.ListenOwner
	s.ListenGroup = p.ListenGroup
	s.ListenMode = p.ListenMode
	s.User = p.User
	s.Group = p.Group
	s.StatusPath = p.StatusPath
	s.PingPath = p.PingPath
	s.PingResponse = p.PingResponse
	if php.AtLeast(8, 3) {
		s.PHPValues = slices.Clone(p.PHPValues)
		s.PHPAdminValues = slices.Clone(p.PHPAdminValues)
	}
	s.PM = Ondemand
	s.MaxChildren = 2
	s.Shared = p
	s.places = places{}
	for name, at := range p.places {
		s.places[name] = at
	}
	if at, ok := p.places["pm.status_listen"]; ok {
		s.places["listen"] = at
	}
	return s
}
