package plan

import (
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// admit finds out which clients may ask a pool, and for which scripts, and makes its processes answer one request each if they are to.
func (p *Plan) admit(pool *conf.Pool) error {
	w := p.protections[pool.Name]
	if w == nil {
		return nil
	}
	if w.PerRequest && pool.Shared == nil {
		place := w.PlaceOf("process_per_request")
		if p.Workers[pool.Name] != nil {
			return fmt.Errorf("%s: pool %s is in worker mode: set snapshot: 1 of its worker instead", place, pool.Name)
		}
		pool.MaxRequests = 1
		pool.SetFrom("pm.max_requests", place)
	}
	a := &contract.Admission{CheckPeers: len(w.AllowedUsers)+len(w.AllowedGroups) > 0, IgnoreValues: w.IgnoreClientValues, CheckOwners: w.CheckOwners}
	if a.CheckPeers && pool.Domain != conf.Unix {
		key := "listen.allowed_users"
		if len(w.AllowedUsers) == 0 {
			key = "listen.allowed_groups"
		}
		return fmt.Errorf("%s: pool %s listens on an address, whose clients have no user: use listen.allowed_clients of php-fpm.conf, or let the pool listen on a unix socket", w.PlaceOf(key), pool.Name)
	}
	for _, list := range []struct {
		key, what string
		names     []string
		id        func(string) int
		into      *[]int
	}{
		{"listen.allowed_users", "user", w.AllowedUsers, companion.UserID, &a.Users},
		{"listen.allowed_groups", "group", w.AllowedGroups, companion.GroupID, &a.Groups},
		{"script_owners", "user", w.Owners, companion.UserID, &a.Owners},
	} {
		for _, name := range list.names {
			id := list.id(name)
			if id < 0 {
				return fmt.Errorf("%s: there is no %s %s", w.PlaceOf(list.key), list.what, name)
			}
			*list.into = append(*list.into, id)
		}
	}
	if script := p.Workers[pool.Name]; w.CheckOwners && script != nil {
		var stat syscall.Stat_t
		owners := append([]int{0, os.Geteuid(), companion.UserID(pool.User.Value)}, a.Owners...)
		if err := syscall.Stat(script.Script, &stat); err == nil && !slices.Contains(owners, int(stat.Uid)) {
			return fmt.Errorf("%s: the worker script %s of pool %s is user %d's: change its owner, or add that user", w.PlaceOf("script_owners"), script.Script, pool.Name, stat.Uid)
		}
	}
	if p.admissions == nil {
		p.admissions = map[string]*contract.Admission{}
	}
	p.admissions[pool.Name] = a
	return nil
}

// AdmissionOf returns which clients may ask a pool, and for which scripts; nil: those that php-fpm.conf has. uid is the pool's user, 0 the
// master's, and home the pool at whose socket its connections are accepted.
func (p *Plan) AdmissionOf(pool, home string, uid int) *contract.Admission {
	if p == nil || p.admissions[pool] == nil {
		return nil
	}
	a := *p.admissions[pool]
	if uid == 0 {
		uid = os.Geteuid()
	}
	a.Owners = append([]int{0, uid}, a.Owners...)
	if p.Routes(home) {
		a.Users = append([]int{p.Who.UID}, a.Users...)
	}
	return &a
}
