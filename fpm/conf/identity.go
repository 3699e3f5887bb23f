// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_test_config, fpm_unix_conf_wp,
// fpm_unix_resolve_socket_permissions)

package conf

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// knowUsers looks up the users and groups of all pools, as php-fpm -t does.
func (l *loader) knowUsers() bool {
	for _, p := range l.cfg.Pools {
		if !l.knowUser(p, "user", p.User, false) || !l.knowGroup(p, "group", p.Group, false) || !l.checkSocketPath(p) ||
			!l.knowUser(p, "listen.owner", p.ListenOwner, true) || !l.knowGroup(p, "listen.group", p.ListenGroup, true) {
			return false
		}
	}
	return true
}

// MaxSocketPath is the length of a unix socket's path, its NUL left out: a longer one is cut.
const MaxSocketPath = 107

// checkSocketPath refuses the path of a unix socket that would be cut, as php-fpm -t does since 8.3.
func (l *loader) checkSocketPath(p *Pool) bool {
	if !l.opt.PHP.AtLeast(8, 3) || p.Domain != Unix || len(p.Listen.Value) <= MaxSocketPath {
		return true
	}
	msg := fmt.Sprintf("cannot bind to UNIX socket '%s' as path is too long (found length: %d, maximal length: %d)",
		p.Listen.Value, len(p.Listen.Value), MaxSocketPath+1)
	return l.unknown(p, "listen", true, msg)
}

// knowUser looks up a name. For a socket's owner php-fpm logs the system
// error, which is always the same.
func (l *loader) knowUser(p *Pool, directive string, name Text, socket bool) bool {
	if isID(name.Value) {
		return true
	}
	_, ok := l.user(p, directive, name.Value, socket)
	return ok
}

func (l *loader) user(p *Pool, directive, name string, socket bool) (User, bool) {
	u, err := l.sys.UserByName(name)
	if err != nil {
		return u, l.unknown(p, directive, socket, "cannot get uid for user '"+name+"'")
	}
	return u, true
}

func (l *loader) knowGroup(p *Pool, directive string, name Text, socket bool) bool {
	if isID(name.Value) {
		return true
	}
	_, ok := l.group(p, directive, name.Value, socket)
	return ok
}

func (l *loader) group(p *Pool, directive, name string, socket bool) (int, bool) {
	gid, err := l.sys.GroupByName(name)
	if err != nil {
		return gid, l.unknown(p, directive, socket, "cannot get gid for group '"+name+"'")
	}
	return gid, true
}

func (l *loader) unknown(p *Pool, directive string, socket bool, msg string) bool {
	if !socket {
		return l.refusePool(p, directive, zlog.Error, "%s", msg)
	}
	l.sayErr(nil, "[pool %s] %s", p.Name, msg)
	l.remember(Error{Place: p.nearest(directive), Pool: p.Name, Directive: directive, Msg: msg})
	return false
}

// number is the id a string of digits means, as the kernel will see it.
func number(digits string) int { return int(uint32(ini.Atoi(digits))) }

// An Identity is the user and groups that a pool's children run as. A zero UID or GID means that it
// is not changed.
type Identity struct {
	UID, GID int
	// Groups names the user whose supplementary groups the children get.
	Groups string
	// User and Home are for the children's environment; empty if unknown.
	User, Home string
}

// Identify finds out who the children of each pool run as, and logs what does
// not work or has no effect, as php-fpm does when it starts. The result has an
// Identity for each pool.
func Identify(cfg *Config, opt Options) ([]Identity, error) {
	l := newLoader(opt)
	l.cfg = cfg
	if cfg.Global.LogLevel != 0 {
		l.level = cfg.Global.LogLevel
	}
	if cfg.Global.ProcessPriority != PriorityUnset && l.sys.Geteuid() != 0 {
		l.say(zlog.Notice, "'process.priority' directive is ignored when FPM is not running as root")
	}
	ids := make([]Identity, len(cfg.Pools))
	for i, p := range cfg.Pools {
		id, ok := l.identify(p)
		if !ok {
			return nil, l.err
		}
		ids[i] = id
	}
	return ids, nil
}

