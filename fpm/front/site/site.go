package site

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Log takes messages for the error log.
type Log = func(level zlog.Level, format string, args ...any)

// Site is a contract.Site made ready: what does not change from request to request is worked out.
type Site struct {
	*contract.Site
	Number          int    // among the sites of the front, from 0
	prefix          string // Path without a slash at its end
	root            string // Root without a slash at its end; see Present
	lowerExtensions []string
	controllerFile  string   // Controller's path below the root
	controller      Target   // Controller as a target, without PATH_INFO
	sendable        []string // what X-Sendfile may reach: Root and Sendfile, without a slash at their ends
	chroot          string   // of the pool, without a slash at its end: where X-Sendfile's paths begin
	follower        *follower
	denials         []denial
	concealed       []string // directories of internal paths, below the root: "/storage"
	access          *access  // nil: .htaccess files do not count
	stale           *saidOnce
	log             Log // nil: nobody wants to know
}

// Counted returns the number by which a worker counts the requests of a site, from 1, for the number of the site, from 0. It returns 0 if the site is
// not counted for itself: there are more than scoreboard.MostSites.
func Counted(number int) uint8 {
	if number < 0 || number >= scoreboard.MostSites {
		return 0
	}
	return uint8(number + 1)
}

// New makes a site ready whose pool has the chroot given. log may be nil.
func New(s *contract.Site, chroot string, log Log) (*Site, error) {
	if !filepath.IsAbs(s.Root) {
		return nil, fmt.Errorf("the site in %q: the root must be an absolute path", s.Root)
	}
	made := &Site{Site: s, prefix: strings.TrimRight(s.Path, "/"), root: trimRoot(s.Root), log: log, stale: &saidOnce{}}
	made.chroot = strings.TrimRight(chroot, "/")
	made.sendable = append(made.sendable, made.root)
	for _, d := range s.Sendfile {
		made.sendable = append(made.sendable, trimRoot(d))
	}
	for _, e := range s.Extensions {
		made.lowerExtensions = append(made.lowerExtensions, strings.ToLower(e))
	}
	var err error
	if made.denials, err = newDenials(s.Deny); err != nil {
		return nil, fmt.Errorf("the site in %s: %w", s.Root, err)
	}
	if s.Htaccess {
		made.access = &access{root: made.root, log: log, said: &saidOnce{}, seen: map[string]remembered{}}
	}
	made.follower = &follower{configured: made}
	made.findController()
	return made, nil
}

// findController sets what is derived from Controller and the root.
func (s *Site) findController() {
	s.controllerFile = "/" + s.Controller
	s.controller = s.script(s.controllerFile, "")
}

// Directory returns the site's root without a slash at its end: Root itself, or of a Site that Present returned the directory that
// Root led to.
func (s *Site) Directory() string { return s.root }

// NameOf returns the name that a file or directory of a clean path has, or would have, without a slash at its end.
func (s *Site) NameOf(path string) string {
	return s.root + strings.TrimSuffix(path[len(s.prefix):], "/")
}

// trimRoot cleans a directory's path so that one of a URL can be put after it.
func trimRoot(dir string) string {
	return strings.TrimRight(filepath.Clean(dir), "/")
}

// matches reports whether the site answers a host, in lower case and without port, and a clean path.
func (s *Site) matches(host, path string) bool { return isSegment(path, s.prefix) && s.answers(host) }

// answers reports whether the site answers a host, in lower case and without port.
func (s *Site) answers(host string) bool {
	if len(s.Hosts) == 0 {
		return true
	}
	for _, h := range s.Hosts {
		if h == host || strings.HasPrefix(h, "*.") && len(host) >= len(h) && strings.HasSuffix(host, h[1:]) {
			return true
		}
	}
	return false
}

// HostName returns a Host header as sites know it: lower case, without port and without the dot of a full name.
func HostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
