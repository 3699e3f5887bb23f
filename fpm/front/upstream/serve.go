package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Request is a request for a script. Its client, and how that is connected, are what trusted proxies said already.
type Request struct {
	HTTP   *http.Request
	Script site.Script
	// RemoteAddr and ServerAddr are the client's address and its listener's; the zero value for a unix socket.
	RemoteAddr, ServerAddr netip.AddrPort
	HTTPS                  bool
	// ID goes to PHP as HTTP_X_REQUEST_ID, in place of the client's, and into log lines.
	ID string
	// Trace is the trace that it belongs to, with its own id there; nil: it is in none.
	Trace *tracecontext.Context
	// Site is the number of the request's site, from 1, for the worker's counts; 0: none has it.
	Site uint8
}

// Sendfile answers in place of a response's body that names a file: kind is the header, "X-Sendfile" or
// "X-Accel-Redirect", path its value, status the response's. w has the response's headers already.
type Sendfile func(w http.ResponseWriter, r *http.Request, status int, kind, path string)

// Serve has a worker answer r. The error is one of the package's, and then nothing was written to w, besides interim
// heads; what went wrong has been logged. When it goes wrong later, the response is cut off so that the client can see
// it: Serve panics with http.ErrAbortHandler. sendfile may be nil: then headers that name a file do nothing.
//
// Reads of r.HTTP.Body and writes to w wait as long as they do: their deadlines are the caller's.
func (p *Pool) Serve(w http.ResponseWriter, r *Request, sendfile Sendfile) error {
	if !p.takes(r.HTTP) {
		return ErrHeaders
	}
	var b body
	defer b.free(p)
	if err := b.prepare(r.HTTP, p); err != nil {
		p.report(r, err)
		return err
	}
	c, err := p.take(r)
	if err != nil {
		p.report(r, err)
		return err
	}
	a := &answer{w: w, r: r, sendfile: sendfile != nil}
	err = c.exchange(a, &b)
	if err == nil && a.head.Kind != "" && a.sendfile {
		sendfile(w, r.HTTP, a.head.Status, a.head.Kind, a.head.Path)
		return nil
	}
	if err == nil {
		return nil
	}
	p.report(r, err)
	if a.started {
		if a.unsent {
			a.flush() // else net/http forgets what waits, the head too, and the client learns of a closed connection alone
		}
		panic(http.ErrAbortHandler)
	}
	for _, name := range a.head.names {
		delete(w.Header(), name)
	}
	return err
}

// maxOwn is more than the meta-variables that are not a header's.
const maxOwn = 32

// takes reports whether a worker takes the headers of a request: of one with too many it closes the connection. How long
// they are need not be counted if net/http takes no head long enough.
func (p *Pool) takes(h *http.Request) bool {
	if len(h.Header) > fastcgi.DefaultMaxParams-maxOwn {
		return false
	}
	if most := p.Limits.HeaderBytes; most > 0 && most <= fastcgi.DefaultMaxParamBytes/8 {
		return true
	}
	n := 8 * (len(h.RequestURI) + len(h.Host)) // the path is in several meta-variables
	for name, values := range h.Header {
		n += len("HTTP_") + len(name) + 8
		for _, v := range values {
			n += len(v) + len("; ")
		}
	}
	return n < fastcgi.DefaultMaxParamBytes/8*7
}

// take takes a place, and a connection for it.
func (p *Pool) take(r *Request) (*conn, error) {
	ctx, asked := r.HTTP.Context(), time.Now()
	c, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	for c != nil && c.stale() {
		c.close()
		p.mu.Lock()
		c = p.pop()
		p.mu.Unlock()
	}
	if c == nil {
		if c, err = p.connect(ctx); err != nil {
			p.release(nil, false, 0)
			return nil, err
		}
	}
	c.asked = asked
	return c, nil
}

// exchange sends the request and relays the response, and then gives the connection back, or closes it.
func (c *conn) exchange(a *answer, b *body) error {
	a.c, a.b = c, b
	err := c.ask(a)
	if a.s != nil && err == nil && a.started && a.s.reading() {
		a.flush() // or its sender never gets to read it
	}
	if a.spooling {
		a.spool.Load().leave(err) // the worker's side has ended by itself, or does so now
		return err
	}
	a.spool.Load().close()
	err = c.finish(a, err)
	if a.s != nil && !a.started {
		a.closing()
	}
	return err
}

// ask sends the request and relays the response.
func (c *conn) ask(a *answer) (err error) {
	for again := false; ; again = true {
		c.begin(a.r.HTTP.Context(), a)
		if a.s, err = c.request(a, a.b); err == nil {
			err = a.relay()
		}
		if err == nil || again || a.spooling || !c.unread(a.r.HTTP.Method, a.b, err) {
			return err
		}
		c.pool.say(zlog.Debug, a.r.ID, "a worker left before it read the request, which goes to another")
		c.close()
		if err = c.dial(c.ctx); err != nil {
			return err
		}
	}
}

