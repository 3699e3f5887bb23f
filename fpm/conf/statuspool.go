// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_worker_pool_shared_status_alloc)

package conf

// statusPool is the hidden pool that serves p's status at pm.status_listen.
func statusPool(p *Pool) *Pool {
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
