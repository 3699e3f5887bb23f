// Counterpart: linux/posix_acl.h, linux/posix_acl_xattr.h

package permission

import (
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// Attribute is the extended attribute that has a file's access control list, in the kernel's form.
const Attribute = "system.posix_acl_access"

// The kernel's form of an access control list.
const (
	version = 2

	userObj  = 0x01
	user     = 0x02
	groupObj = 0x04
	group    = 0x08
	mask     = 0x10
	other    = 0x20

	noID      = 0xffffffff
	readWrite = 6
)

// EncodeACL returns the list, in the kernel's form, by which users and groups may read and write a file of a mode, beside those that the mode allows.
func EncodeACL(mode uint32, users, groups []int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, version)
	add := func(kind, perm uint16, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, kind)
		b = binary.LittleEndian.AppendUint16(b, perm)
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	ofGroup := uint16(mode >> 3 & 7)
	add(userObj, uint16(mode>>6&7), noID)
	for _, id := range sorted(users) {
		add(user, readWrite, uint32(id))
	}
	add(groupObj, ofGroup, noID)
	for _, id := range sorted(groups) {
		add(group, readWrite, uint32(id))
	}
	add(mask, ofGroup|readWrite, noID)
	add(other, uint16(mode&7), noID)
	return b
}

// sorted returns the ids in the order that the kernel wants, each once.
func sorted(ids []int) []int {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

// longest is how long a list may be, in bytes, to be read here.
const longest = 4096

// ACL returns the access control list of a path, in the kernel's form; empty: there is none. It follows no symbolic link at the path's
// end.
func ACL(path string) ([]byte, error) {
	return list(func(b []byte) (int, error) { return unix.Lgetxattr(path, Attribute, b) })
}

// ACLOf is ACL for an open file.
func ACLOf(fd int) ([]byte, error) {
	return list(func(b []byte) (int, error) { return unix.Fgetxattr(fd, Attribute, b) })
}

func list(get func([]byte) (int, error)) ([]byte, error) {
	var b [longest]byte
	n, err := get(b[:])
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return slices.Clone(b[:n]), nil
}

// entry is an entry of an access control list. Entries of users come before those of groups.
type entry struct {
	kind uint16
	mode uint32
	id   uint32
}

// entries parses a list. It returns false if the list is malformed.
func entries(acl []byte) (all []entry, ok bool) {
	if len(acl) < 4 || len(acl)%8 != 4 || binary.LittleEndian.Uint32(acl) != version {
		return nil, false
	}
	for b := acl[4:]; len(b) > 0; b = b[8:] {
		all = append(all, entry{binary.LittleEndian.Uint16(b), uint32(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])})
	}
	return all, true
}
