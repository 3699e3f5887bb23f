// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_set_socket_permissions)

package listening

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/permission"
)

// setACL lets users and groups read and write a file, beside those its mode lets. read says that an error came
// after the mode was read.
func setACL(path string, users, groups []int) (read bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return true, unix.Setxattr(path, permission.Attribute, permission.EncodeACL(uint32(info.Mode().Perm()), users, groups), 0)
}
