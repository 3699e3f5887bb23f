package worker

import (
	"bytes"
	"io"
	"syscall"
	"time"
	"unsafe"
)

// The worker reads and writes by system calls of its own: PHP's thread waits in them itself, and no poller of Go's
// runtime needs to run beside it.

// socketReader reads from a descriptor that blocks.
type socketReader int

func (fd socketReader) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func newReader(p []byte) io.Reader { return bytes.NewReader(p) }

// receive reads into p, and returns the control messages that came with it, in space.
func receive(fd int, p, space []byte) (int, []byte, error) {
	for {
		n, used, _, _, err := syscall.Recvmsg(fd, p, space, syscall.MSG_CMSG_CLOEXEC)
		if err != syscall.EINTR {
			return n, space[:max(used, 0)], err
		}
	}
}

// descriptors are those that came with a message.
func descriptors(control []byte) ([]int, error) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	return syscall.ParseUnixRights(&messages[0])
}

// sendAll writes all of p to a socket that does not block, and waits for room in it up to patience each time. It returns
// how much was written.
func sendAll(fd int, p []byte, patience time.Duration) (int, error) {
	written := 0
	for written < len(p) {
		n, err := syscall.Write(fd, p[written:])
		switch err {
		case nil:
			written += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			if err := waitWritable(fd, patience); err != nil {
				return written, err
			}
		default:
			return written, err
		}
	}
	return written, nil
}

// waitWritable waits until fd takes bytes again. A signal that a script handles begins the time again.
func waitWritable(fd int, patience time.Duration) error {
	polled := struct {
		fd      int32
		events  int16
		revents int16
	}{fd: int32(fd), events: 4} // POLLOUT
	limit := syscall.NsecToTimespec(int64(patience))
	for {
		n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&polled)), 1,
			uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return errno
		case n == 0:
			return syscall.ETIMEDOUT
		default:
			return nil
		}
	}
}
