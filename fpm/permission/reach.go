package permission

import (
	"os"
	"syscall"
)

// MayAt reports whether a file, which info is of, allows a user what bits say, by its mode and its access control list. It is true if
// its file system has neither, and false if the list cannot be read.
func (u *User) MayAt(path string, info os.FileInfo, bits uint32) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	acl, err := ACL(path)
	return err == nil && u.May(File{UID: s.Uid, GID: s.Gid, Mode: s.Mode, ACL: acl}, bits)
}
