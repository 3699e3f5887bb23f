package master

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// forker is a running zygote; *zygote.Zygote is one.
type forker interface {
	Fork(ctx context.Context, title string, payload []byte, fds ...int) (pid int, err error)
	Signal(pid int, signal syscall.Signal) error
	Pid() int
	Detach(stdio *os.File) error
	Close() error
}

// system is what the master does to other processes. Tests replace it.
type system struct {
	// start starts a zygote and returns where its workers' ends will be told. It ends with its context.
	start func(context.Context, zygote.Config) (forker, <-chan zygote.Exit, error)
	// constants starts PHP, asks it for its constants and ends it. It ends with its context.
	constants func(context.Context, zygote.Config) (map[string]string, error)
	// startFront executes a front; its end is told by SIGCHLD.
	startFront func(frontCommand) (pid int, err error)
	// kill is for children of the master's own: their pids are theirs until the loop waits for them.
	kill func(pid int, signal syscall.Signal) error
	now  func() time.Time
	// patience is how long PHP and the first workers of a new generation may take to be ready.
	patience time.Duration
	// askPatience is how long a PHP may take that is only asked for its constants.
	askPatience time.Duration
}

func realSystem() system {
	return system{
		start: func(ctx context.Context, c zygote.Config) (forker, <-chan zygote.Exit, error) {
			z, err := zygote.Start(ctx, c)
			if err != nil {
				return nil, nil, err
			}
			return z, z.Exits, nil
		},
		constants:   zygote.Constants,
		startFront:  func(c frontCommand) (int, error) { return executeFront(c) },
		kill:        syscall.Kill,
		now:         time.Now,
		patience:    readyTimeout,
		askPatience: askTimeout,
	}
}
