package direct

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// refuse answers in place of a script whose response cannot be understood.
func (c *Conn) refuse(err error) {
	r := &c.response
	r.failed = true
	c.complain(fmt.Errorf("the answer cannot be understood: %w", err))
	if r.sent || r.began {
		return
	}
	r.script.Fields = r.script.Fields[:0]
	if c.sendPage(http.StatusBadGateway, site.NotUnderstood) == nil {
		r.failed = false // for the connection; what the script prints is thrown away
	}
	r.bodyless, r.refused = true, true
}

// tooLong says once that a response is longer than its Content-Length.
func (c *Conn) tooLong() {
	if r := &c.response; !r.excess {
		r.excess = true
		c.Say(zlog.Warning, fmt.Sprintf("the response is longer than its Content-Length of %d bytes, the rest is dropped", r.length))
	}
}

// errShort is a response that ended before its Content-Length.
var errShort = errors.New("the response ended before its Content-Length")

// complain says what is wrong with the present response.
func (c *Conn) complain(err error) {
	c.Say(zlog.Warning, fmt.Sprintf("%s %s: script %s: %v", zlog.Printable(view(c.head.method)), zlog.Printable(view(c.head.target)), zlog.Printable(c.script), err))
}

// Say logs a message that concerns the present request.
func (c *Conn) Say(level zlog.Level, text string) { c.Log(level, "request "+string(c.id)+": "+text) }
