package direct

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/permission"
)

// A worker runs as the user of its pool, and may open files that the front may not open. It sends only files that the front could open: it
// looks at each directory on the way from the root directory on.

// reach knows which directories the front may search.
type reach struct {
	user *permission.User // the front's; nil: this process's, so that no directory need be looked at
	seen map[string]place // by the directory's path, without a slash at its end
}

// place is what a directory is to the front.
type place struct {
	standing
	real  string // its name without symbolic links, without a slash at its end
	until time.Time
}

type standing int

const (
	open   standing = iota // the front may search it
	absent                 // there is no such directory, and the front sees that
	closed                 // the front may not search it, or that is not known
)

// How long a directory's standing may be out of date, how many are remembered, and how many symbolic links a path may have.
const (
	reachInterval   = time.Second
	mostPlaces      = 4096
	mostLinksOnPath = 40
)

// of returns what a directory is to the front.
func (r *reach) of(dir string, now time.Time) place {
	if r.user == nil {
		return place{real: dir}
	}
	links := 0
	return r.find(dir, now, &links)
}

func (r *reach) find(dir string, now time.Time, links *int) place {
	if p, ok := r.seen[dir]; ok && now.Before(p.until) {
		return p
	}
	p := r.look(dir, now, links)
	if p.standing == absent { // clients may ask for any number of them
		return p
	}
	if len(r.seen) >= mostPlaces || r.seen == nil {
		r.seen = map[string]place{}
	}
	r.seen[strings.Clone(dir)] = p
	return p
}

func (r *reach) look(dir string, now time.Time, links *int) place {
	i := strings.LastIndexByte(dir, '/')
	if i < 0 {
		return place{r.standing("/", nil), "", now.Add(reachInterval)}
	}
	up, base := r.find(dir[:i], now, links), dir[i+1:]
	switch {
	case up.standing != open, base == "", base == ".":
		return up
	case base == "..":
		return r.find(up.real[:max(strings.LastIndexByte(up.real, '/'), 0)], now, links)
	}
	name := up.real + "/" + base
	var target string
	p := place{r.standing(name, &target), name, up.until}
	if target == "" {
		return p
	}
	if *links++; *links > mostLinksOnPath {
		p.standing = closed
		return p
	}
	if target[0] != '/' {
		target = up.real + "/" + target
	}
	found := r.find(strings.TrimRight(target, "/"), now, links)
	if up.until.Before(found.until) {
		found.until = up.until
	}
	return found
}

// standing looks at a directory whose parent is open. It sets target if that is a symbolic link.
func (r *reach) standing(name string, target *string) standing {
	var st unix.Stat_t
	err := unix.Lstat(name, &st)
	for err == unix.EINTR {
		err = unix.Lstat(name, &st)
	}
	switch {
	case err == unix.ENOENT, err == unix.ENOTDIR, err == unix.ENAMETOOLONG:
		return absent
	case err != nil:
		return closed
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
	case unix.S_IFLNK:
		var b [unix.PathMax]byte
		n, err := unix.Readlink(name, b[:])
		if err != nil || n == 0 || target == nil {
			return closed
		}
		*target = string(b[:n])
		return open
	default:
		return absent
	}
	acl, err := permission.ACL(name)
	if err != nil || !r.user.May(permission.File{UID: st.Uid, GID: st.Gid, Mode: st.Mode, ACL: acl}, permission.Search) {
		return closed
	}
	return open
}
