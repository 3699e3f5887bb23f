package master

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Bits of a mode, for one of owner, group and others.
const (
	mayWrite  = 0o2
	mayRead   = 0o4
	maySearch = 0o1
)

// allowed reports whether a file's mode allows the front's user what bits say. Access control lists are not looked at.
func (c credentials) allowed(info os.FileInfo, bits os.FileMode) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case int(s.Uid) == c.uid:
		mode >>= 6
	case c.isIn(int(s.Gid)):
		mode >>= 3
	}
	return mode&bits == bits
}

// may returns an error that says why the front's user cannot reach a path, or do there what bits say. It is nil unless
// the master is root.
func (c credentials) may(path string, bits os.FileMode, do string) error {
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
		if !c.allowed(info, maySearch) {
			return fmt.Errorf("the front's user %s may not enter %s (mode %04o); allow it, or set http.user to a user that may", c.name, dir, info.Mode().Perm())
		}
		if dir == "/" {
			break
		}
	}
	info, err := os.Stat(real)
	if err == nil && !c.allowed(info, bits) {
		err = fmt.Errorf("the front's user %s may not %s %s (mode %04o); allow it, or set http.user to a user that may", c.name, do, real, info.Mode().Perm())
	}
	return err
}

func (c credentials) mayRead(dir string) error { return c.may(dir, mayRead|maySearch, "read") }

// mayConnect returns an error that says why a front could not connect to a pool's unix socket. A front with a user of its
// own is let in beside those that the pool's directives let in: they cannot know of it.
func (c credentials) mayConnect(p *pool, s conf.SocketPermissions) error {
	listed := len(s.ACLUsers)+len(s.ACLGroups) > 0
	var err error
	switch {
	case !c.drop:
		return nil
	case !listed:
		err = c.may(p.socket.key, mayWrite, "connect to")
	case !slices.Contains(s.ACLUsers, c.uid) && !slices.ContainsFunc(s.ACLGroups, c.isIn):
		err = fmt.Errorf("the front's user %s is not among its listen.acl_users; add it, or set http.user to a user that is", c.name)
	}
	if err == nil {
		return nil
	}
	// The list begins with the mode that the directives say: that of the file is the mask, if there is a list already.
	if c.own && c.may(filepath.Dir(p.socket.key), maySearch, "enter") == nil &&
		unix.Setxattr(p.socket.key, aclAttribute, encodeACL(s.Mode, append(s.ACLUsers, c.uid), s.ACLGroups), 0) == nil {
		return nil
	}
	if !listed {
		err = fmt.Errorf("%w, or set listen.owner or listen.group", err)
	}
	return fmt.Errorf("pool %s: %w", p.conf.Name, err)
}

func (c credentials) isIn(group int) bool { return group == c.gid || slices.Contains(c.groups, group) }
