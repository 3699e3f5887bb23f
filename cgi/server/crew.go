package server

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// crew is a zygote and its children, which leave together.
type crew struct {
	zygote *zygote.Zygote
	began  time.Time
	alive  *os.File // while it is open the children stay
	orders chan int // to fork so many
	left   bool     // leave was called
	gone   bool     // the zygote has died
}

// start is the outcome of a crew's start.
type start struct {
	crew *crew
	err  error
}

// birth is the outcome of a fork. If it failed, the others that were ordered with it are not tried.
type birth struct {
	child *zygote.Child
	err   error
}

// newCrew starts a zygote. The outcomes of its forks go to births. When ctx ends, what the zygote has not done yet is
// given up.
func newCrew(ctx context.Context, o *Options, births chan<- birth) (*crew, error) {
	runtime.LockOSThread() // the zygote inherits from the thread that executes it
	defer runtime.UnlockOSThread()
	o.RestoreThread()
	z, err := zygote.Start(ctx, zygote.Config{Program: o.Program, Argv: os.Args, Engine: o.Engine.Library, Module: o.Module})
	if err != nil {
		return nil, o.Engine.Refusal(err)
	}
	theirs, alive, err := os.Pipe()
	if err != nil {
		z.Close()
		return nil, err
	}
	c := &crew{zygote: z, began: time.Now(), alive: alive, orders: make(chan int, 1)}
	payload, err := Payload{Settings: o.Settings}.Encode()
	if err != nil {
		panic("BUG: settings that cannot be encoded: " + err.Error())
	}
	go func() {
		defer theirs.Close()
		for n := range c.orders {
			for range n {
				child, err := z.Spawn(ctx, payload, o.Listen.File, theirs)
				births <- birth{child, err}
				if err != nil {
					break
				}
			}
		}
	}()
	return c, nil
}

// leave tells the children to go when they have finished their requests.
func (c *crew) leave() {
	if !c.left {
		c.left = true
		c.alive.Close()
		close(c.orders)
	}
}
