package direct

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// A script's response comes from PHP as a CGI program writes it: a head, and a body. PHP writes both into the room. HTTP's head is
// sent in the place of CGI's, and an ordinary response is one write of that and of the body where it lies.

// room is the size of that memory, in bytes.
const room = 32 << 10

// errGone says that the client is gone.
var errGone = errors.New("the client is gone")

// response is what has become of the present response.
type response struct {
	memory []byte // the room
	used   int    // bytes in the room
	head   []byte // HTTP's head, while it is made
	early  []byte // CGI's head as far as it has come, if it has not come in one piece

	script scripthead.Head // CGI's head, which points into what PHP wrote

	plain    bool // no script was asked
	began    bool // HTTP's head was made
	refused  bool // an error's page was sent in its place
	excess   bool // it is longer than it says
	chunked  bool
	bodyless bool  // nothing follows the head, whatever the script prints
	length   int64 // of the body; -1: not known
	written  int64 // of the body, to the client
	status   int
	close    bool // the connection is not to be kept
	ended    bool
	gone     bool   // the client is
	failed   bool   // the response cannot be brought to its end: what follows is thrown away, and the connection closed
	sent     bool   // something was
	waited   bool   // for a client that was slow
	named    []byte // CGI's head, if it names a file that is to be sent
	relay    int    // the socket on which the front takes the rest; -1: none
	iov      [6]unix.Iovec
	frame    [24]byte // the length of a chunk
}

// begin makes the response ready for the present request.
func (r *response) begin() {
	*r = response{memory: r.memory, head: r.head[:0], early: r.early[:0], script: r.script.Emptied(), relay: -1, length: -1}
}

// Room, Commit, Write and Flush are PHP's output.

// Room returns the memory for PHP's next output.
func (c *Conn) Room() ([]byte, error) {
	r := &c.response
	if r.used == room {
		if err := c.pass(nil, false); err != nil {
			return nil, err
		}
	}
	return r.memory[r.used:room:room], c.lost()
}

// Commit says that PHP has written n bytes to Room.
func (c *Conn) Commit(n int) { c.response.used += n }

// Write takes output that has no room.
func (c *Conn) Write(p []byte) error {
	r := &c.response
	if len(p) <= room-r.used {
		r.used += copy(r.memory[r.used:], p)
		return c.lost()
	}
	return c.pass(p, false)
}

// Flush sends what there is.
func (c *Conn) Flush() error {
	if c.response.used == 0 {
		return c.lost()
	}
	return c.pass(nil, false)
}

func (c *Conn) lost() error {
	if r := &c.response; r.gone || r.failed || r.refused {
		return errGone
	}
	return nil
}

// pass sends what is in the room, and p, to the client. last says that it is the response's end.
func (c *Conn) pass(p []byte, last bool) error {
	r := &c.response
	body := r.memory[:r.used]
	r.used = 0
	if r.gone || r.failed || r.ended || r.refused {
		return errGone
	}
	if !r.began {
		if len(r.early) > 0 || len(p) > 0 && !endsHead(body) { // rare: a head that has not come in one piece
			r.early = append(append(r.early, body...), p...)
			body, p = r.early, nil
		}
		rest, err := c.takeHeads(body, len(p), last)
		switch {
		case err == errMore && len(rest) <= scripthead.Longest:
			r.early = append(r.early[:0], rest...)
			return nil
		case err == errMore:
			err = scripthead.ErrLong
			fallthrough
		case err != nil:
			c.refuse(err)
			return errGone
		}
		body = rest
	}
	return c.passBody(body, p, last)
}

// errMore says that a head has not come to its end.
var errMore = errors.New("the head continues")

// endsHead reports whether a response's head comes to its end in b.
func endsHead(b []byte) bool {
	_, _, ok := scripthead.Cut(b)
	return ok
}

// takeHeads takes the heads at the beginning of b, interim ones and the response's own, and returns what follows them. There are more
// bytes of the body beside b. last says that nothing follows.
func (c *Conn) takeHeads(b []byte, more int, last bool) (rest []byte, err error) {
	r := &c.response
	var head []byte
	for {
		block, behind, ok := scripthead.Cut(b)
		switch {
		case !ok && last:
			return nil, scripthead.ErrNone
		case !ok:
			return b, errMore
		case len(block) > scripthead.Longest:
			return nil, scripthead.ErrLong
		}
		if err := r.script.Parse(block); err != nil {
			return nil, err
		}
		head, b = block, behind
		if r.script.Status >= 200 {
			break
		}
		c.sendInterim()
	}
	r.began = true
	r.status, r.length, r.bodyless = r.script.Status, r.script.Length, r.script.Bodyless() || c.isHead
	if r.script.Kind != "" {
		r.named = bytes.Clone(head)
		return nil, nil
	}
	if r.length < 0 && last && !r.bodyless {
		r.length = int64(len(b) + more)
	}
	c.makeHead()
	return b, nil
}

