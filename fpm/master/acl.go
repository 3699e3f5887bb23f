// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_set_socket_permissions); acl(5), linux/posix_acl_xattr.h

package master

import (
	"encoding/binary"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// The kernel's form of an access control list.
const (
	aclAttribute = "system.posix_acl_access"
	aclVersion   = 2

	aclUserObj  = 0x01
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
	aclOther    = 0x20

	aclNoID      = 0xffffffff
	aclReadWrite = 6
)

// setACL lets users and groups read and write a file, beside those its mode lets. read says that an error came
// after the mode was read.
func setACL(path string, users, groups []int) (read bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return true, unix.Setxattr(path, aclAttribute, encodeACL(uint32(info.Mode().Perm()), users, groups), 0)
}

func encodeACL(mode uint32, users, groups []int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	add := func(tag, perm uint16, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, perm)
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	group := uint16(mode >> 3 & 7)
	add(aclUserObj, uint16(mode>>6&7), aclNoID)
	for _, id := range sorted(users) {
		add(aclUser, aclReadWrite, uint32(id))
	}
	add(aclGroupObj, group, aclNoID)
	for _, id := range sorted(groups) {
		add(aclGroup, aclReadWrite, uint32(id))
	}
	add(aclMask, group|aclReadWrite, aclNoID)
	add(aclOther, uint16(mode&7), aclNoID)
	return b
}

// sorted are the ids in the order the kernel wants, each once.
func sorted(ids []int) []int {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}
