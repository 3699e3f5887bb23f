package direct

import (
	"encoding/binary"
	"net/url"
	"time"

	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// route is what is known of a path of requests. A path that is asked for again and again costs no system call and no memory.
type route struct {
	raw, path string // as it came, and clean
	// script is the script of site that answers for the path. It is believed until then.
	site   *site.Site
	script site.Script
	until  time.Time
}

// How many routes are remembered, as a power of two; how long their paths are at most, in bytes; and how long a script is believed to be
// there without another look. PHP's realpath cache believes it for two minutes.
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

// of returns the route of a path as it came. ok is false if the path cannot be decoded, or leads above the root.
func (r *routes) of(raw []byte) (at *route, ok bool) {
	at = &r.all[hashPath(raw)]
	if len(raw) > 0 && string(raw) == at.raw {
		return at, true
	}
	text := string(raw)
	path, ok := cleanPath(text)
	if !ok {
		return nil, false
	}
	if len(raw) > longestRoute {
		at = &r.long
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

// hashPath returns the index of a path's route. It is made of the path's end and length.
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

// isKnown reports whether it is known which script answers for the path at a site.
func (r *route) isKnown(s *site.Site, now time.Time) bool {
	return r.site == s && r.script.Name != "" && now.Before(r.until)
}

// know remembers the script that answers for the path at a site. It is believed only if the path is the script's own: in place of any other,
// such as a controller, a file of the path's name may appear.
func (r *route) know(s *site.Site, script *site.Script, now time.Time) {
	r.site, r.script, r.until = s, *script, now
	if script.Name == r.path {
		r.until = now.Add(scriptStays)
	}
}
