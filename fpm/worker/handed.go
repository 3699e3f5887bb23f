package worker

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A pool in worker mode has two kinds of workers. Those that run the worker script accept the connections. What asks for
// another script is handed on, on a socket between the two, to those that run the script of each request. Such a connection
// comes back when it is idle, by the master. The front knows which scripts these are, and sends what asks for them on the same
// socket.

// handed is what a worker needs that is handed its connections.
type handed struct {
	message [contract.MaxHanded]byte
	rights  [channel.RightsSize]byte
}

// handingPatience is how long a connection may wait to be handed on.
const handingPatience = 5 * time.Second

// handOn hands the present connection to a worker that runs other scripts. One of HTTP goes by the front.
func (k *worker) handOn() {
	if k.talk.http {
		k.web.HandOver()
		k.endHTTP()
		return
	}
	s, fd := k.script, k.talk.fd
	if k.talk.watched { // the epoll instance would keep watching what another process has open
		unix.EpollCtl(k.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	}
	k.talk = talk{}
	s.handingOn = k.responder.Unread(s.handingOn[:0])
	k.slot.Finished()
	if err := channel.SendPacket(s.to, s.handingOn, contract.MaxHanded, handingPatience, fd); err != nil {
		k.report(zlog.Warning, "a request for another script than the worker script's was lost, because it could not be handed on: "+words(err))
	}
	unix.Close(fd)
	if cap(s.handingOn) > contract.MaxHanded { // a large one is rare
		s.handingOn = nil
	}
}

// takeHanded takes a connection that was handed on, if no other worker was faster.
func (k *worker) takeHanded() {
	h := k.handed
	n, oobn, _, _, err := unix.Recvmsg(k.listen, h.message[:], h.rights[:], unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	switch {
	case err == unix.EAGAIN, err == unix.EINTR:
		return
	case err != nil:
		k.failed(err, "recvmsg")
		k.leaving = true
		responder.Pause(100 * time.Millisecond)
		return
	}
	fd := channel.Descriptor(h.rights[:oobn])
	if fd < 0 {
		return // no more descriptors: it was closed
	}
	k.slot.CountConnection()
	ahead := h.message[:n]
	if string(ahead) == contract.NothingRead {
		ahead = nil
	}
	k.converse(talk{fd: fd, peer: responder.PeerBehind(fd)}, responder.NextByteTimeout, ahead)
}
