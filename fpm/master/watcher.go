package master

import (
	"os"

	"golang.org/x/sys/unix"
)

// watcher waits for descriptors to become readable, on a goroutine of its own, and posts their numbers: not those of
// the descriptors, which are used again, but ones that it gives out.
type watcher struct {
	epoll int
	file  *os.File // the same, watched by Go's own poller: a goroutine that waits for it holds no thread
	last  int32    // the loop's: all but wait is called by it
}

// readable is a watched descriptor's news. gone says that the other side has closed.
type readable struct {
	id   int32
	gone bool
}

func newWatcher(box *mailbox) (*watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	w := &watcher{epoll: fd, file: os.NewFile(uintptr(fd), "watcher")}
	go w.wait(box)
	return w, nil
}

func (w *watcher) wait(box *mailbox) {
	var events [64]unix.EpollEvent
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
		for _, e := range events[:max(n, 0)] {
			box.post(readable{id: e.Pad, gone: e.Events&(unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0})
		}
		// The loop takes these first: clients that connect faster than it looks must not fill its memory.
		taken := make(chan struct{})
		box.post(reached{taken})
		<-taken
	}
}

// reached tells who posted it that the loop has taken what was posted before.
type reached struct{ taken chan struct{} }

func (e reached) happen(*Master) { close(e.taken) }

// once tells, one time, when there is something to read or the other side has closed.
func (w *watcher) once(fd int) (id int32, err error) {
	return w.add(fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLONESHOT)
}

// each tells of every arrival.
func (w *watcher) each(fd int) (id int32, err error) {
	return w.add(fd, unix.EPOLLIN|unix.EPOLLET)
}

// again makes each tell of what is there already.
func (w *watcher) again(fd int, id int32) error {
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd), Pad: id})
}

func (w *watcher) add(fd int, events uint32) (int32, error) {
	w.last++
	id := w.last
	return id, unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd), Pad: id})
}

// forget stops watching; news that is under way may still come.
func (w *watcher) forget(fd int) {
	unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}
