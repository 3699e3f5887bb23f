// Counterpart: sapi/fpm/fpm/fpm_children.h

package master

import (
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/output"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// child is a worker as the master knows it, by its own truth.
type child struct {
	weight  int64 // its memory in proportion, in bytes; 0: not known
	pool    *pool
	pid     int // 0 until it has been forked
	slot    int
	process process        // nil until it has been forked
	quiet   bool           // its start is not news: a line for debugging
	signal  syscall.Signal // to be sent when it has been forked; 0: none
	then    func()         // called when it has been forked; nil: nothing
	started time.Time
	ready   bool // it has said so
	lost    bool // its control socket has ended
	lostAt  time.Time
	orphan  bool // its zygote is gone
	gone    bool // buried

	control *channel.Channel
	trace   *channel.Channel // nil without slow log
	output  *output.Output   // nil without catch_workers_output
	direct  bool             // it speaks HTTP
	rescue  *os.File         // the end at which a connection is taken out of the worker's rescue socket; nil: it speaks no HTTP, or is buried

	idleKill    bool              // the process manager has asked it to end
	makesRoom   bool              // for a reload
	hoards      bool              // it was ended for the processes that it holds
	tried       bool              // room was made for its threads
	terminated  bool              // it was sent SIGTERM
	killed      bool              // it was sent SIGKILL
	broken      *broken           // how its worker script has ended; nil: it has not
	overdue     bool              // it was ended because its boot took too long
	unbooted    bool              // its worker script did not boot
	why         scoreboard.Reason // it is replaced; -1: not known
	grows       bool              // that it grows was logged
	yields      bool              // it was told to leave for good what it has not begun
	ordered     *ordered          // an operator has ended its request; nil: none has
	retiring    bool              // it wants a successor, which is not there yet
	succeeded   bool              // its successor is there, and it was told to end
	leaving     pm.Escalation     // of a worker in worker mode that was told to end
	asked       bool              // it owes an Idle
	yielded     bool              // it has said so
	complaints  messages          // for the error log: its own,
	sayings     messages          // and its scripts'
	records     contract.Records  // likewise, in JSON
	tracing     trace             // what it has sent of its stack
	inspections []*inspection     // of the caches, that it has not answered, the oldest first
	samples     samplesBudget
	vigil       vigil
	silentSince int64 // scoreboard.HTTP.Spoke of the request that the front has answered for it; 0: none
	slowLogged  int64 // Accepted of the request that was traced; 0: none
}

// idle reports whether the child waits for a request, by its own word.
func (c *child) idle(a *scoreboard.Activity) bool {
	return c.ready && c.pool.board.Activity(c.slot, a) && a.Stage == scoreboard.Accepting
}

// exit returns how the child has ended; 0 if nobody can tell.
func (c *child) exit() syscall.WaitStatus {
	status, _ := c.process.Status()
	return status
}

// hasBegun reports whether the child accepts requests, or did: by its message, or by its slot, which it may have written to
// before its message was read.
func (c *child) hasBegun() bool {
	var a scoreboard.Activity
	return c.ready || c.pool.board.Activity(c.slot, &a) && a.Stage >= scoreboard.Accepting
}

// freeSlot is the number of a slot that nobody has; -1 if there is none.
func (p *pool) freeSlot() int {
	for i, c := range p.slots {
		if c == nil {
			return i
		}
	}
	return -1
}

// link makes a forked child the pool's.
func (p *pool) link(c *child) {
	p.slots[c.slot] = c
	p.children = append([]*child{c}, p.children...)
}

// unlink takes it away again.
func (p *pool) unlink(c *child) {
	p.slots[c.slot] = nil
	for i, other := range p.children {
		if other == c {
			p.children = append(p.children[:i:i], p.children[i+1:]...)
			break
		}
	}
	c.gone = true
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
