package zygote

import (
	"sync"
	"syscall"
)

// keeper knows the children of a zygote that live, from its news. The news comes in order: a child's birth before its end,
// and its end before the birth of another one with its pid. So a pid means one child at a time, and a parent that has the
// Child needs no book of pids.
type keeper struct {
	mu     sync.Mutex
	living map[int]*Child
	over   bool // no more news comes
}

// birth takes the news of a birth. It returns nil if there cannot have been one: a child with the pid lives.
func (k *keeper) birth(z *Zygote, pid int, told int64) *Child {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over || k.living[pid] != nil {
		return nil
	}
	if k.living == nil {
		k.living = map[int]*Child{}
	}
	c := &Child{zygote: z, pid: pid, told: told, done: make(chan struct{})}
	k.living[pid] = c
	return c
}

// end takes the news of an end. It returns false if no child had the pid.
func (k *keeper) end(pid int, status syscall.WaitStatus, peak int64) bool {
	k.mu.Lock()
	c := k.living[pid]
	delete(k.living, pid)
	k.mu.Unlock()
	if c == nil {
		return false
	}
	c.status, c.peak, c.known = status, peak, true
	close(c.done)
	return true
}

// close says that no more news comes: nobody can tell how the children that live will end.
func (k *keeper) close() {
	k.mu.Lock()
	left := k.living
	k.living, k.over = nil, true
	k.mu.Unlock()
	for _, c := range left {
		close(c.done)
	}
}

// children returns those that live.
func (k *keeper) children() []*Child {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*Child, 0, len(k.living))
	for _, c := range k.living {
		all = append(all, c)
	}
	return all
}
