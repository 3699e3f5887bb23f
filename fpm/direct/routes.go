package direct

import (
	"encoding/binary"
	"net/url"
	"time"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// route is what a path of a request was lately: one that is asked for again and again costs no system call, and no memory.
type route struct {
	raw, path string // as it came, and clean
	// script is what answered for it, of site. Nobody need look again until then.
	site   *site.Site
	script site.Script
	until  time.Time
}

// How many routes are remembered, of which the paths have at most so many bytes, and how long a script is taken to be where it was. (PHP's
// realpath cache takes it for two minutes.)
const (
	routeBits    = 5
	longestRoute = 512
	scriptStays  = 10 * time.Millisecond
)

// routes remember paths.
type routes struct {
	all  [1 << routeBits]route
	long route // of the last path that is too long to be remembered
}

// of returns the route of a path as it came. ok is false if that cannot be decoded, or leads nowhere.
func (p *routes) of(raw []byte) (at *route, ok bool) {
	at = &p.all[hashPath(raw)]
	if len(raw) > 0 && string(raw) == at.raw {
		return at, true
	}
	text := string(raw)
	path, ok := cleanPath(text)
	if !ok {
		return nil, false
	}
	if len(raw) > longestRoute {
		at = &p.long
	}
	*at = route{raw: text, path: path}
	return at, true
}

// cleanPath returns a path decoded and made straight.
func cleanPath(raw string) (path string, ok bool) {
	for i := range len(raw) {
		if raw[i] == '%' {
			decoded, err := url.PathUnescape(raw)
			if err != nil {
				return "", false
			}
			raw = decoded
			break
		}
	}
	path, err := site.CleanPath(raw)
	return path, err == nil
}

// hashPath is where the route of a path is among all, by the path's end.
func hashPath(raw []byte) uint32 {
	var end [8]byte
	if len(raw) >= len(end) {
		end = [8]byte(raw[len(raw)-len(end):])
	} else {
		copy(end[:], raw)
	}
	h := (binary.LittleEndian.Uint64(end[:]) + uint64(len(raw))) * 0x9e3779b97f4a7c15
	return uint32(h >> (64 - routeBits))
}

// isKnown reports whether the script is known that answers for the path at a site.
func (r *route) isKnown(s *site.Site, now time.Time) bool {
	return r.site == s && r.script.Name != "" && now.Before(r.until)
}

// know remembers the script that answers for the path at a site. One whose name is not the path's must be asked for again: a file of the
// path's name may be there by then.
func (r *route) know(s *site.Site, script *site.Script, now time.Time) {
	r.site, r.script, r.until = s, *script, now
	if script.Name == r.path {
		r.until = now.Add(scriptStays)
	}
}
