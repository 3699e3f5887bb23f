package master

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// executeHandoff executes a program in this one's place, with the command line of this one. It returns only if that fails.
func executeHandoff(h *handoff.Handoff, program string, argv []string) error {
	defer endByDefault(syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)()
	return h.Execute(program, argv)
}

// handOff returns what this master leaves, when it has come to rest.
func (m *Master) handOff() *handoff.Handoff {
	h := m.leaveSockets()
	h.Old, h.Name = -1, zygote.Name()
	h.Generation, h.Since = m.generation, m.operators.since.Unix()
	h.Incidents = m.incidents.leave()
	h.Past, h.Observers = m.observers.LeaveMemory(), m.observers.Pids()
	h.Tally = &m.tally
	h.Stderr, h.Stdout, h.Control = m.errorLog.Original, -1, -1
	if fd, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
		h.Old = fd
	}
	if m.errorLog.Stdout != nil {
		h.Stdout = int(m.errorLog.Stdout.Fd())
	}
	if m.control != nil {
		h.Control = channel.RawFD(m.control.Socket())
	}
	h.Handing = m.sockets.LeaveHanding()
	for _, g := range m.generations() {
		h.Groups = append(h.Groups, m.leaveGeneration(g)...)
	}
	h.Groups = append(h.Groups, m.former.leave()...)
	for _, f := range m.fronts { // of generations that are gone
		if f.gen.http.front != f {
			h.Groups = append(h.Groups, handoff.Group{Generation: f.gen.number, Zygote: handoff.NoProcess, Front: f.leave()})
		}
	}
	for _, o := range m.operators.waiting {
		socket := o.Socket()
		if socket == nil {
			continue
		}
		fd := channel.RawFD(socket)
		if request, err := json.Marshal(o.Request); err == nil && fd >= 0 {
			h.Operators = append(h.Operators, handoff.Operator{FD: fd, Pid: o.Pid, UID: o.UID, Dashboard: o.Dashboard, Request: request})
		}
	}
	return h
}

// leaveParked adds the parked connections, and those whose next request has come.
func (m *Master) leaveParked(h *handoff.Handoff) {
	for _, c := range m.park.parked {
		if c.pool != nil {
			h.Parked = append(h.Parked, handoff.Connection{FD: c.fd, Socket: c.pool.home().socket.Key()})
		}
	}
	for _, p := range m.gen.pools {
		for _, c := range p.due {
			h.Parked = append(h.Parked, handoff.Connection{FD: c.fd, Socket: p.home().socket.Key()})
		}
	}
}

// leaveSockets returns a handoff of the listening sockets alone.
func (m *Master) leaveSockets() *handoff.Handoff {
	h := &handoff.Handoff{Format: handoff.Format, Version: m.opt.Version, Trial: -1, Old: -1, Stderr: -1, Stdout: -1, Control: -1}
	h.Sockets = m.sockets.Leave()
	return h
}

// leaveGeneration returns the groups of a generation.
func (m *Master) leaveGeneration(g *generation) (all []handoff.Group) {
	patience := int64(g.config.Global.ProcessControlTimeout)
	for _, e := range g.engines {
		group := handoff.Group{Generation: g.number, Patience: patience, Zygote: handoff.NoProcess, Front: handoff.NoProcess}
		if z, ok := e.zygote.(interface{ Control() int }); ok {
			group.Zygote = handoff.Process{Pid: e.zygote.Pid(), Control: z.Control()}
		}
		for _, p := range e.pools {
			for _, c := range p.children {
				if c.pid != 0 && !c.lost {
					group.Workers = append(group.Workers, c.leave(g.retiring))
				}
			}
		}
		all = append(all, group)
	}
	if f := g.http.front; f != nil {
		all = append(all, handoff.Group{Generation: g.number, Zygote: handoff.NoProcess, Front: f.leave()})
	}
	return all
}

// leave returns what is left of a worker.
func (c *child) leave(told bool) handoff.Worker {
	p := c.pool
	w := handoff.Worker{
		Process: handoff.Process{Pid: c.pid, Control: c.control.FD(), Told: told}, Pool: p.conf.Name, Socket: p.home().socket.Key(),
		Board: int(p.board.File().Fd()), Layout: scoreboard.Layout(), Slots: len(p.slots), Slot: c.slot,
		Terminate: int64(p.conf.RequestTerminateTimeout), Tracked: p.conf.RequestTerminateTimeoutTrackFinished, Decorate: p.conf.DecorateWorkersOutput,
	}
	if p.engine != nil {
		w.Engine = p.engine.php
	}
	if c.trace != nil {
		w.Keep = append(w.Keep, c.trace.FD())
	}
	if c.rescue != nil {
		w.Rescue = int(c.rescue.Fd())
		w.Keep = append(w.Keep, w.Rescue)
		for _, l := range p.gen.http.plain() {
			w.Addresses = append(w.Addresses, l.Address)
		}
	}
	if c.output != nil {
		w.Output = c.output.Left()
	}
	return w
}

// leave returns what is left of a front.
func (f *front) leave() handoff.Process {
	return handoff.Process{Pid: f.Pid, Control: f.Control.FD(), Told: f.Quits, Drain: int64(f.gen.plan.Own.Limits.DrainTimeout)}
}

// nameProcess makes ps -C find the process by the name that it had: a program that is executed by its descriptor is called by a
// number.
func nameProcess(name string) {
	if name != "" && !strings.ContainsAny(name, "/\n") {
		os.WriteFile("/proc/self/comm", []byte(name), 0)
	}
}
