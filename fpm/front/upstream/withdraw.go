package upstream

import (
	"net"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The front sends a pool no more requests than it has workers. But workers answer others, too: what they accept by themselves, and what
// other web servers send. So a request may wait on its connection, in the backlog or at the master, until a worker reads it. Its time is
// that of the queue: after QueueTimeout the front takes it back. The protocol:
//
//	front                                  worker
//	  shuts down its sending side            reads the request
//	  looks whether it was read              looks whether that was shut down, and if so does not answer
//
// Each acts before it looks, so a request that the front has found unread is not answered by anybody.
// The front knows by SIOCOUTQ whether the peer of a unix socket has read all. That says nothing of TCP, and of a body that is still being sent:
// then the request has fastcgi.TellRead, and the worker says that it has read it.

// latest is when the request that was sent is to be taken back.
func (c *conn) latest() time.Time { return c.asked.Add(c.pool.Limits.QueueTimeout) }

// waitsForWorker reports whether no worker has read the request, and notes it.
func (c *conn) waitsForWorker() bool {
	if c.taken {
		return false
	}
	if c.isRead() {
		c.noteTaken()
		return false
	}
	if !c.waits {
		c.waits = true
		p := c.pool
		p.mu.Lock()
		p.unread = append(p.unread, c)
		p.demand.most = max(p.demand.most, len(p.queue)+len(p.unread))
		p.mu.Unlock()
	}
	c.pool.noteWait(time.Now())
	return true
}

// noteTaken notes that the request waits no longer.
func (c *conn) noteTaken() {
	c.taken = true
	if !c.waits {
		return
	}
	c.waits = false
	p := c.pool
	p.mu.Lock()
	if i := slices.Index(p.unread, c); i >= 0 {
		p.unread = slices.Delete(p.unread, i, i+1)
	}
	p.mu.Unlock()
}

// takeBack takes the request back. It returns false if a worker may have it: then that answers it, or the connection ends.
func (c *conn) takeBack() bool {
	c.back = true
	c.raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) })
	if c.isRead() {
		c.noteTaken()
		return false
	}
	if tcp, ok := c.socket.(*net.TCPConn); ok {
		tcp.SetLinger(0) // else the end comes after what the socket holds of a long body
	}
	p := c.pool
	p.mu.Lock()
	p.demand.refused++
	p.mu.Unlock()
	return true
}

// isRead reports whether a worker has read the request, or may have.
func (c *conn) isRead() bool {
	if c.held != nil {
		return false // it was not even written
	}
	read := true
	c.raw.Control(func(fd uintptr) {
		if !c.tells {
			n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
			read = err != nil || n == 0
			return
		}
		var b [1]byte
		_, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		read = errno != syscall.EAGAIN
	})
	return read
}
