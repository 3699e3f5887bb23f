package master

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// forker is a running zygote, as *zygote.Zygote is one.
type forker interface {
	Fork(ctx context.Context, title string, payload []byte, fds ...int) (process, error)
	Pid() int
	Detach(ctx context.Context, stdio *os.File) error
	Done() <-chan struct{}
	Close() error
}

// process is a worker's; *zygote.Child is one.
type process interface {
	Pid() int
	Signal(signal syscall.Signal) error
	Done() <-chan struct{}
	Status() (status syscall.WaitStatus, known bool)
	Peak() int64
}

// realForker is a zygote whose children are workers.
type realForker struct{ *zygote.Zygote }

func (z realForker) Fork(ctx context.Context, title string, payload []byte, fds ...int) (process, error) {
	c, err := z.Zygote.Fork(ctx, title, payload, fds...)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// system is what the master does to other processes. Tests replace it.
type system struct {
	// start starts a zygote. It ends with its context.
	start func(context.Context, zygote.Config) (forker, error)
	// constants starts PHP, asks it for its constants and ends it. It ends with its context.
	constants func(context.Context, zygote.Config) (map[string]string, error)
	// startFront executes a front; its end is told by SIGCHLD.
	startFront func(companion.Command) (pid int, err error)
	// kill is for children of the master's own: their pids are theirs until the loop waits for them.
	kill func(pid int, signal syscall.Signal) error
	now  func() time.Time
	// patience is how long PHP and the first workers of a new generation may take to be ready.
	patience time.Duration
	// askPatience is how long a PHP may take that is only asked for its constants.
	askPatience time.Duration
	// certificatesInterval is how often certificates are looked at.
	certificatesInterval time.Duration
}

func realSystem() system {
	return system{
		start: func(ctx context.Context, c zygote.Config) (forker, error) {
			z, err := zygote.Start(ctx, c)
			if err != nil {
				return nil, err
			}
			return realForker{z}, nil
		},
		constants:            zygote.Constants,
		startFront:           func(c companion.Command) (int, error) { return companion.Execute(c) },
		kill:                 syscall.Kill,
		now:                  time.Now,
		patience:             readyTimeout,
		askPatience:          askTimeout,
		certificatesInterval: 5 * time.Second,
	}
}

// launch starts a zygote, and takes what PHP meanwhile says.
func (s system) launch(ctx context.Context, config zygote.Config) (forker, startup.Messages, error) {
	said := startup.Hear(&config)
	z, err := s.start(ctx, config)
	return z, said(), err
}
