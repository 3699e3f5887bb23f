package front

import (
	"net/http"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// sendNamed answers with the file that a script named instead of sending it: X-Sendfile: /its/path, or X-Accel-Redirect:
// /its/address. The script's other headers stand already. It is upstream's sendfile.
func (x *exchange) sendNamed(_ http.ResponseWriter, r *http.Request, status int, kind, name string) {
	if x.site == nil {
		x.fail(http.StatusNotFound) // a page of the pool's own
		return
	}
	path := x.site.NamedPath(kind, name)
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
		x.serveContent(file, info, info.Name(), "")
		return
	}
	x.sendWhole(file, info, status)
}