func (l *loader) identify(p *Pool) (id Identity, ok bool) {
	if l.sys.Geteuid() != 0 {
		return l.ownIdentity(p), true
	}
	if p.User.Filled() {
		id.Groups = p.User.Value
		if isID(p.User.Value) {
			id.UID = number(p.User.Value)
			if u, err := l.sys.UserByID(id.UID); err == nil {
				id.GID = u.GID
				id.Groups = u.Name
			}
		} else {
			u, ok := l.user(p, "user", p.User.Value, false)
			if !ok {
				return id, false
			}
			id = Identity{UID: u.UID, GID: u.GID, Groups: p.User.Value, User: u.Name, Home: u.Home}
		}
	}
	if p.Group.Filled() {
		if isID(p.Group.Value) {
			id.GID = number(p.Group.Value)
		} else if id.GID, ok = l.group(p, "group", p.Group.Value, false); !ok {
			return id, false
		}
	}
	if !l.opt.AllowRoot && (id.UID == 0 || id.GID == 0) {
		return id, l.refusePool(p, "user", zlog.Error, "please specify user and group other than root")
	}
	return id, true
}

// ownIdentity is the master's, who is not root and cannot give another.
func (l *loader) ownIdentity(p *Pool) (id Identity) {
	for _, d := range []struct {
		name string
		set  bool
	}{
		{"user", p.User.Filled()}, {"group", p.Group.Filled()}, {"chroot", p.Chroot.Filled()},
		{"process.priority", p.ProcessPriority != PriorityUnset},
	} {
		if d.set {
			l.say(zlog.Notice, "[pool %s] '%s' directive is ignored when FPM is not running as root", p.Name, d.name)
		}
	}
	if u, err := l.sys.UserByID(l.sys.Getuid()); err == nil {
		id.User, id.Home = u.Name, u.Home
	}
	return id
}

// SocketPermissions are a unix socket's. UID and GID are -1 if they stay the
// master's; with an access control list they stay so.
type SocketPermissions struct {
	UID, GID  int
	Mode      uint32
	ACLUsers  []int // may read and write; empty with ACLGroups: no list
	ACLGroups []int
}

// Permissions finds out a pool's socket's permissions, and logs what php-fpm
// logs before it makes the socket.
func Permissions(cfg *Config, p *Pool, opt Options) (SocketPermissions, error) {
	l := newLoader(opt)
	if cfg.Global.LogLevel != 0 {
		l.level = cfg.Global.LogLevel
	}
	s := SocketPermissions{UID: -1, GID: -1, Mode: p.SocketMode()}
	if p.ListenACLUsers.Filled() || p.ListenACLGroups.Filled() {
		if !l.accessList(p, &s) {
			return s, l.err
		}
		return s, nil
	}
	if owner := p.ListenOwner; owner.Filled() {
		if isID(owner.Value) {
			s.UID = number(owner.Value)
		} else {
			u, ok := l.user(p, "listen.owner", owner.Value, true)
			if !ok {
				return s, l.err
			}
			s.UID, s.GID = u.UID, u.GID
		}
	}
	if group := p.ListenGroup; group.Filled() {
		if isID(group.Value) {
			s.GID = number(group.Value)
		} else {
			gid, ok := l.group(p, "listen.group", group.Value, true)
			if !ok {
				return s, l.err
			}
			s.GID = gid
		}
	}
	return s, nil
}

func (l *loader) accessList(p *Pool, s *SocketPermissions) bool {
	if p.ListenACLUsers.Filled() {
		for _, name := range strings.Split(p.ListenACLUsers.Value, ",") {
			u, ok := l.user(p, "listen.acl_users", name, true)
			if !ok {
				return false
			}
			l.say(zlog.Debug, "[pool %s] user '%s' have uid=%d", p.Name, name, u.UID)
			s.ACLUsers = append(s.ACLUsers, u.UID)
		}
	}
	if p.ListenACLGroups.Filled() {
		for _, name := range strings.Split(p.ListenACLGroups.Value, ",") {
			gid, ok := l.group(p, "listen.acl_groups", name, true)
			if !ok {
				return false
			}
			l.say(zlog.Debug, "[pool %s] group '%s' have gid=%d", p.Name, name, gid)
			s.ACLGroups = append(s.ACLGroups, gid)
		}
	}
	if p.ListenOwner.Filled() {
		l.say(zlog.Warning, "[pool %s] ACL set, listen.owner = '%s' is ignored", p.Name, p.ListenOwner)
	}
	if p.ListenGroup.Filled() {
		l.say(zlog.Warning, "[pool %s] ACL set, listen.group = '%s' is ignored", p.Name, p.ListenGroup)
	}
	return true
}
