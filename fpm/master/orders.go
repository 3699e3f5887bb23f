// Counterpart: sapi/fpm/fpm/fpm_env.c (fpm_env_conf_wp), fpm_unix.c (fpm_unix_init_child)

package master

import (
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// orders is a pool's configuration and identity as its workers get them: with the values of environment variables,
// and with the groups of the user.
func orders(c *conf.Pool, id conf.Identity) (*conf.Pool, contract.Identity) {
	o := *c
	who := contract.Identity{UID: id.UID, GID: id.GID, User: id.User, Home: id.Home}
	o.Env = make([]conf.KeyValue, len(c.Env))
	for i, kv := range c.Env {
		if name, ok := strings.CutPrefix(kv.Value, "$"); ok {
			kv.Value = os.Getenv(name)
		}
		switch kv.Key {
		case "USER":
			who.User = ""
		case "HOME":
			who.Home = ""
		}
		o.Env[i] = kv
	}
	if id.UID != 0 {
		who.Groups = groupsOf(id)
	}
	return &o, who
}

// groupsOf is what initgroups would set: the groups the user is a member of, and the given one.
func groupsOf(id conf.Identity) []int {
	groups := []int{id.GID}
	u, err := user.Lookup(id.Groups)
	if err != nil {
		return groups
	}
	// The user's own group is among those that the library tells even where another is configured.
	own, _ := strconv.Atoi(u.Gid)
	names, _ := u.GroupIds()
	for _, name := range names {
		if gid, err := strconv.Atoi(name); err == nil && gid != id.GID && gid != own {
			groups = append(groups, gid)
		}
	}
	return groups
}
