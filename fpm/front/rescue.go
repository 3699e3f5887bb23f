package front

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
)

// rescue answers in place of a worker that has died or is silent: socket is its rescue socket, and text a contract.Rescued.
func (f *Front) rescue(socket int, text string) {
	defer unix.Close(socket)
	var what contract.Rescued
	if json.Unmarshal([]byte(text), &what) != nil {
		return
	}
	flags := unix.MSG_CMSG_CLOEXEC | unix.MSG_DONTWAIT
	if what.Late {
		flags |= unix.MSG_PEEK
	}
	var letter [1]byte
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, letter[:], rights, flags)
	if err != nil {
		return
	}
	fds := descriptors(rights[:n])
	if len(fds) == 0 {
		return
	}
	accepted := connected(fds[0])
	if accepted == nil {
		return
	}
	if !f.cameTo(accepted, what.Address) || !f.connections.enter(f.stopped) {
		accepted.Close()
		return
	}
	c := f.connections.register(accepted, what.Address)
	c.shared = what.Late
	if what.Idle {
		f.rest(c)
		return
	}
	f.reportLost(&what)
	if what.Sent || f.handed == nil {
		c.Close()
		return
	}
	c.lost = &what
	f.handed.serve(c.goOn(lostRequest(&what)))
}

// reportLost logs that a worker has not answered.
func (f *Front) reportLost(what *contract.Rescued) {
	p := f.pools[what.Pool]
	if p == nil {
		return
	}
	err := fmt.Errorf("%w: it ended", upstream.ErrGone)
	if what.Late {
		err = fmt.Errorf("%w: %v (see http.limits.request_timeout)", upstream.ErrTimeout, f.limits.RequestTimeout)
	}
	p.ReportLost(what.ID, what.Method, what.URI, what.Script, err)
}

// failLost answers a request that a worker had and has not answered. What net/http has read is what was known of it.
func (x *exchange) failLost(what *contract.Rescued) {
	x.begun = x.begun.Add(-time.Duration(what.Duration))
	if what.URI != "" {
		x.r.RequestURI = what.URI
	}
	if x.pool = x.front.pools[what.Pool]; x.pool != nil {
		x.asked, x.answered = x.begun, time.Now()
	}
	x.Header()["Connection"] = []string{"close"}
	if what.Late {
		x.fail(http.StatusGatewayTimeout)
		return
	}
	x.fail(http.StatusBadGateway)
}

// lostRequest returns a request that net/http takes for the one that was lost.
func lostRequest(what *contract.Rescued) []byte {
	method, id := what.Method, ""
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = http.MethodGet
	}
	if site.IsRequestID(what.ID) {
		id = site.RequestIDHeader + ": " + what.ID + "\r\n"
	}
	return []byte(method + " / HTTP/1.1\r\nHost:\r\n" + id + "\r\n")
}
