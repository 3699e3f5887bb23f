package companion

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/permission"
)

// Permission returns the user as files' permissions know it.
func (c User) Permission() *permission.User {
	return &permission.User{UID: c.UID, GID: c.GID, Groups: c.Groups}
}

// May returns an error that says why the front's user cannot reach a path, or do there what bits say. It is nil unless
// the master is root.
func (c User) May(path string, bits uint32, do string) error {
	if !c.Drop {
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
		if !c.Permission().MayAt(dir, info, permission.Search) {
			return fmt.Errorf("the front's user %s may not enter %s (mode %04o); give it that right, or set http.user to a user that may", c.Name, dir, info.Mode().Perm())
		}
		if dir == "/" {
			break
		}
	}
	info, err := os.Stat(real)
	if err == nil && !c.Permission().MayAt(real, info, bits) {
		err = fmt.Errorf("the front's user %s may not %s %s (mode %04o); give it that right, or set http.user to a user that may", c.Name, do, real, info.Mode().Perm())
	}
	return err
}

// MayRead returns an error that says why the front's user cannot read a directory, as May.
func (c User) MayRead(dir string) error {
	return c.May(dir, permission.Read|permission.Search, "read")
}

// MayConnect returns an error that says why a front could not connect to a pool's unix socket at a path. A front with a user of its
// own is let in beside those that the pool's directives let in: they cannot know of it.
func (c User) MayConnect(pool, path string, s conf.SocketPermissions) error {
	listed := len(s.ACLUsers)+len(s.ACLGroups) > 0
	var err error
	switch {
	case !c.Drop:
		return nil
	case !listed:
		err = c.May(path, permission.Write, "connect to")
	case !slices.Contains(s.ACLUsers, c.UID) && !slices.ContainsFunc(s.ACLGroups, c.Permission().IsIn):
		err = fmt.Errorf("the front's user %s is not among its listen.acl_users; add it, or set http.user to a user that is", c.Name)
	}
	if err == nil {
		return nil
	}
	// The list begins with the mode that the directives say: that of the file is the mask, if there is a list already.
	if c.Own && c.May(filepath.Dir(path), permission.Search, "enter") == nil &&
		unix.Setxattr(path, permission.Attribute, permission.EncodeACL(s.Mode, append(s.ACLUsers, c.UID), s.ACLGroups), 0) == nil {
		return nil
	}
	if !listed {
		err = fmt.Errorf("%w, or set listen.owner or listen.group", err)
	}
	return fmt.Errorf("pool %s: %w", pool, err)
}