// makeHead makes HTTP's head of the script's, as net/http writes it for the front.
func (c *Conn) makeHead() {
	r := &c.response
	h := &r.script
	suppressed := h.Status == http.StatusNotModified // RFC 9110, section 15.4.5: nothing is said of a body
	if suppressed {
		h.Remove("Content-Type")
	}
	if r.length >= 0 && !suppressed && h.Status != http.StatusNoContent {
		c.digits = strconv.AppendInt(c.digits[:0], r.length, 10)
		h.Set(contentLengthName, c.digits)
	}
	h.Set(requestIDName, c.id)
	if !h.Has("Server") {
		h.Set(serverName, serverValue)
	}
	b := appendFields(appendStatusLine(r.head[:0], h.Status), h)
	if !h.Has("Date") {
		b = c.date.append(b, time.Now())
	}
	if r.close {
		b = append(b, "Connection: close\r\n"...)
	}
	if r.length < 0 && !r.bodyless {
		r.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	r.head = append(b, "\r\n"...)
}

var (
	contentLengthName = []byte("Content-Length")
	requestIDName     = []byte("X-Request-Id")
	serverName        = []byte("Server")
	serverValue       = []byte("phpsapi")
)

// sendInterim sends an interim head, without what the response alone may have.
func (c *Conn) sendInterim() {
	h := &c.response.script
	h.Remove("Content-Length")
	h.Remove("Transfer-Encoding")
	c.interim = append(appendFields(appendStatusLine(c.interim[:0], h.Status), h), "\r\n"...)
	c.send(appendIovec(nil, c.interim))
	c.response.sent = false
	if c.fd >= 0 {
		c.Slot.HTTP(scoreboard.HTTPUnsent, c.listener) // the front may answer still
	}
}

// passBody sends a piece of the body in two parts, with the response's head if that was not sent.
func (c *Conn) passBody(body, p []byte, last bool) error {
	r := &c.response
	if r.named != nil || r.bodyless {
		body, p = nil, nil
	} else if r.length >= 0 {
		left := r.length - r.written
		if int64(len(body)+len(p)) > left {
			c.tooLong()
			body = body[:min(int64(len(body)), left)]
			p = p[:min(int64(len(p)), left-int64(len(body)))]
		}
	}
	n := len(body) + len(p)
	r.written += int64(n)
	if r.named != nil {
		return nil
	}
	if last && !r.bodyless && r.length >= 0 && r.written < r.length {
		r.failed = true // after what there is
		c.complain(errShort)
	}
	v := r.iov[:0]
	v = appendIovec(v, r.head)
	if r.chunked && n > 0 {
		v = appendIovec(v, append(strconv.AppendInt(r.frame[:0], int64(n), 16), "\r\n"...))
	}
	v = appendIovec(v, body)
	v = appendIovec(v, p)
	switch {
	case !r.chunked:
	case last && n > 0:
		v = appendIovec(v, chunkAndLast)
	case last:
		v = appendIovec(v, lastChunk)
	case n > 0:
		v = appendIovec(v, chunkEnd)
	}
	if len(v) == 0 {
		return c.lost()
	}
	err := c.send(v)
	r.head = r.head[:0]
	return err
}

var (
	chunkEnd     = []byte("\r\n")
	lastChunk    = []byte("0\r\n\r\n")
	chunkAndLast = []byte("\r\n0\r\n\r\n")
)

// errLate is a file that this worker does not send, for a client whose connection the front has already.
var errLate = errors.New("the file that it names cannot be sent, because the client did not take the interim responses before")

// End brings the response to its end. keep reports whether the connection may carry another request.
func (c *Conn) End() (keep bool) {
	r := &c.response
	if r.ended {
		return false
	}
	c.pass(nil, true)
	r.ended = true
	if r.named != nil && !r.gone && !r.failed && !c.sendNamed() {
		if c.fd >= 0 {
			c.handNamed()
			return false
		}
		r.failed = true // the front has the connection since an interim response, and takes only bytes for it
		c.complain(errLate)
	}
	c.keeps = !r.close && !r.failed && !r.gone && !c.eof
	c.Slot.CountSite(c.number, r.status)
	c.logRequest()
	c.consume(c.size)
	switch {
	case r.relay >= 0:
		c.endRelay()
		return false
	case c.fd >= 0:
		c.answered()
	}
	return c.keeps
}
