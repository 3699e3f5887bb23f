package master

import (
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/listening"
)

// httpSide is what a generation serves HTTP with: where clients connect, the front that serves them, and when another one is started in
// its place. The zero value is that of a generation without a front.
type httpSide struct {
	listeners []httpListener
	log       *os.File          // http.access_log; nil without
	front     *front            // the one that runs; nil: none does
	slots     companion.Slots   // where its fronts count
	renewal   companion.Renewal // when another one is started
}

// httpListener is an address of a front.
type httpListener struct {
	*listening.Socket
	contract.FrontListener
}

// close gives up what the side holds, its sockets excepted.
func (h *httpSide) close() {
	if h.log != nil {
		h.log.Close()
	}
	h.slots.Close()
}

// resemble has the side listen where another does, and write to the same log.
func (h *httpSide) resemble(other *httpSide) (err error) {
	h.listeners = other.listeners
	h.log, err = another(other.log)
	return err
}

// runs reports whether a front runs.
func (h *httpSide) runs() bool { return h.front != nil }

// serving returns the front if it has said that it serves; nil: there is none that has.
func (h *httpSide) serving() *front {
	if h.front == nil || !h.front.Ready {
		return nil
	}
	return h.front
}

// mayTakeRequests reports whether a front runs that has not said that it takes no more.
func (h *httpSide) mayTakeRequests() bool { return h.front != nil && !h.front.Yielded }

// hurry sets the time at which a front that was told to go gets TERM.
func (h *httpSide) hurry(until time.Time) {
	if h.front != nil {
		h.front.Escalation.Deadline = until
	}
}

// started notes that a front runs.
func (h *httpSide) started(f *front) { h.front = f }

// ended notes that a front has ended.
func (h *httpSide) ended(f *front) {
	if h.front == f {
		h.front = nil
	}
}

// listensAt reports whether the front listens at a socket.
func (h *httpSide) listensAt(s *listening.Socket) bool {
	return slices.ContainsFunc(h.listeners, func(l httpListener) bool { return l.Socket == s })
}

// addresses are where the front serves, as clients name them.
func (h *httpSide) addresses() string {
	var all []string
	for _, l := range h.listeners {
		scheme := "http"
		if l.TLS {
			scheme = "https"
		}
		all = append(all, l.URL(scheme))
	}
	return strings.Join(all, ", ")
}

// plain returns the listeners at which workers accept, in the order by which these number them: those without TLS.
func (h *httpSide) plain() (all []httpListener) {
	for _, l := range h.listeners {
		if !l.TLS {
			all = append(all, l)
		}
	}
	return all
}

// reopenLog has the front write to another file.
func (h *httpSide) reopenLog(file *os.File) {
	h.log.Close()
	h.log = file
	if h.front != nil {
		h.front.Control.Send(contract.AccessLog, "", int(file.Fd()))
	}
}

// inheritFrom has another front leave its connections to the one that runs, if one does. It returns an error if the other front does not hear it.
func (h *httpSide) inheritFrom(other *channel.Channel) error {
	heir := -1
	if h.front != nil {
		if pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err == nil {
			defer unix.Close(pair[0])
			defer unix.Close(pair[1])
			if h.front.Control.Send(contract.Inherit, "", pair[0]) == nil {
				heir = pair[1]
			}
		}
	}
	return other.Send(contract.Yield, "", heir)
}