// finish puts the connection back, or closes it. err is how the response ended; that the request's body did not come is
// the better reason.
func (c *conn) finish(a *answer, err error) error {
	all := true
	if a.s != nil {
		if all = a.s.stop(err == nil); err != nil && errors.Is(a.s.err, ErrClient) {
			err = a.s.err
		}
	}
	c.carried = a.b.length
	keep, workers := false, 0
	if err == nil {
		keep = !c.pool.Once && !c.back && all && a.b.length <= maxCarried && c.r.Buffered() == 0
		if status := c.r.Status().AppStatus; status&fastcgi.Closing != 0 {
			keep, workers = false, int(status&^fastcgi.Closing)
		}
	}
	c.stderr.flush(c.pool)
	c.end()
	if !keep {
		c.close()
	}
	c.pool.release(c, keep, workers)
	return err
}

// askedSince returns when the pool was asked, as fastcgi.BeginRequest has it.
func (c *conn) askedSince() uint32 {
	return uint32(max(c.pool.clock.At(c.asked), 0) / 1e6)
}

// request writes the request, but for the rest of a long body, which the sender writes.
func (c *conn) request(a *answer, b *body) (*sender, error) {
	w := c.w
	flags := fastcgi.KeepConn | fastcgi.Interim
	if c.pool.Once {
		flags = fastcgi.Interim
	}
	if c.tells = !c.taken && (!c.local || !b.short()); c.tells {
		flags |= fastcgi.TellRead
	}
	w.Begin(requestID, fastcgi.BeginRequest{Role: fastcgi.RoleResponder, Flags: flags, Since: c.askedSince(), Site: a.r.Site})
	c.params.write(w, a.r, b.length, c.pool.Pool.Chroot)
	w.EndParams()
	if !b.short() {
		if err := w.Flush(); err != nil {
			return nil, c.unwritten(err)
		}
		return c.send(b, a.w), nil
	}
	if len(b.first) > 0 {
		w.Write(b.first)
	}
	if w.Available() < 2*fastcgi.HeaderLen {
		w.Flush()
	}
	c.hold = true
	return nil, c.unwritten(w.EndStdin())
}

// requestID is the FastCGI id of every request: a connection has one at a time.
const requestID = 1

// params writes a request's meta-variables.
type params struct {
	meta site.MetaWriter
	span []byte
}

// write writes all of r's. length is that of the body.
func (p *params) write(w *fastcgi.RequestWriter, r *Request, length int64, chroot string) {
	h := r.HTTP
	m := site.Meta{Proto: h.Proto, Method: h.Method, URI: requestURI(h), Query: h.URL.RawQuery, Host: h.Host, ID: r.ID, Script: r.Script,
		Chroot: chroot, Remote: r.RemoteAddr, Server: r.ServerAddr, HTTPS: r.HTTPS, Length: length,
		HasLength: length != 0 || len(h.Header["Content-Length"]) > 0}
	if v := h.Header["Content-Type"]; len(v) > 0 {
		m.ContentType = v[0]
	}
	p.meta.Write(w, &m)
	if r.Trace != nil {
		p.span = r.Trace.AppendOwn(p.span[:0])
		w.ParamBytes(spanParam, p.span)
	}
	for name, values := range h.Header {
		p.meta.Header(w, name, values, r.ID != "")
	}
}

var spanParam = []byte(contract.SpanParam)

// requestURI is the request's target without what an absolute one begins with.
func requestURI(h *http.Request) string {
	if strings.HasPrefix(h.RequestURI, "/") || h.RequestURI == "*" {
		return h.RequestURI
	}
	return h.URL.RequestURI()
}

// unwritten is why a request could not be sent.
func (c *conn) unwritten(err error) error {
	if err == nil {
		return nil
	}
	return c.gone(err)
}

// gone is why no byte of an answer has come: the worker, or the client, for whom no other worker was looked for.
func (c *conn) gone(err error) error {
	if c.ctx.Err() != nil {
		return because(ErrClient, context.Cause(c.ctx))
	}
	if c.back {
		return because(ErrBusy, err)
	}
	return because(ErrGone, err)
}

// unread says that a request may be sent again: the worker is gone, the kernel says that it left the request unread, and
// a second execution would do no harm even if the kernel were wrong. That the kernel says so is true of unix sockets
// and of a request that one read takes.
func (c *conn) unread(method string, b *body, err error) bool {
	return c.local && c.writes == 1 && !c.heard && errors.Is(err, unix.ECONNRESET) &&
		b.length == 0 && idempotent(method)
}

// idempotent is RFC 9110, section 9.2.2.
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
