package direct

import (
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// request is the present request.
type request struct {
	head   head
	size   int    // in bytes, with its body
	body   []byte // what PHP has not read of it
	path   string // clean
	site   *site.Site
	number int    // of the site; -1: none has the request
	script string // its file
	id     []byte
	isHead bool
	begun  time.Time
	who    site.Visitor

	traceID, spanID []byte // see Follow
}

// mostBody is the longest body that is read here, in bytes; the front reads as much before it asks a worker.
const mostBody = 64 << 10

// Next reads the next request. It returns true if a script is to answer it: r has its params then, and the response is due. Otherwise
// the connection waits for a request, if it is Open; or it is closed, or the front's.
func (c *Conn) Next(r *fastcgi.Request) bool {
	for {
		switch c.next(&r.Params) {
		case forScript:
			r.Interim, r.KeepConn = true, true
			c.keeps = false // until End says otherwise
			c.rescue()
			return true
		case answered:
			if !c.keeps {
				c.Close()
			}
			if !c.Open() || !c.Pending() {
				return false
			}
		case nothing:
			return false
		case foreign:
			c.HandOver()
			return false
		case ended:
			c.Close()
			return false
		}
	}
}

// outcome is what Next has found.
type outcome int

const (
	nothing   outcome = iota // no request has begun
	ended                    // the client has closed the connection
	foreign                  // what is there is the front's to answer
	answered                 // a request was answered
	forScript                // a request is to be answered by a script
)

// next reads the next request, and answers it if no script need be asked.
func (c *Conn) next(params *fastcgi.Params) outcome {
	c.Slot.Receiving()
	c.reads()
	found := c.readRequest()
	if found == nothing {
		c.answered()
	}
	if found == forScript {
		found = c.route(params)
	}
	if found == forScript {
		c.Slot.ReadingHeaders()
	} else {
		c.Slot.ReceivedNothing()
	}
	return found
}

// readRequest reads a request. It returns forScript if there is one, which is then whole.
func (c *Conn) readRequest() outcome {
	for {
		if c.Pending() {
			n, err := c.head.parse(c.in[c.first:])
			switch {
			case err != nil:
				return foreign
			case n > 0:
				return c.readBody(n)
			case len(c.in)-c.first >= readBuffer:
				return foreign
			}
		}
		switch err := c.read(); {
		case err == unix.EAGAIN && !c.Pending():
			return nothing
		case err == unix.EAGAIN, c.eof && c.Pending():
			return foreign // a slow sender, or a request that breaks off
		case err != nil, c.eof:
			return ended
		}
	}
}

// readBody reads the body of a request whose head has n bytes.
func (c *Conn) readBody(n int) outcome {
	limits, length := &c.Orders.Limits, max(c.head.length, 0)
	if limit := c.Orders.FrontPool.BodyBytes; length > mostBody || limit > 0 && length > limit {
		return foreign
	}
	if limits.HeaderBytes > 0 && n > limits.HeaderBytes {
		return foreign
	}
	c.size = n + int(length)
	if len(c.in)-c.first < c.size {
		c.makeRoom(c.size)
		for len(c.in)-c.first < c.size {
			if c.read() != nil || c.eof {
				return foreign
			}
		}
		c.head.parse(c.in[c.first:]) // it was moved
	}
	c.body = c.in[c.first+n : c.first+c.size]
	return forScript
}

// Site returns the number of the site that has the present request, from 0; -1: none has.
func (c *Conn) Site() int { return c.number }

// route finds out what answers the present request.
func (c *Conn) route(params *fastcgi.Params) outcome {
	h := &c.head
	c.begun, c.number = time.Now(), -1
	c.traceID, c.spanID = nil, nil
	at, ok := c.routes.of(h.path)
	if !ok {
		return foreign
	}
	path := at.path
	c.who = site.Visitor{Remote: c.remote, Host: c.hosts.of(h.host)}
	if c.isTrusted() {
		c.proxies.Heed(&c.who, h)
	}
	if path == c.Orders.FrontPool.PingPath || path == c.Orders.FrontPool.StatusPath {
		return foreign
	}
	c.identify()
	c.isHead = string(h.method) == "HEAD"
	c.response.begin()
	c.response.close = h.close
	one := c.sites.Of(c.who.Host, path)
	if one == nil || c.sites.IsInternal(c.who.Host, path) {
		return c.answerPage(http.StatusNotFound)
	}
	c.site, c.path, c.number = one.Present(c.begun), path, one.Number
	if !at.isKnown(c.site, c.begun) {
		if found := c.answerKnown(); found != foreign {
			return found
		}
		t := c.site.Route(path)
		if t.Script.Name == "" {
			return c.answerPlain(&t)
		}
		if c.noteRemark(t.Remark) {
			return foreign // the front logs it
		}
		at.know(c.site, &t.Script, c.begun)
	}
	c.script = at.script.Filename
	c.setParams(params, &at.script)
	return forScript
}

// Follow says which trace the present request belongs to, for the access log. The texts must not change before its end.
func (c *Conn) Follow(traceID, spanID []byte) { c.traceID, c.spanID = traceID, spanID }

// isTrusted reports whether the client is a trusted proxy.
func (c *Conn) isTrusted() bool {
	if !c.remote.IsValid() {
		return c.proxies.Unix
	}
	return c.proxies.Has(c.remote.Addr())
}

// identify gives the request its id: the one that it came with, if that can stand anywhere, else a new one.
func (c *Conn) identify() {
	given := -1
	for i := range c.head.fields {
		if equalFold(c.head.fields[i].name, site.RequestIDHeader) {
			if given >= 0 {
				given = -1
				break
			}
			given = i
		}
	}
	c.id = c.id[:0]
	if given >= 0 {
		if value := c.head.fields[given].value; site.IsRequestID(string(value)) {
			c.id = append(c.id, value...)
			return
		}
	}
	c.id = site.AppendRequestID(c.id)
}

// remembered keeps the string of bytes that come again and again.
type remembered struct{ last string }

func (r *remembered) of(b []byte) string {
	if string(b) != r.last {
		r.last = string(b)
	}
	return r.last
}
