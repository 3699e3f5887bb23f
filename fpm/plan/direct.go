package plan

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// If all sites of a front are of one pool, the pool's workers accept from the front's listeners without TLS, and hand over to the
// front what they must not wait for: contract.HTTP, docs/adr/0013-why-workers-speak-http.md.

// mostDirect is how many listeners a worker can have, besides its other descriptors.
const mostDirect = 40

// chooseDirect returns the pool whose workers are to speak HTTP, or why there is none.
func (p *Plan) chooseDirect(pools []*conf.Pool) (name, why string) {
	routed := p.routed(pools)
	switch {
	case !p.Own.Direct:
		return "", "http.direct is off"
	case len(p.Own.Listen) > mostDirect:
		return "", fmt.Sprintf("there are more than %d addresses", mostDirect)
	case len(routed) != 1:
		return "", fmt.Sprintf("the sites are of %d pools", len(routed))
	}
	for _, s := range p.Sites {
		if s.Compress != nil {
			return "", fmt.Sprintf("the site in %s has compress", s.Root)
		}
	}
	switch pool := routed[0]; {
	case pool.PM == conf.Ondemand:
		return "", fmt.Sprintf("pool %s has pm = ondemand", pool.Name)
	case pool.Chroot.Filled():
		return "", fmt.Sprintf("pool %s has a chroot", pool.Name)
	}
	return routed[0].Name, ""
}

// Lines are the plan's part of -tt.
func (p *Plan) Lines() []string {
	lines := p.Own.Lines()
	if p.HasFront() {
		for _, address := range p.Own.Listen {
			if p.Direct != "" {
				lines = append(lines, "\tlisten = "+address+" -> the workers of pool "+p.Direct)
			} else {
				lines = append(lines, "\tlisten = "+address+" -> the front, because "+p.notDirect)
			}
		}
		for _, address := range p.Own.TLSListen {
			lines = append(lines, "\tlisten = "+address+" -> the front, because of TLS")
		}
	}
	return append(lines, " ")
}
