package front

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// ServeHTTP answers a request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := f.exchanges.Get().(*exchange)
	x.begin(w, r)
	defer x.end()
	if r.ProtoMajor == 1 && isMistakable(r) {
		w.Header().Set("Connection", "close")
	}
	if x.lost != nil {
		x.failLost(x.lost)
		return
	}
	x.serve()
	x.endCompressed()
}

// isMistakable reports whether somebody between the client and us may see the end of a request elsewhere than net/http, so
// that what he passes on as one request's body must not be taken for the next request (RFC 9112, sections 6.1 and 6.3).
// It forgets Content-Length beside Transfer-Encoding, and Transfer-Encoding in a request of HTTP/1.0, and does not tell.
func isMistakable(r *http.Request) bool {
	if r.ProtoMinor == 0 {
		return r.Method != http.MethodGet && r.Method != http.MethodHead
	}
	return len(r.TransferEncoding) > 0
}

const allMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

func (x *exchange) serve() {
	r := x.r
	if x.isFaulty(r) {
		x.failBody(http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		x.refuseMethod(allMethods)
		return
	}
	if r.Method == http.MethodOptions && r.RequestURI == "*" { // of no resource in particular
		x.Header()["Allow"] = []string{allMethods}
		x.Header()["Content-Length"] = []string{"0"}
		x.WriteHeader(http.StatusOK)
		return
	}
	asked := r.URL.Path
	if asked == "" && r.URL.Host != "" { // http://host is http://host/
		asked = "/"
	}
	path, err := site.CleanPath(asked)
	if err != nil {
		x.fail(http.StatusBadRequest)
		return
	}
	x.site = x.front.sites.Of(r.Host, path)
	if p := x.front.pages.find(x, path); p != nil {
		x.runPage(p, path)
		return
	}
	if x.site == nil || x.front.sites.IsInternal(r.Host, path) {
		x.fail(http.StatusNotFound)
		return
	}
	x.site = x.site.Present(x.begun)
	if limit := x.sitesPool().BodyBytes; limit > 0 {
		x.body.restrict(limit)
		if r.ContentLength > limit {
			x.body.failed = http.StatusRequestEntityTooLarge
			x.failBody(x.body.failed)
			return
		}
	}
	t := x.site.Route(path)
	switch {
	case t.Status != 0:
		x.fail(t.Status)
	case t.Script.Name != "":
		x.runScript(t.Script)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		x.refuseMethod("GET, HEAD")
	case t.Location != "":
		x.redirect(t.Location)
	default:
		x.sendFile(t.File)
	}
}

func (x *exchange) redirect(location string) {
	if query := x.r.URL.RawQuery; query != "" {
		location += "?" + query
	}
	x.Header()["Location"] = []string{location}
	x.fail(http.StatusMovedPermanently)
}

func (x *exchange) refuseMethod(allow string) {
	x.Header()["Allow"] = []string{allow}
	x.fail(http.StatusMethodNotAllowed)
}

// sitesPool is the pool that runs the site's scripts.
func (x *exchange) sitesPool() *pool { return x.front.pools[x.site.Pool] }

// runScript has the pool answer.
func (x *exchange) runScript(script site.Script) {
	x.request = upstream.Request{HTTP: x.r, Script: script, RemoteAddr: x.remote, ServerAddr: x.client.local,
		HTTPS: x.https, ID: x.id, Site: site.Counted(x.siteNumber())}
	if x.front.traces && x.named == nil { // else a worker has given it ids already, which are not known here
		x.follow()
		x.request.Trace = &x.trace
	}
	x.hand(x.sitesPool().runs(script.Filename))
}

// hand has a pool answer x.request.
func (x *exchange) hand(p *pool) {
	x.pool, x.asked = p, time.Now()
	serve := p.Serve
	if x.named != nil {
		serve = func(w http.ResponseWriter, r *upstream.Request, sendfile upstream.Sendfile) error {
			return p.ServeNamed(w, r, x.named, sendfile)
		}
	}
	err := serve(x, &x.request, x.sendfile)
	x.answered = time.Now()
	if err == nil {
		return
	}
	switch {
	case x.status != 0:
		panic(http.ErrAbortHandler) // the client has some of it, and must see that it has not all
	case x.body.failed != 0:
		x.failBody(x.body.failed)
	case errors.Is(err, upstream.ErrHeaders):
		x.failBody(http.StatusRequestHeaderFieldsTooLarge)
	case errors.Is(err, upstream.ErrFull):
		x.Header()["Retry-After"] = []string{x.front.retryAfter}
		x.failBody(http.StatusServiceUnavailable)
	case errors.Is(err, upstream.ErrBusy), errors.Is(err, upstream.ErrLack):
		x.Header()["Retry-After"] = []string{x.front.retryAfter}
		x.fail(http.StatusServiceUnavailable)
	case errors.Is(err, upstream.ErrTimeout):
		x.fail(http.StatusGatewayTimeout)
	case errors.Is(err, upstream.ErrGone):
		x.fail(http.StatusBadGateway)
	case errors.Is(err, upstream.ErrAnswer):
		x.failSaying(http.StatusBadGateway, site.NotUnderstood)
	case errors.Is(err, upstream.ErrClient):
		x.status = site.StatusGone
		panic(http.ErrAbortHandler)
	default:
		x.fail(http.StatusInternalServerError)
	}
}

// failBody refuses a body of which not all has been read. A connection of HTTP/1 is of no more use; one of HTTP/2 has other
// streams.
func (x *exchange) failBody(status int) {
	if status == http.StatusRequestEntityTooLarge {
		x.front.sayTooLarge(x)
	}
	if x.r.ProtoMajor == 1 {
		x.Header()["Connection"] = []string{"close"}
	}
	x.fail(status)
}

// tooLargeInterval is how often it is logged that a body is too large.
const tooLargeInterval = 10 * time.Second

// sayTooLarge logs once in a while why a body is refused: the operator may not know the limit.
func (f *Front) sayTooLarge(x *exchange) {
	now, last := x.begun.UnixNano(), f.tooLarge.Load()
	if last != 0 && now-last < int64(tooLargeInterval) || !f.tooLarge.CompareAndSwap(last, now) {
		return
	}
	x.logf(zlog.Notice, "a body of more than %d bytes is refused (see http.limits.body_size, and PHP's post_max_size)", x.sitesPool().BodyBytes)
}

// fail answers with an error's page, or the page of a redirection.
func (x *exchange) fail(status int) { x.failSaying(status, site.Explain(status)) }

// failSaying is fail with a text of its own.
func (x *exchange) failSaying(status int, text string) {
	h := x.Header()
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "Content-Range", "Etag", "Last-Modified",
		"Accept-Ranges", "Cache-Control", "Expires"} {
		delete(h, name)
	}
	page := site.ErrorPage(status, text, x.id)
	h["Content-Type"] = []string{"text/html; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(page))}
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.Write([]byte(page))
	}
}

// logLines is logf for many lines.
func (f *Front) logLines(lines []upstream.Line) {
	f.lines(slices.DeleteFunc(lines, func(l upstream.Line) bool { return l.Level < f.level }))
}

// logf sends a message to the master, for the error log.
func (f *Front) logf(level zlog.Level, format string, args ...any) {
	if level >= f.level {
		f.log(level, format, args...)
	}
}
