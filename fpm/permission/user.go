package permission

import "slices"

// User is the user of a process without privileges.
type User struct {
	UID, GID int
	Groups   []int // besides GID
}

// What a file may allow a user: bits of its mode, as those for owner, group or others have them.
const (
	Search = 0o1 // of a directory
	Write  = 0o2
	Read   = 0o4
)

// File is what is known of a file.
type File struct {
	UID, GID uint32
	Mode     uint32
	ACL      []byte // see ACL
}

// May reports whether a file allows the user what bits say. A list that is malformed allows something to the owner only.
func (u *User) May(f File, bits uint32) bool {
	grants := func(mode uint32) bool { return mode&bits == bits }
	switch {
	case int(f.UID) == u.UID:
		return grants(f.Mode >> 6)
	case len(f.ACL) > 0:
		return u.mayBy(f, grants)
	case u.IsIn(int(f.GID)):
		return grants(f.Mode >> 3)
	}
	return grants(f.Mode)
}

// mayBy is May for a file with an access control list, and a user who does not own it.
func (u *User) mayBy(f File, grants func(mode uint32) bool) bool {
	all, ok := entries(f.ACL)
	if !ok {
		return false
	}
	masked := uint32(0o7)
	if i := slices.IndexFunc(all, func(e entry) bool { return e.kind == mask }); i >= 0 {
		masked = all[i].mode
	}
	member := false
	for _, e := range all {
		switch {
		case e.kind == user && int(e.id) == u.UID:
			return grants(e.mode & masked)
		case e.kind == groupObj && u.IsIn(int(f.GID)), e.kind == group && u.IsIn(int(e.id)):
			if grants(e.mode & masked) {
				return true
			}
			member = true
		}
	}
	return !member && grants(f.Mode)
}

// IsIn reports whether the user is in a group.
func (u *User) IsIn(group int) bool { return group == u.GID || slices.Contains(u.Groups, group) }
