package front

import (
	"context"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// handingPatience is how long a connection may wait for room in the socket to a pool, as in package worker.
const handingPatience = 5 * time.Second

// handTo returns a function that connects to workers through a socket, contract.FrontPoolTo. It makes a pair of sockets, sends one of them to
// a worker in a message and returns the other. Nothing has been read of the connection.
func handTo(to *os.File) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, os.NewSyscallError("socketpair", err)
		}
		defer unix.Close(pair[1])
		own := os.NewFile(uintptr(pair[0]), "to a worker")
		defer own.Close() // it is duplicated
		patience := handingPatience
		if until, limited := ctx.Deadline(); limited {
			patience = min(patience, time.Until(until))
		}
		if err := channel.SendPacket(int(to.Fd()), []byte(contract.NothingRead), contract.MaxHanded, patience, pair[1]); err != nil {
			return nil, os.NewSyscallError("sendmsg", err)
		}
		return net.FileConn(own)
	}
}
