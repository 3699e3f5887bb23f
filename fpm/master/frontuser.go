package master

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// credentials is the user and the groups that a front runs as.
type credentials struct {
	name     string // of the user, for messages
	uid, gid int
	groups   []int // others than gid
	share    int   // the group of the front's own unix sockets
	drop     bool  // the master is root, and the front is another user
	own      bool  // nobody else is that user
}

// A front that root starts is a user of its own: a process of another user that runs scripts cannot signal it, read its memory or
// take its sockets. The user is frontUser if the machine has one, else a number from ownUID on. Debian reserves 65000 to
// 65533 (Policy, section 9.2.2), and systemd's dynamic users end at 65519, so that nobody else has these; a namespace of
// 65,536 users, as of a container, does have them.
const (
	frontUser = "phpsapi"
	ownUID    = 65530
	lastUID   = 65533
)

// webGroup is the group that files and sockets for web servers have on Debian.
const webGroup = "www-data"

// frontCredentials are those of http.user and http.group. Only root can give others than its own. pools are all, routed
// those that the sites name.
func frontCredentials(own *settings.Settings, pools, routed []*conf.Pool) (c credentials, err error) {
	if os.Geteuid() != 0 {
		c = credentials{uid: os.Geteuid(), gid: os.Getegid(), share: os.Getegid(), name: "user " + strconv.Itoa(os.Geteuid())}
		if u, err := user.LookupId(strconv.Itoa(c.uid)); err == nil {
			c.name = u.Username
		}
		return c, nil
	}
	if own.User != "" {
		c, err = namedUser(own.User)
	} else {
		c, err = ownUser(pools)
	}
	if err != nil {
		return c, err
	}
	c.drop = true
	switch {
	case own.Group != "":
		if c.gid = groupID(own.Group); c.gid < 0 {
			return c, fmt.Errorf("http.group: there is no group %s", own.Group)
		}
	case own.User == "":
		c.groups = webGroups(routed, c.gid)
	}
	if c.uid == 0 || c.gid == 0 {
		return c, errors.New("the front is never root: set http.user and http.group to others")
	}
	c.share = c.gid
	if len(c.groups) > 0 {
		c.share = c.groups[0]
	}
	return c, nil
}

// namedUser is the user of http.user.
func namedUser(name string) (credentials, error) {
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return credentials{}, fmt.Errorf("http.user: there is no user %s", name)
	}
	return credentialsOf(u), nil
}

func credentialsOf(u *user.User) credentials {
	c := credentials{name: u.Username}
	c.uid, _ = strconv.Atoi(u.Uid)
	c.gid, _ = strconv.Atoi(u.Gid)
	return c
}

// ownUser is the first of the front's own users that no pool has, and that is not taken. Where none is there, in a small namespace, it is a user
// without privileges.
func ownUser(pools []*conf.Pool, taken ...int) (credentials, error) {
	for _, p := range pools {
		taken = append(taken, userID(p.User.Value))
	}
	if u, err := user.Lookup(frontUser); err == nil {
		if c := credentialsOf(u); !slices.Contains(taken, c.uid) {
			c.own = true
			return c, nil
		}
	}
	for id := ownUID; id <= lastUID; id++ {
		if !slices.Contains(taken, id) && mapped("/proc/self/uid_map", id) && mapped("/proc/self/gid_map", id) {
			return credentials{name: strconv.Itoa(id), uid: id, gid: id, own: true}, nil
		}
	}
	u, err := unprivileged()
	if err != nil {
		return credentials{}, errors.New("there is neither a user www-data nor nobody: set http.user to the user of the front")
	}
	return credentialsOf(u), nil
}

// webGroups are the groups by which a front of its own user reaches files and sockets: that of web servers, and those of
// the pools' user if all pools have the same. With several users the front is in none of theirs: it would send the files
// of one by a symbolic link of another.
func webGroups(routed []*conf.Pool, besides int) (groups []int) {
	add := func(id int) {
		if id > 0 && id != besides && !slices.Contains(groups, id) && mapped("/proc/self/gid_map", id) {
			groups = append(groups, id)
		}
	}
	add(groupID(webGroup))
	for _, p := range routed {
		if p.User.Value != routed[0].User.Value || p.Group.Value != routed[0].Group.Value {
			return groups
		}
	}
	if len(routed) == 0 {
		return groups
	}
	add(groupID(routed[0].Group.Value))
	u, err := user.Lookup(routed[0].User.Value)
	if err != nil {
		u, err = user.LookupId(routed[0].User.Value)
	}
	if err == nil {
		all, _ := u.GroupIds()
		for _, id := range append([]string{u.Gid}, all...) {
			n, _ := strconv.Atoi(id)
			add(n)
		}
	}
	return groups
}

// userID is the id of a user by name or number; -1 if there is none.
func userID(name string) int {
	if u, err := user.Lookup(name); err == nil {
		name = u.Uid
	}
	return idOf(name)
}

// observerCredentials are those of an observer: a user of its own, as a front has one, and another than that of the front.
func observerCredentials(g *generation) (credentials, error) {
	if os.Geteuid() != 0 {
		return frontCredentials(g.plan.own, nil, nil)
	}
	var taken []int
	if g.plan.wanted() {
		taken = append(taken, g.plan.who.uid)
	}
	c, err := ownUser(g.config.Pools, taken...)
	c.drop = true
	return c, err
}

// groupID is the id of a group by name or number; -1 if there is none.
func groupID(name string) int {
	if g, err := user.LookupGroup(name); err == nil {
		name = g.Gid
	}
	return idOf(name)
}

func idOf(number string) int {
	if n, err := strconv.ParseUint(number, 10, 31); err == nil {
		return int(n)
	}
	return -1
}

// mapped reports whether the namespace has an id, by its map (user_namespaces(7)).
func mapped(file string, id int) bool {
	f, err := os.Open(file)
	if err != nil {
		return true // no /proc: to be found out
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var inside, outside, count int64
		if n, _ := fmt.Sscan(lines.Text(), &inside, &outside, &count); n == 3 && int64(id) >= inside && int64(id) < inside+count {
			return true
		}
	}
	return false
}
