package server

import (
	"context"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// generation is a zygote and its workers. It brings workers and the news of their ends together, which may come
// before the parent knows of the worker.
type generation struct {
	zygote  *zygote.Zygote
	started time.Time

	mu       sync.Mutex
	children map[int]*child
	early    map[int]syscall.WaitStatus
}

// newGeneration starts a zygote, which inherits from the thread that executes it.
func newGeneration(ctx context.Context, o *Options) (*generation, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o.RestoreThread()
	// Its output goes where the server's own goes.
	z, err := zygote.Start(ctx, zygote.Config{Program: o.Program, Argv: os.Args, Engine: o.Engine, Module: o.Module})
	if err != nil {
		return nil, err
	}
	return &generation{zygote: z, started: time.Now(), children: map[int]*child{}, early: map[int]syscall.WaitStatus{}}, nil
}

// born makes a worker known.
func (g *generation) born(pid int, socket *net.UnixConn) *child {
	c := &child{pid: pid, socket: socket, exited: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	if status, dead := g.early[pid]; dead {
		delete(g.early, pid)
		c.end(status, true)
		return c
	}
	g.children[pid] = c
	return c
}

// follow takes the news until the zygote is gone, and all its workers with it.
func (g *generation) follow() {
	for exit := range g.zygote.Exits {
		g.mu.Lock()
		if c, ok := g.children[exit.Pid]; ok {
			delete(g.children, exit.Pid)
			c.end(exit.Status, true)
		} else {
			g.early[exit.Pid] = exit.Status
		}
		g.mu.Unlock()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.children {
		c.end(0, false)
	}
	clear(g.children)
	clear(g.early)
}

// end says that the worker is gone. Its socket is closed because a process that the script forked may hold the other
// end open.
func (c *child) end(status syscall.WaitStatus, known bool) {
	c.status, c.known = status, known
	c.ended.Store(true)
	close(c.exited)
	c.socket.Close()
}

// living are the workers that have not ended.
func (g *generation) living() []*child {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []*child
	for _, c := range g.children {
		list = append(list, c)
	}
	return list
}

// hasLiving reports whether a worker has not ended, of which the zygote need not tell any more.
func (g *generation) hasLiving() bool {
	for _, c := range g.living() {
		if !zygote.Ended(c.pid) {
			return true
		}
	}
	return false
}
