package master

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// channel is the master's end of a socket to a worker. Sending is the loop's and never waits; a goroutine reads.
type channel struct{ file *os.File }

// message is what a worker said; fd is -1 where none came with it. The last has letter 0: the worker is gone.
type message struct {
	letter byte
	text   string
	fd     int
}

// newChannel makes a pair. The second file is the worker's end.
func newChannel() (*channel, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, nil, err
	}
	return &channel{os.NewFile(uintptr(pair[0]), "worker")}, os.NewFile(uintptr(pair[1]), "master"), nil
}

// send sends a letter, and a descriptor unless it is -1. An error says that the worker is gone or wedged.
func (c *channel) send(letter byte, fd int) error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	var sent error
	if err := raw.Control(func(to uintptr) {
		sent = unix.Sendmsg(int(to), []byte{letter}, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}); err != nil {
		return err
	}
	return sent
}

// read gives messages to take until the worker is gone, on its own goroutine, and then closes the channel: what a
// worker said before it ended is worth as much as before, a parked connection most of all.
func (c *channel) read(take func(message)) {
	defer c.close()
	raw, err := c.file.SyscallConn()
	if err != nil {
		take(message{fd: -1})
		return
	}
	buf, oob := make([]byte, contract.MaxMessage), make([]byte, unix.CmsgSpace(4*4))
	for {
		var n, oobn int
		var got error
		err := raw.Read(func(from uintptr) bool {
			n, oobn, _, _, got = unix.Recvmsg(int(from), buf, oob, unix.MSG_CMSG_CLOEXEC)
			return got != unix.EAGAIN
		})
		// A worker that ended without reading all it was sent resets the connection. That is told first, once; what
		// it had said comes behind.
		if got == unix.EINTR || got == unix.ECONNRESET {
			continue
		}
		fd := received(oob[:max(oobn, 0)])
		if err != nil || got != nil || n <= 0 {
			take(message{fd: fd})
			return
		}
		take(message{letter: buf[0], text: string(buf[1:n]), fd: fd})
	}
}

// received is the descriptor that came; those beyond the first are nobody's and closed.
func received(oob []byte) int {
	fd := -1
	controls, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fd
	}
	for i := range controls {
		fds, err := unix.ParseUnixRights(&controls[i])
		if err != nil {
			continue
		}
		for _, f := range fds {
			if fd < 0 {
				fd = f
			} else {
				unix.Close(f)
			}
		}
	}
	return fd
}

func (c *channel) close() { c.file.Close() }
