package front

import (
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// waker gives workers that speak HTTP the connections of the lot on which a request comes, so that a worker answers them without the
// front. Nobody knows whether a worker is idle: a connection that none has taken after wakePatience is the front's again, and for a while
// it tries no more. So no connection waits for long while no worker is free, and a busy pool costs a try once in a while.
type waker struct {
	f        *Front
	to, from *os.File
	busy     func() bool // the front has requests that wait for a worker, whose turn it is first
	most     int
	returned func(*conn) // takes what comes back

	mu      sync.Mutex
	sent    []wakeSent // that may not have been taken, the oldest first
	timer   *time.Timer
	armed   bool
	pause   time.Duration
	until   time.Time // no tries before then
	stopped bool
}

// wakeSent is a message that was sent.
type wakeSent struct {
	at   time.Time
	size int
}

// How long a worker may take to take a connection, and how long the front does not try then: twice as long each time.
const (
	wakePatience = 5 * time.Millisecond
	pauseLeast   = 20 * time.Millisecond
	pauseMost    = time.Second
)

// newWaker makes the waker of contract.ToWorkers and contract.Untaken, for a pool of so many workers. What a front before this one has sent,
// and nobody has taken, is this one's.
func newWaker(f *Front, to, from *os.File, workers int, busy func() bool) *waker {
	w := &waker{f: f, to: to, from: from, busy: busy, most: max(workers, 1), returned: f.rest}
	w.timer = time.AfterFunc(time.Hour, w.look)
	w.timer.Stop()
	return w
}

// begin takes back what was left.
func (w *waker) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queued() > 0 && !w.armed {
		w.armed = true
		w.timer.Reset(wakePatience)
	}
}

// wake passes a connection to the workers. It returns false if it has not done so.
func (w *waker) wake(c *conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.stopped || len(w.sent) >= w.most || now.Before(w.until) || w.busy() {
		return false
	}
	packet := contract.AppendHandOver(nil, &contract.HandOver{Letter: contract.Wake, Address: c.at})
	if unix.Sendmsg(int(w.to.Fd()), packet, unix.UnixRights(int(c.descriptor())), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) != nil {
		return false
	}
	w.sent = append(w.sent, wakeSent{now, len(packet)})
	if !w.armed {
		w.armed = true
		w.timer.Reset(wakePatience)
	}
	c.Close() // the message has it
	return true
}

// queued is how many bytes of messages nobody has taken.
func (w *waker) queued() int {
	n, err := unix.IoctlGetInt(int(w.from.Fd()), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// forget forgets the messages that were taken.
func (w *waker) forget() (left int) {
	left = w.queued()
	n := len(w.sent)
	for size := left; n > 0 && size > 0; n-- {
		size -= w.sent[n-1].size
	}
	w.sent = slices.Delete(w.sent, 0, n)
	return left
}

// look takes back what no worker has taken in time.
func (w *waker) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if w.stopped {
		return
	}
	now := time.Now()
	left, missed := w.forget(), 0
	for left > 0 && (len(w.sent) == 0 || now.Sub(w.sent[0].at) >= wakePatience) {
		if !w.takeBack() {
			break
		}
		missed++
		left = w.forget()
	}
	if missed > 0 {
		w.pause = min(max(2*w.pause, pauseLeast), pauseMost)
		w.until = now.Add(w.pause)
	} else {
		w.pause = 0
	}
	if left > 0 {
		w.armed = true
		w.timer.Reset(wakePatience)
	}
}

// takeBack takes the message that is first. It returns false if there is none.
func (w *waker) takeBack() bool {
	var packet [512]byte
	rights := make([]byte, unix.CmsgSpace(4))
	n, rightsN, _, _, err := unix.Recvmsg(int(w.from.Fd()), packet[:], rights, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err != nil {
		return false
	}
	fds := descriptors(rights[:rightsN])
	message, ok := contract.ParseHandOver(packet[:n])
	if len(fds) == 0 {
		return true
	}
	accepted := connected(fds[0])
	if accepted == nil {
		return true
	}
	if !ok || !w.f.cameTo(accepted, message.Address) {
		accepted.Close()
		return true
	}
	if !w.f.connections.enter(w.f.stopped) {
		accepted.Close()
		return true
	}
	w.returned(w.f.connections.register(accepted, message.Address))
	return true
}

// stop sends no more, and takes back what nobody has taken. returned takes these connections. Once is enough: what stands there later is
// from the front that has taken this one's place.
func (w *waker) stop(returned func(*conn)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.stopped, w.returned = true, returned
	for w.queued() > 0 && w.takeBack() {
	}
}
