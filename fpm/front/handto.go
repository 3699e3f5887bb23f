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

// handingPatience is how long a connection may wait for room in the socket to a pool for other scripts, as in package worker.
const handingPatience = 5 * time.Second

// handTo returns what connects to the workers that get their connections by messages on a socket, contract.FrontPoolTo: a connection
// is a pair of sockets, of which a message brings one to a worker. Nothing has been read of it.
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
