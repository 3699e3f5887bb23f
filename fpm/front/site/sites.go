package site

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/permission"
)

// Sites are all sites of a front, in the order in which they are looked at.
type Sites struct {
	all      []*Site
	discreet []*Site // those that have internal paths
}

// NewSites makes the sites of a front ready. log may be nil: Target.Remark takes the place of messages then. It returns an error if a site's
// pool is none of pools, or if its settings make no sense.
func NewSites(list []contract.Site, pools []contract.FrontPool, log Log) (*Sites, error) {
	made := &Sites{}
	for i := range list {
		pool := poolOf(&list[i], pools)
		if pool == nil {
			return nil, fmt.Errorf("the site in %s: pool %q is not known to the front", list[i].Root, list[i].Pool)
		}
		s, err := New(&list[i], pool.Chroot, log)
		if err != nil {
			return nil, err
		}
		s.Number = i
		made.all = append(made.all, s)
	}
	made.conceal()
	return made, nil
}

// ReadAs has each .htaccess that a user may not read count as unreadable; nil: this process's user. It must be called before the first Route.
func (all *Sites) ReadAs(user *permission.User) {
	for _, s := range all.all {
		if s.access != nil {
			s.access.reader = user
		}
	}
}

func poolOf(s *contract.Site, pools []contract.FrontPool) *contract.FrontPool {
	for i := range pools {
		if pools[i].Name == s.Pool {
			return &pools[i]
		}
	}
	return nil
}

// Of returns the first site that answers a host, as a Host header has it, and a clean path; nil: none does. What is to be asked for
// a target is its Present.
func (all *Sites) Of(host, path string) *Site {
	name := ""
	for _, s := range all.all {
		if name == "" && len(s.Hosts) > 0 {
			name = HostName(host)
		}
		if s.matches(name, path) {
			return s
		}
	}
	return nil
}

// IsInternal reports whether a clean path is an internal one of any site that answers the host: a path of one site may
// be an address of another.
func (all *Sites) IsInternal(host, path string) bool {
	if len(all.discreet) == 0 {
		return false
	}
	name := HostName(host)
	for _, s := range all.discreet {
		if s.answers(name) && s.isInternal(path) {
			return true
		}
	}
	return false
}

// conceal tells the sites which directories below their roots belong to an internal path, of any site.
func (all *Sites) conceal() {
	for _, s := range all.all {
		if len(s.Internal) > 0 {
			all.discreet = append(all.discreet, s)
		}
	}
	for _, s := range all.all {
		for _, other := range all.discreet {
			for i := range other.Internal {
				s.concealDirectory(other.Internal[i].Directory)
			}
		}
	}
}
