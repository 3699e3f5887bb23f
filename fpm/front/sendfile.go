package front

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// sendNamed answers with the file that a script named instead of sending it: X-Sendfile: /its/path, or X-Accel-Redirect:
// /its/address. The script's other headers stand already. It is upstream's sendfile.
func (x *exchange) sendNamed(_ http.ResponseWriter, r *http.Request, status int, kind, name string) {
	var path string
	if x.site == nil {
		x.fail(http.StatusNotFound) // a page of the pool's own
		return
	}
	if http.CanonicalHeaderKey(kind) == "X-Sendfile" {
		path = x.site.sendfilePath(name)
	} else {
		path = x.site.accelPath(name)
	}
	if path == "" {
		x.logf(zlog.Warning, "%s: %s is not below the site's root nor below another directory that may be sent, or is a script "+
			"or hidden; see sendfile and internal in the site's settings", kind, name)
		x.fail(http.StatusNotFound)
		return
	}
	file, info, failed := x.open(path)
	if failed != 0 {
		x.logf(zlog.Warning, "%s: %s cannot be sent (%d)", kind, path, failed)
		x.fail(failed)
		return
	}
	defer file.Close()
	delete(x.Header(), "Content-Length")
	if status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		x.serveContent(file, info)
		return
	}
	x.sendWhole(file, info, status)
}

// sendfilePath is the file that X-Sendfile may name so; empty: none.
func (s *site) sendfilePath(name string) string {
	if !filepath.IsAbs(name) || strings.IndexByte(name, 0) >= 0 {
		return ""
	}
	path := s.chroot + filepath.Clean(name)
	for _, dir := range s.sendable {
		if isSegment(path, dir) && !isHidden(path[len(dir):]) && !s.isSource(path) {
			return path
		}
	}
	return ""
}

// accelPath is the file of the address that X-Accel-Redirect names; empty: none. A query is of no meaning to a file.
func (s *site) accelPath(name string) string {
	name, _, _ = strings.Cut(name, "?")
	decoded, err := url.PathUnescape(name)
	if err != nil {
		return ""
	}
	path, err := cleanPath(decoded)
	if err != nil || isHidden(path) || s.isSource(path) {
		return ""
	}
	dir, end, found := s.internal(path)
	switch {
	case found && (end > len(s.prefix) || !isSegment(path, s.prefix)):
		return trimRoot(dir) + path[end:]
	case isSegment(path, s.prefix):
		return s.root + path[len(s.prefix):]
	}
	return ""
}
