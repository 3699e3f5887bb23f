package master

import (
	"sync"

	"golang.org/x/sys/unix"
)

// closer closes connections of a pool beside the loop, one after the other: a script that had such a connection may have seen
// to it that close(2) waits, by SO_LINGER or by what is under way in it. Then the pool's other connections wait, and
// nobody else.
type closer struct {
	mu      sync.Mutex
	queue   []int
	running bool
	closing int // that of them which is being closed, too
}

func (c *closer) close(fd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, fd)
	c.closing++
	if !c.running {
		c.running = true
		go c.run()
	}
}

func (c *closer) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 {
		fd := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
		unix.Close(fd)
		c.mu.Lock()
		c.closing--
	}
	c.queue, c.running = nil, false
}

// pending is how many connections are not closed yet.
func (c *closer) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}
