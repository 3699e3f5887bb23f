package worker

import (
	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle"
)

// watch makes the epoll instance. Of the workers that wait on the listening socket the kernel wakes one.
func (k *worker) watch() (err error) {
	if k.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if k.web != nil {
		k.web.Epoll = k.epoll
	}
	for _, fd := range [...]int{k.control.fd, k.quit} {
		if err := k.add(fd, unix.EPOLLIN); err != nil {
			return err
		}
	}
	for _, fd := range k.sources() {
		if err := k.add(fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE); err != nil {
			return err
		}
	}
	return nil
}

// sources are the sockets that new connections come from: the pool's, and if the worker speaks HTTP those of the front.
func (k *worker) sources() []int {
	if k.from == nil {
		k.from = append([]int{k.listen}, k.web.sources()...)
	}
	return k.from
}

func (k *worker) add(fd int, events uint32) error {
	return unix.EpollCtl(k.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// withhold keeps the worker's own descriptors from the processes that scripts fork. Standard output and error are theirs
// too.
func (k *worker) withhold() {
	own := append([]int{k.listen, k.control.fd, k.traces, k.epoll, k.quit, k.access.fd, k.tracing.spans, k.script.others(), k.crashFD(), k.statm}, k.web.own()...)
	if k.inForks == nil {
		k.inForks = lifecycle.GivenUpInForks(len(own))
	}
	for i, fd := range own {
		k.inForks[i] = int32(fd)
	}
}

func (k *worker) crashFD() int {
	if k.crash == nil {
		return -1
	}
	return int(k.crash.Fd())
}
