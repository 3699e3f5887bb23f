package direct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
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
	r.began, r.status = true, http.StatusBadGateway
	page := []byte(site.ErrorPage(r.status, "The answer of the program behind this page cannot be understood. The log says why.", string(c.id)))
	h := &r.script
	h.fields = append(h.fields[:0], field{contentLengthName, strconv.AppendInt(nil, int64(len(page)), 10)},
		field{[]byte("Content-Type"), []byte("text/html; charset=utf-8")}, field{serverName, serverValue}, field{requestIDName, c.id})
	b := c.date.append(h.appendFields(appendStatusLine(r.head[:0], r.status)), time.Now())
	if r.close {
		b = append(b, "Connection: close\r\n"...)
	}
	r.head = append(b, "\r\n"...)
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
	c.Say(zlog.Warning, fmt.Sprintf("%s %s: script %s: %v", printable(c.head.method), printable(c.head.target), printable([]byte(c.script)), err))
}

// Say logs a message that concerns the present request.
func (c *Conn) Say(level zlog.Level, text string) { c.Log(level, "request "+string(c.id)+": "+text) }

// maxShown is how much of a client's text a message shows.
const maxShown = 512

// printable returns a client's text as one line of a log may have it.
func printable(text []byte) string {
	more := ""
	if len(text) > maxShown {
		text, more = text[:maxShown], "..."
	}
	b := append([]byte(nil), text...)
	for i, ch := range b {
		if ch < ' ' || ch > '~' {
			b[i] = '.'
		}
	}
	return string(b) + more
}

// handNamed has the front send the file that a script's head names.
func (c *Conn) handNamed() {
	head := c.response.named
	text := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	text = append(append(text, head...), c.in[c.first:]...)
	c.hand(&contract.HandOver{Letter: contract.Named, Text: text}, -1)
}
