package server

import (
	"context"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// generation is a zygote and its workers.
type generation struct {
	zygote  *zygote.Zygote
	started time.Time
}

// newGeneration starts a zygote, which inherits from the thread that executes it.
func newGeneration(ctx context.Context, o *Options) (*generation, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o.RestoreThread()
	// Its output goes where the server's own goes.
	z, err := zygote.Start(ctx, zygote.Config{Program: o.Program, Argv: os.Args, Engine: o.Engine.Library, Module: o.Module})
	if err != nil {
		return nil, o.Engine.Refusal(err)
	}
	return &generation{zygote: z, started: time.Now()}, nil
}

// hasLiving reports whether a worker has not ended, of which the zygote need not tell any more.
func (g *generation) hasLiving() bool {
	return slices.ContainsFunc(g.zygote.Children(), func(c *zygote.Child) bool { return !c.Ended() })
}
