package front

import (
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/tracecontext"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// exchange is a request and its response. It is the http.ResponseWriter for those who answer: it counts, adds the
// headers that every response has and bounds the time a client may take.
type exchange struct {
	front *Front
	w     http.ResponseWriter
	r     *http.Request

	client *client
	// remote is the address of the client, the one behind trusted proxies; not valid: unknown, on a unix socket.
	remote netip.AddrPort
	https  bool
	id     string
	trace  tracecontext.Context // of a request for a script, if they are in traces
	body   body

	site     *site.Site
	pool     *pool // that was asked
	begun    time.Time
	asked    time.Time // when the pool was; its time includes its queue and the client's reading
	answered time.Time // when it had; zero: the response was cut off
	status   int       // 0: no head has been sent
	sent     int64     // bytes of the body
	coding   string    // the content coding of the file that is sent; "": none

	compressor *compressor // nil: the response is not compressed

	request  upstream.Request
	sendfile upstream.Sendfile
	stall    *stall // of a write on HTTP/2

	named []byte            // of the conn: for its first request
	lost  *contract.Rescued // likewise
}

func newExchange(f *Front) *exchange {
	x := &exchange{front: f, stall: &stall{}}
	x.sendfile = x.sendNamed
	return x
}

// begin takes a request up.
func (x *exchange) begin(w http.ResponseWriter, r *http.Request) {
	*x = exchange{front: x.front, w: w, r: r, sendfile: x.sendfile, stall: x.stall, begun: time.Now()}
	x.front.active.Add(1)
	x.client, _ = r.Context().Value(clientKey{}).(*client)
	if x.client == nil {
		x.client = &client{}
	}
	if x.client.conn != nil {
		c := x.client.conn
		c.begun.Store(true)
		x.named, x.lost = c.named, c.lost
		c.named, c.lost = nil, nil
	}
	x.remote, x.https = x.client.remote, x.client.tls
	if x.client.trusted {
		x.heedProxy()
	}
	x.identify()
	x.body.bound(w, r, x.front.limits.BodyTimeout)
}

// heedProxy takes from a trusted proxy's headers who the client is.
func (x *exchange) heedProxy() {
	v := site.Visitor{Remote: x.remote, HTTPS: x.https, Host: x.r.Host}
	x.front.proxies.Heed(&v, x.r.Header)
	x.remote, x.https, x.r.Host = v.Remote, v.HTTPS, v.Host
}

// identify gives the request its id: the one it came with, where that can stand anywhere, else a new one. PHP sees it as
// HTTP_X_REQUEST_ID.
func (x *exchange) identify() {
	given := x.r.Header[site.RequestIDHeader]
	if len(given) == 1 && site.IsRequestID(given[0]) {
		x.id = given[0]
		return
	}
	x.id = site.NewRequestID()
	x.r.Header[site.RequestIDHeader] = []string{x.id}
}

// follow finds out which trace the request belongs to, and gives it an id there. Whether it is sampled its worker decides.
func (x *exchange) follow() {
	given := x.r.Header["Traceparent"]
	if len(given) != 1 || !x.trace.Parse([]byte(given[0])) {
		x.trace.NewTrace()
	}
	x.trace.NewSpan()
}

// end puts the request down, and into the access log.
func (x *exchange) end() {
	x.leaveCompressor()
	x.front.tally.count(x)
	if x.front.access != nil {
		x.front.access.write(x)
	}
	x.w, x.r, x.client = nil, nil, nil
	x.front.active.Add(-1)
	x.front.exchanges.Put(x)
}

func (x *exchange) logf(level zlog.Level, format string, args ...any) {
	x.front.logf(level, "request "+x.id+": "+format, args...)
}

func (x *exchange) Header() http.Header { return x.w.Header() }

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

func (x *exchange) WriteHeader(status int) {
	if status >= 200 && x.status == 0 {
		x.status = status
		h := x.w.Header()
		h["X-Request-Id"] = x.r.Header["X-Request-Id"]
		if _, has := h["Server"]; !has {
			h["Server"] = x.front.name
		}
		if x.coding != "" && (status == http.StatusOK || status == http.StatusPartialContent) {
			h["Content-Encoding"] = []string{x.coding} // set so late because http.ServeContent leaves out Content-Length if it is there
		}
		x.compress(status, h)
		x.promise(h)
	}
	x.w.WriteHeader(status)
}

// promise tells the client with the head of its response if it is to connect again for another request, and else has the
// front wait for the response's end when it yields.
func (x *exchange) promise(h http.Header) {
	c := x.client.conn
	if c != nil {
		c.promised.Store(true) // before the look at draining, as yield has it the other way round
	}
	if x.front.draining.Load() { // in HTTP/2 it makes a GOAWAY
		h.Set("Connection", "close")
		if c != nil {
			c.promised.Store(false)
		}
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.compressor != nil {
		return x.writeCompressed(p)
	}
	return x.write(p)
}

// write is Write without compression.
func (x *exchange) write(p []byte) (int, error) {
	x.beginWrite()
	n, err := x.w.Write(p)
	x.endWrite()
	x.sent += int64(n)
	return n, err
}

// ReadFrom keeps net/http's way to sendfile(2).
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	from, ok := x.w.(io.ReaderFrom)
	if !ok || x.compressor != nil {
		return io.Copy(writerOnly{x}, r)
	}
	n, err := from.ReadFrom(r)
	x.sent += n
	return n, err
}

// FlushError sends what has been written so far.
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	f, ok := x.w.(interface{ FlushError() error })
	if !ok {
		return http.ErrNotSupported
	}
	if err := x.flushCompressed(); err != nil {
		return err
	}
	x.beginWrite()
	defer x.endWrite()
	return f.FlushError()
}

// Flush is FlushError for those who know http.Flusher.
func (x *exchange) Flush() { x.FlushError() }

// beginWrite and endWrite stand around a write.
func (x *exchange) beginWrite() {
	if x.r.ProtoMajor >= 2 {
		x.stall.begin(x.w, x.front.limits.BodyTimeout)
	}
}

func (x *exchange) endWrite() {
	if x.r.ProtoMajor >= 2 {
		x.stall.end()
	}
}
