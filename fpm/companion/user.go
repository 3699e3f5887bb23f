package companion

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// User is the user and the groups that a companion runs as.
type User struct {
	Name     string // for messages
	UID, GID int
	Groups   []int // others than GID
	Share    int   // the group of the companion's own unix sockets
	Drop     bool  // the master is root, and the companion is another user
	Own      bool  // nobody else is that user
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

// FrontUser returns the user of a front by http.user and http.group, each of which may be empty. Only root can give another than its own.
// pools are all, routed those that the sites name.
func FrontUser(name, group string, pools, routed []*conf.Pool) (c User, err error) {
	if os.Geteuid() != 0 {
		c = User{UID: os.Geteuid(), GID: os.Getegid(), Share: os.Getegid(), Name: "user " + strconv.Itoa(os.Geteuid())}
		if u, err := user.LookupId(strconv.Itoa(c.UID)); err == nil {
			c.Name = u.Username
		}
		return c, nil
	}
	if name != "" {
		c, err = namedUser(name)
	} else {
		c, err = ownUser(pools)
	}
	if err != nil {
		return c, err
	}
	c.Drop = true
	switch {
	case group != "":
		if c.GID = GroupID(group); c.GID < 0 {
			return c, fmt.Errorf("http.group: there is no group %s", group)
		}
	case name == "":
		c.Groups = webGroups(routed, c.GID)
	}
	if c.UID == 0 || c.GID == 0 {
		return c, errors.New("the front is never root: set http.user and http.group to others")
	}
	c.Share = c.GID
	if len(c.Groups) > 0 {
		c.Share = c.Groups[0]
	}
	return c, nil
}

// namedUser is the user of http.user.
func namedUser(name string) (User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return User{}, fmt.Errorf("http.user: there is no user %s", name)
	}
	return userOf(u), nil
}

func userOf(u *user.User) User {
	c := User{Name: u.Username}
	c.UID, _ = strconv.Atoi(u.Uid)
	c.GID, _ = strconv.Atoi(u.Gid)
	return c
}

// ownUser is the first of the front's own users that no pool has, and that is not taken. Where none is there, in a small namespace, it is a user
// without privileges.
func ownUser(pools []*conf.Pool, taken ...int) (User, error) {
	for _, p := range pools {
		taken = append(taken, UserID(p.User.Value))
	}
	if u, err := user.Lookup(frontUser); err == nil {
		if c := userOf(u); !slices.Contains(taken, c.UID) {
			c.Own = true
			return c, nil
		}
	}
	for id := ownUID; id <= lastUID; id++ {
		if !slices.Contains(taken, id) && mapped("/proc/self/uid_map", id) && mapped("/proc/self/gid_map", id) {
			return User{Name: strconv.Itoa(id), UID: id, GID: id, Own: true}, nil
		}
	}
	u, err := Unprivileged()
	if err != nil {
		return User{}, errors.New("there is neither a user www-data nor nobody: set http.user to the user of the front")
	}
	return userOf(u), nil
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
	add(GroupID(webGroup))
	for _, p := range routed {
		if p.User.Value != routed[0].User.Value || p.Group.Value != routed[0].Group.Value {
			return groups
		}
	}
	if len(routed) == 0 {
		return groups
	}
	add(GroupID(routed[0].Group.Value))
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

// UserID is the id of a user by name or number; -1 if there is none.
func UserID(name string) int {
	if u, err := user.Lookup(name); err == nil {
		name = u.Uid
	}
	return idOf(name)
}

// ObserverUser returns the user of an observer: one of its own, as a front has one, and another than that of front, which is the front's
// if there is one.
func ObserverUser(pools []*conf.Pool, front *User) (User, error) {
	if os.Geteuid() != 0 {
		return FrontUser("", "", nil, nil)
	}
	var taken []int
	if front != nil {
		taken = append(taken, front.UID)
	}
	c, err := ownUser(pools, taken...)
	c.Drop = true
	return c, err
}

// GroupID is the id of a group by name or number; -1 if there is none.
func GroupID(name string) int {
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

// Unprivileged is a user without privileges that any machine has: that of the workers of the built-in pool, if root starts them.
func Unprivileged() (u *user.User, err error) {
	for _, name := range []string{"www-data", "nobody"} {
		if u, err = user.Lookup(name); err == nil {
			return u, nil
		}
	}
	return nil, err
}
