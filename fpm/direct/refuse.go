package direct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/scripthead"
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
	r.began, r.status = true, http.StatusBadGateway
	page := []byte(site.ErrorPage(r.status, "The answer of the program behind this page cannot be understood. The log says why.", string(c.id)))
	r.length, r.script.Status = int64(len(page)), r.status
	r.script.Fields = append(r.script.Fields[:0], scripthead.Field{Name: []byte("Content-Type"), Value: []byte("text/html; charset=utf-8")})
	c.makeHead()
	v := appendIovec(r.iov[:0], r.head)
	if !c.isHead {
		v = appendIovec(v, page)
		r.written = int64(len(page))
	}
	if c.send(v) == nil {
		r.failed = false // for the connection; what the script prints is thrown away
	}
	r.head, r.bodyless, r.refused = r.head[:0], true, true
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

// handNamed has the front send the file that a script's head names.
func (c *Conn) handNamed() {
	head := c.response.named
	text := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	text = append(append(text, head...), c.in[c.first:]...)
	c.hand(&contract.HandOver{Letter: contract.Named, Text: text}, -1)
}
