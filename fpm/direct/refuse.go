package direct

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

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

// sayBusy answers a request, or the beginning of one, that this worker does not answer and cannot hand over. The connection is closed then:
// the client gets a moment to send what would else cost it the answer.
func (c *Conn) sayBusy() {
	page := site.ErrorPage(http.StatusServiceUnavailable, site.Explain(http.StatusServiceUnavailable), "")
	text := fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s",
		len(page), page)
	unix.SendmsgN(c.fd, []byte(text), nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	unix.Shutdown(c.fd, unix.SHUT_WR)
	var waste [4096]byte
	for deadline := time.Now().Add(busyLinger); time.Now().Before(deadline); {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, int(busyLinger.Milliseconds())); n <= 0 && err != unix.EINTR {
			return
		}
		if n, _, err := unix.Recvfrom(c.fd, waste[:], unix.MSG_DONTWAIT); n <= 0 && err != unix.EINTR && err != unix.EAGAIN {
			return
		}
	}
}

// busyLinger is how long a client has to send the rest of a request that is refused.
const busyLinger = 200 * time.Millisecond

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
