// Package poll watches many descriptors by epoll, with one goroutine for all of them, and tells which have something to read. The master has the
// connections watched that wait for their next request, and the sockets at which a pool without workers listens. The descriptors are the caller's:
// the package reads from none and closes none. It tells nothing more until the caller has taken what it was told last. It is pure Go.
package poll

import (
	"os"

	"golang.org/x/sys/unix"
)

// Watcher watches descriptors, for as long as the process lives. Its News name ids, each of which it gives out once, because the number of a descriptor
// is used again after it was closed. All of its methods are for one goroutine.
type Watcher struct {
	epoll int
	file  *os.File // the same, watched by Go's own poller: a goroutine that waits for it holds no thread
	last  int32    // the last id
}

// News says that a watched descriptor has something to read, or that the other side has closed.
type News struct {
	ID   int32 // of the descriptor, from Once or Each
	Gone bool  // the other side has closed
}

// atOnce is how many news come at once at most.
const atOnce = 64

// New returns a Watcher that calls tell with news, on its own goroutine. It does not call tell again until taken was called, which any goroutine may do:
// clients that connect faster than the caller looks must not fill its memory.
func New(tell func(news []News, taken func())) (*Watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	w := &Watcher{epoll: fd, file: os.NewFile(uintptr(fd), "watcher")}
	go w.wait(tell)
	return w, nil
}

func (w *Watcher) wait(tell func(news []News, taken func())) {
	var events [atOnce]unix.EpollEvent
	raw, err := w.file.SyscallConn()
	for err == nil {
		n := 0
		var failed error
		err = raw.Read(func(fd uintptr) bool {
			n, failed = unix.EpollWait(int(fd), events[:], 0)
			return n > 0 || failed != nil && failed != unix.EINTR
		})
		if failed != nil && failed != unix.EINTR {
			return
		}
		news := make([]News, 0, atOnce)
		for _, e := range events[:max(n, 0)] {
			news = append(news, News{ID: e.Pad, Gone: e.Events&(unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0})
		}
		taken := make(chan struct{})
		tell(news, func() { close(taken) })
		<-taken
	}
}

// Once watches a descriptor until there is something to read or the other side has closed, and tells of it one time. Call Forget after that, too.
func (w *Watcher) Once(fd int) (id int32, err error) {
	return w.add(fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLONESHOT)
}

// Each watches a descriptor and tells of each arrival, but not again of what was left unread: Again asks for that.
func (w *Watcher) Each(fd int) (id int32, err error) {
	return w.add(fd, unix.EPOLLIN|unix.EPOLLET)
}

// Again tells once more if there is something to read already, at a descriptor that Each watches by that id.
func (w *Watcher) Again(fd int, id int32) error {
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd), Pad: id})
}

func (w *Watcher) add(fd int, events uint32) (int32, error) {
	w.last++
	id := w.last
	return id, unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd), Pad: id})
}

// Forget stops watching a descriptor. Call it before the descriptor is closed. News that are under way may still come.
func (w *Watcher) Forget(fd int) {
	unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}
