package site

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// follower finds the directory that a site's root is, through symbolic links, for one request after the other: a release
// is put in place by switching a link. All of a request is of one release then, its file or script, DOCUMENT_ROOT and
// what PHP's caches know by these names.
//
// A root without links is looked at once in lookInterval. With links, each request reads them, as a rule one.
type follower struct {
	configured *Site
	seen       atomic.Pointer[sighting]
}

// sighting is what a root was.
type sighting struct {
	site  *Site // its root is the real one
	links []link
	until time.Time // when to look again, if there are no links
}

type link struct{ name, target string }

// lookInterval is how long it may take until a link is noticed in a root that had none.
const lookInterval = time.Second

// maxLinks is the kernel's own limit (path_resolution(7)).
const maxLinks = 40

// Present returns the site with its root as it is now. If the root is a symbolic link, it may lead to another directory than before, after a
// deployment say.
func (s *Site) Present(now time.Time) *Site {
	f := s.follower
	seen := f.seen.Load()
	if seen == nil || !seen.holds(now) {
		seen = f.look(now)
		f.seen.Store(seen)
	}
	return seen.site
}

// holds reports whether nothing has changed.
func (s *sighting) holds(now time.Time) bool {
	if len(s.links) == 0 {
		return now.Before(s.until)
	}
	var target [unix.PathMax]byte
	for i := range s.links {
		n, err := unix.Readlink(s.links[i].name, target[:])
		if err != nil || string(target[:n]) != s.links[i].target {
			return false
		}
	}
	return true
}

// look resolves the root. If that fails the root is the one configured, and requests find out why.
func (f *follower) look(now time.Time) *sighting {
	real, links, err := resolve(f.configured.root)
	if err != nil {
		return &sighting{site: f.configured}
	}
	s := &sighting{site: f.configured, links: links, until: now.Add(lookInterval)}
	if last := f.seen.Load(); last != nil && last.site.root == real {
		s.site = last.site
	} else if real != f.configured.root {
		made := *f.configured
		made.root = real
		made.sendable = append([]string{real}, made.sendable...)
		if old := made.access; old != nil {
			made.access = &access{root: real, log: old.log, reader: old.reader, said: old.said, seen: map[string]remembered{}}
		}
		made.findController()
		s.site = &made
	}
	return s
}

// resolve returns the path without symbolic links that an absolute path leads to, without a slash at its end, and the
// links on the way.
func resolve(name string) (real string, links []link, err error) {
	rest := strings.Split(name, "/")
	for len(rest) > 0 {
		segment := rest[0]
		rest = rest[1:]
		switch segment {
		case "", ".":
			continue
		case "..":
			real = real[:max(strings.LastIndexByte(real, '/'), 0)]
			continue
		}
		full := real + "/" + segment
		target, err := os.Readlink(full)
		if errors.Is(err, syscall.EINVAL) { // no link
			real = full
			continue
		}
		if err == nil && len(links) == maxLinks {
			err = syscall.ELOOP
		}
		if err != nil {
			return "", nil, err
		}
		links = append(links, link{full, target})
		if strings.HasPrefix(target, "/") {
			real = ""
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return real, links, nil
}
