package master

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Bits of a mode, for one of owner, group and others.
const (
	mayWrite  = 0o2
	mayRead   = 0o4
	maySearch = 0o1
)

// allowed says what a file's mode allows somebody without privileges. Access control lists are not looked at.
func (c credentials) allowed(info os.FileInfo, bits os.FileMode) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case int(s.Uid) == c.uid:
		mode >>= 6
	case int(s.Gid) == c.gid:
		mode >>= 3
	}
	return mode&bits == bits
}

// may says why somebody without privileges cannot reach a path, and do there what bits say. Only root, who is about to
// give up that, needs to ask.
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
			return fmt.Errorf("the front's user %s may not enter %s (mode %04o); allow it, or say another http.user", c.name, dir, info.Mode().Perm())
		}
		if dir == "/" {
			break
		}
	}
	info, err := os.Stat(real)
	if err == nil && !c.allowed(info, bits) {
		err = fmt.Errorf("the front's user %s may not %s %s (mode %04o); allow it, or say another http.user", c.name, do, real, info.Mode().Perm())
	}
	return err
}

func (c credentials) mayRead(dir string) error { return c.may(dir, mayRead|maySearch, "read") }

// mayConnect says why a front could not connect to a pool's unix socket.
func (c credentials) mayConnect(p *pool, s conf.SocketPermissions) error {
	if len(s.ACLUsers)+len(s.ACLGroups) > 0 {
		if !c.drop || slices.Contains(s.ACLUsers, c.uid) || slices.Contains(s.ACLGroups, c.gid) {
			return nil
		}
		return fmt.Errorf("pool %s: the front's user %s is not among its listen.acl_users; add it, or say another http.user", p.conf.Name, c.name)
	}
	if err := c.may(p.socket.key, mayWrite, "connect to"); err != nil {
		return fmt.Errorf("pool %s: %w, or listen.owner = %s", p.conf.Name, err, c.name)
	}
	return nil
}
