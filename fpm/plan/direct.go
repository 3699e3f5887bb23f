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
func (f *Plan) chooseDirect(pools []*conf.Pool) (name, why string) {
	routed := f.routed(pools)
	switch {
	case !f.Own.Direct:
		return "", "http.direct is off"
	case len(f.Own.Listen) > mostDirect:
		return "", fmt.Sprintf("there are more than %d addresses", mostDirect)
	case len(routed) != 1:
		return "", fmt.Sprintf("the sites are of %d pools", len(routed))
	}
	for _, s := range f.Sites {
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

// Lines are the plan's part of -tt.
func (f *Plan) Lines() []string {
	lines := f.Own.Lines()
	if f.HasFront() {
		for _, address := range f.Own.Listen {
			if f.Direct != "" {
				lines = append(lines, "\tlisten = "+address+" -> the workers of pool "+f.Direct)
			} else {
				lines = append(lines, "\tlisten = "+address+" -> the front, because "+f.notDirect)
			}
		}
		for _, address := range f.Own.TLSListen {
			lines = append(lines, "\tlisten = "+address+" -> the front, because of TLS")
		}
	}
	return append(lines, " ")
}
