package master

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/output"
)

// workerWrote is a piece of what a worker has written.
type workerWrote struct{ piece *output.Piece }

func (e workerWrote) happen(m *Master) {
	if e.piece.Log(m.log.Log) {
		m.reading--
	}
}

// readOutput begins to read what a worker writes.
func (m *Master) readOutput(o *output.Output, c *child) {
	m.reading += output.Pipes
	of := output.Origin{Pool: c.pool.conf.Name, Pid: c.pid, Decorate: c.pool.conf.DecorateWorkersOutput}
	o.Read(of, func(p *output.Piece) { m.box.post(workerWrote{p}) })
}

// settleOutput logs what workers have written before what comes now: a signal must not overtake the output of the
// request that its sender has waited for.
func (m *Master) settleOutput() {
	const tries, pause = 50, 200 * time.Microsecond
	for range tries {
		m.handle()
		var fds []unix.PollFd
		for _, g := range m.generations() {
			fds = g.outputs(fds)
		}
		if n, err := unix.Poll(fds, 0); len(fds) == 0 || n <= 0 || err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// outputs adds the pipes of a generation's workers.
func (g *generation) outputs(fds []unix.PollFd) []unix.PollFd {
	for _, p := range g.pools {
		for _, c := range p.children {
			if c.output != nil {
				fds = c.output.Unread(fds)
			}
		}
	}
	return fds
}

// lastOutput waits, not for long, for the output of workers that have ended.
func (m *Master) lastOutput() {
	const patience = 100 * time.Millisecond
	timeout := time.After(patience)
	for m.reading > 0 {
		select {
		case <-m.box.wake:
			m.handle()
		case <-timeout: // a process that a script left behind holds a pipe open
			return
		}
	}
}
