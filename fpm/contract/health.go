package contract

import "github.com/phpsapi/phpsapi/fpm/control"

// Startup reports whether a generation serves, or has served. A service that is nil is not known yet.
func (s *Service) Startup() control.Health {
	if s == nil || !s.Started {
		return control.Health{Reasons: []string{"the service is starting"}}
	}
	return control.Health{OK: true}
}

// Ready reports whether the pools that serve can answer requests; if pool is not empty, that pool alone.
func (s *Service) Ready(pool string) control.Health {
	h := s.Startup()
	if !h.OK {
		return h
	}
	if s.Leaving {
		h = control.Health{Reasons: []string{"the service is about to end"}}
	}
	if s.State != "normal" {
		h = control.Health{Reasons: []string{"the service is " + s.State}}
	}
	for i := range s.Generations {
		g := &s.Generations[i]
		if g.State != control.Serving {
			continue
		}
		if g.Front != nil && !g.Front.Ready {
			h.OK = false
			h.Reasons = append(h.Reasons, "the HTTP front is not ready")
		}
		g.addPools(&h, pool)
	}
	if pool != "" && len(h.Pools) == 0 {
		h.OK = false
		h.Reasons = append(h.Reasons, "there is no pool "+pool)
	}
	return h
}

func (g *ServiceGeneration) addPools(h *control.Health, pool string) {
	for _, n := range g.Engines {
		for _, name := range n.Pools {
			if pool != "" && name != pool {
				continue
			}
			one := control.PoolHealth{Pool: name, Ready: true}
			for _, u := range g.Unready {
				if u.Pool == name {
					one.Ready, one.Reasons, h.OK = false, u.Reasons, false
				}
			}
			h.Pools = append(h.Pools, one)
		}
	}
}
