// Package channel is a socket between two processes of a service, the master and a worker for example: one end of a SOCK_SEQPACKET pair. One packet is one
// message: a letter, then text if the letter's meaning has one; a descriptor may travel with it (SCM_RIGHTS). Package contract says what
// the letters mean.
//
// A Channel lives until the other process ends or closes its end: the end of the socket says so. Send never blocks. Read runs on a goroutine
// of its own. It reads a message only after the one before was taken, so that a process that floods the socket has to wait.
package channel

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// Channel is this process's end of the socket. Sending never waits; one goroutine reads.
type Channel struct {
	file   *os.File
	halted atomic.Bool
}

// Message is what the other end said; FD is -1 where no descriptor came with it, else the receiver's to close. The
// last has letter 0: the other end is gone.
type Message struct {
	Letter byte
	Text   string
	FD     int
}

// New makes a pair: this process's end, and the file for the other process.
func New() (*Channel, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	c, err := Open(pair[0])
	if err != nil {
		unix.Close(pair[1])
		return nil, nil, err
	}
	return c, os.NewFile(uintptr(pair[1]), "channel"), nil
}

// Open makes a channel of the end that this process was given, and owns it from then on.
func Open(fd int) (*Channel, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Channel{file: os.NewFile(uintptr(fd), "channel")}, nil
}

// Send sends a message, with a descriptor unless it is -1. What is longer than contract.MaxMessage is cut. An error says
// that the other end is gone or wedged.
func (c *Channel) Send(letter byte, text string, fd int) error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	message := append([]byte{letter}, text[:min(len(text), contract.MaxMessage-1)]...)
	var sent error
	if err := raw.Control(func(to uintptr) {
		sent = unix.Sendmsg(int(to), message, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}); err != nil {
		return err
	}
	return sent
}

// SendWithin is Send for a message that may wait for room in the socket, as long as patience.
func (c *Channel) SendWithin(letter byte, text string, fd int, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	err := c.Send(letter, text, fd)
	for err == unix.ETOOMANYREFS && time.Now().Before(deadline) {
		time.Sleep(inFlightPause)
		err = c.Send(letter, text, fd)
	}
	if err != unix.EAGAIN || patience <= 0 {
		return err
	}
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	if err := c.file.SetWriteDeadline(deadline); err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	message := append([]byte{letter}, text[:min(len(text), contract.MaxMessage-1)]...)
	var sent error
	if err := raw.Write(func(to uintptr) bool {
		sent = unix.Sendmsg(int(to), message, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		return sent != unix.EAGAIN
	}); err != nil {
		return err
	}
	return sent
}

// AnyDescriptor is for Read: it wants every descriptor. A process that reads what the master says may trust it that far.
func AnyDescriptor(byte, int) bool { return true }

// Read hands messages to take until the other end is gone, and then closes the channel: what a worker said before it
// ended counts as much as before, a parked connection most of all.
//
// A descriptor is handed on only if wants returns true for it; a nil wants wants none. The others are closed here and
// not by the goroutine that takes the messages: closing a descriptor of somebody else's may wait.
func (c *Channel) Read(wants func(letter byte, fd int) bool, take func(Message)) {
	defer func() {
		if !c.halted.Load() {
			c.Close()
		}
	}()
	raw, err := c.file.SyscallConn()
	if err != nil {
		take(Message{FD: -1})
		return
	}
	hand := func(m Message) {
		if m.FD >= 0 && (wants == nil || m.Letter == 0 || !wants(m.Letter, m.FD)) {
			unix.Close(m.FD)
			m.FD = -1
		}
		take(m)
	}
	for {
		m := Message{FD: -1}
		var got error
		err := raw.Read(func(from uintptr) bool {
			m, got = receive(int(from))
			return got != unix.EAGAIN
		})
		// An end that was closed without reading all it was sent resets the connection. That is told first, once; what
		// it had said comes after.
		if got == unix.EINTR || got == unix.ECONNRESET {
			continue
		}
		if err != nil && c.halted.Load() {
			return
		}
		if err != nil || got != nil || m.Letter == 0 {
			hand(Message{FD: m.FD})
			return
		}
		hand(m)
	}
}

// packets are receive's. A channel that waits holds none: a master has a channel for each worker.
var packets = sync.Pool{New: func() any { return new(packet) }}

type packet struct {
	text   [contract.MaxMessage]byte
	rights [unix.SizeofCmsghdr + 4*4]byte // room for four descriptors
}

// receive takes a message that is there already. The error is unix.EAGAIN if there is none. The letter is 0 if the other end is
// gone.
func receive(from int) (Message, error) {
	p := packets.Get().(*packet)
	defer packets.Put(p)
	n, rights, _, _, err := unix.Recvmsg(from, p.text[:], p.rights[:], unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return Message{FD: -1}, err
	}
	m := Message{FD: FirstDescriptor(p.rights[:rights])}
	if n > 0 {
		m.Letter, m.Text = p.text[0], string(p.text[1:n])
	}
	return m, nil
}

// FirstDescriptor returns the descriptor in oob, which recvmsg has filled; -1: there is none. Nobody has asked for more than one: it
// closes the others.
func FirstDescriptor(oob []byte) int {
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

// Close closes this end.
func (c *Channel) Close() { c.file.Close() }

// Halt has Read return when it has handed on what it has received. The channel stays open, and what comes then is for another
// reader: Read hands on no message of letter 0.
func (c *Channel) Halt() {
	c.halted.Store(true)
	c.file.SetReadDeadline(time.Unix(1, 0))
}

// FD returns the descriptor of this end, which stays the channel's; -1: it is closed.
func (c *Channel) FD() int { return RawFD(c.file) }

// RawFD returns the descriptor of a file, whose mode File.Fd would change, or of a socket; -1: it is closed.
func RawFD(f syscall.Conn) (fd int) {
	fd = -1
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd
}
