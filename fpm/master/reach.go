package master

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/permission"
)

// user is the front's user.
func (c credentials) user() *permission.User {
	return &permission.User{UID: c.uid, GID: c.gid, Groups: c.groups}
}

// allowed reports whether a file allows the front's user what bits say.
func (c credentials) allowed(path string, info os.FileInfo, bits uint32) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	acl, err := permission.ACL(path)
	return err == nil && c.user().May(permission.File{UID: s.Uid, GID: s.Gid, Mode: s.Mode, ACL: acl}, bits)
}

// may returns an error that says why the front's user cannot reach a path, or do there what bits say. It is nil unless
// the master is root.
func (c credentials) may(path string, bits uint32, do string) error {
	if !c.drop {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !c.allowed(dir, info, permission.Search) {
			return fmt.Errorf("the front's user %s may not enter %s (mode %04o); give it that right, or set http.user to a user that may", c.name, dir, info.Mode().Perm())
		}
		if dir == "/" {
			break
		}
	}
	info, err := os.Stat(real)
	if err == nil && !c.allowed(real, info, bits) {
		err = fmt.Errorf("the front's user %s may not %s %s (mode %04o); give it that right, or set http.user to a user that may", c.name, do, real, info.Mode().Perm())
	}
	return err
}

func (c credentials) mayRead(dir string) error {
	return c.may(dir, permission.Read|permission.Search, "read")
}

// mayConnect returns an error that says why a front could not connect to a pool's unix socket. A front with a user of its
// own is let in beside those that the pool's directives let in: they cannot know of it.
func (c credentials) mayConnect(p *pool, s conf.SocketPermissions) error {
	listed := len(s.ACLUsers)+len(s.ACLGroups) > 0
	var err error
	switch {
	case !c.drop:
		return nil
	case !listed:
		err = c.may(p.socket.Key(), permission.Write, "connect to")
	case !slices.Contains(s.ACLUsers, c.uid) && !slices.ContainsFunc(s.ACLGroups, c.user().IsIn):
		err = fmt.Errorf("the front's user %s is not among its listen.acl_users; add it, or set http.user to a user that is", c.name)
	}
	if err == nil {
		return nil
	}
	// The list begins with the mode that the directives say: that of the file is the mask, if there is a list already.
	if c.own && c.may(filepath.Dir(p.socket.Key()), permission.Search, "enter") == nil &&
		unix.Setxattr(p.socket.Key(), permission.Attribute, permission.EncodeACL(s.Mode, append(s.ACLUsers, c.uid), s.ACLGroups), 0) == nil {
		return nil
	}
	if !listed {
		err = fmt.Errorf("%w, or set listen.owner or listen.group", err)
	}
	return fmt.Errorf("pool %s: %w", p.conf.Name, err)
}
