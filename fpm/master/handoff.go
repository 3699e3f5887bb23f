package master

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// An upgrade executes another program in the master's place: docs/adr/0021-why-an-upgrade-is-an-exec.md. All that the other
// program must know it reads from a file in memory, and all that must not end it inherits as descriptors.

// handoffEnvironment names the descriptor of that file.
const handoffEnvironment = "PHPSAPI_FPM_HANDOFF"

// handoffFormat is the format of a handoff. A program takes no other: to change what a name means needs another number, a new name
// does not.
const handoffFormat = 1

// handoff is what a master leaves to the program that it executes. Numbers of descriptors are -1 if there is none.
type handoff struct {
	Format  int
	Version string // of the program that leaves it
	Trial   int    // the program is to show that it could take over, and to say so at this descriptor; -1: it is to take over
	Why     string // another program was executed before this one and could not start: this is the one before
	Old     int    // the file of the program before
	Start   int64  // how long the start may take, in ns; 0: the program decides
	Name    string // what ps -C calls the process

	Generation int
	Since      int64 // when the service began, in seconds since 1970
	Stderr     int   // the first one
	Stdout     int
	Control    int // the control socket

	Sockets   []listening.Left
	Handing   []int // see listening.Sockets.LeaveHanding; empty: none
	Parked    []handedConnection
	Groups    []handedGroup
	Operators []handedOperator
	Lines     []string // for the operators that wait for the upgrade
	Order     int      // the signal by which the service was told to end while the program before came to rest; 0: none
	Incidents *handedIncidents
	Observers []int // the pids of observers, which end with the program that has started them
	Past      int   // what observers remember; 0: nothing
	Tally     *tally
}

// handedConnection is a connection that is kept and idle, or was when it was last looked at.
type handedConnection struct {
	FD     int
	Socket string // whose connection it is: the key
}

// handedGroup is an engine of a generation, or its front: what ends together.
type handedGroup struct {
	Generation int
	Patience   int64 // process_control_timeout in ns; 0: none
	Zygote     handedProcess
	Front      handedProcess
	Workers    []handedWorker
}

// handedProcess is a process with a control socket; Pid is 0 if there is none.
type handedProcess struct {
	Pid, Control int
	Told         bool  // it was asked to go
	Drain        int64 // of a front: how long it may take for that, in ns; 0: any time
}

// handedWorker is a worker.
type handedWorker struct {
	handedProcess
	Pool      string
	Socket    string   // the key of the socket at which its connections were accepted
	Engine    string   // its PHP
	Keep      []int    // what must stay open while it lives
	Rescue    int      // the one of these that is its rescue socket; 0: there is none
	Addresses []string // of the listeners of HTTP, by the numbers that the worker has for them
	Output    []int    // what it writes to stdout and stderr; empty: not caught
	Decorate  bool     // see conf.Pool.DecorateWorkersOutput
	Board     int      // its scoreboard
	Layout    uint64   // of that
	Slots     int
	Slot      int
	Terminate int64 // request_terminate_timeout, in ns; 0: none
	Tracked   bool  // request_terminate_timeout_track_finished
}

// handedOperator waits for the outcome.
type handedOperator struct {
	FD, Pid, UID int
	Dashboard    string // see operator
	Request      json.RawMessage
}

// takeHandoff returns what the program that was executed before has left; nil: there was none. Nothing of it is inherited by what
// this program executes.
func takeHandoff() (*handoff, error) {
	text, set := os.LookupEnv(handoffEnvironment)
	os.Unsetenv(handoffEnvironment)
	if !set {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "handoff")
	defer file.Close()
	return readHandoff(io.NewSectionReader(file, 0, 64<<20))
}

func readHandoff(r io.Reader) (*handoff, error) {
	h := &handoff{}
	if err := json.NewDecoder(r).Decode(h); err != nil {
		return nil, err
	}
	if h.Format != handoffFormat {
		return nil, fmt.Errorf("it is of format %d, and this program takes %d", h.Format, handoffFormat)
	}
	h.inherit(false)
	return h, nil
}

// file returns a file in memory with what is to be left.
func (h *handoff) file() (*os.File, error) {
	return companion.InMemory("handoff", func(w *os.File) error { return json.NewEncoder(w).Encode(h) })
}

// descriptors are all that the handoff has.
func (h *handoff) descriptors() (all []int) {
	all = append(all, h.Old, h.Stderr, h.Stdout, h.Control, h.Trial)
	all = append(all, h.Handing...)
	for _, s := range h.Sockets {
		all = append(all, s.FD, s.Path, s.Pair)
	}
	for _, c := range h.Parked {
		all = append(all, c.FD)
	}
	for _, g := range h.Groups {
		all = append(all, g.Zygote.Control, g.Front.Control)
		for _, w := range g.Workers {
			all = append(all, w.Control, w.Board)
			all = append(append(all, w.Keep...), w.Output...)
		}
	}
	for _, o := range h.Operators {
		all = append(all, o.FD)
	}
	return append(all, h.Past)
}

// inherit has a program that is executed get the descriptors, or not.
func (h *handoff) inherit(yes bool) {
	flag := unix.FD_CLOEXEC
	if yes {
		flag = 0
	}
	for _, fd := range h.descriptors() {
		if fd > 2 {
			unix.FcntlInt(uintptr(fd), unix.F_SETFD, flag)
		}
	}
}

// execute executes a program in this one's place, with the command line of this one. It returns only if that fails.
func (h *handoff) execute(program string, argv []string) error {
	file, err := h.file()
	if err != nil {
		return err
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, 3)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	h.inherit(true)
	defer h.inherit(false)
	defer endByDefault(syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)()
	return syscall.Exec(program, argv, append(os.Environ(), handoffEnvironment+"="+strconv.Itoa(fd)))
}

// handOff returns what this master leaves, when it has come to rest.
func (m *Master) handOff() *handoff {
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
		h.Control = channel.RawFD(m.control.listener)
	}
	h.Handing = m.sockets.LeaveHanding()
	for _, g := range m.generations() {
		h.Groups = append(h.Groups, m.leaveGeneration(g)...)
	}
	h.Groups = append(h.Groups, m.former.leave()...)
	for _, f := range m.fronts { // of generations that are gone
		if f.gen.front != f {
			h.Groups = append(h.Groups, handedGroup{Generation: f.gen.number, Zygote: noProcess, Front: f.leave()})
		}
	}
	for _, o := range m.operators.waiting {
		if request, err := json.Marshal(o.request); err == nil && o.fd >= 0 && !o.hungUp {
			h.Operators = append(h.Operators, handedOperator{o.fd, o.pid, o.uid, o.dashboard, request})
		}
	}
	return h
}

// leaveParked adds the parked connections, and those whose next request has come.
func (m *Master) leaveParked(h *handoff) {
	for _, c := range m.park.parked {
		if c.pool != nil {
			h.Parked = append(h.Parked, handedConnection{c.fd, c.pool.home().socket.Key()})
		}
	}
	for _, p := range m.gen.pools {
		for _, c := range p.due {
			h.Parked = append(h.Parked, handedConnection{c.fd, p.home().socket.Key()})
		}
	}
}

// leaveSockets returns a handoff of the listening sockets alone.
func (m *Master) leaveSockets() *handoff {
	h := &handoff{Format: handoffFormat, Version: m.opt.Version, Trial: -1, Old: -1, Stderr: -1, Stdout: -1, Control: -1}
	h.Sockets = m.sockets.Leave()
	return h
}

var noProcess = handedProcess{Control: -1}

// leaveGeneration returns the groups of a generation.
func (m *Master) leaveGeneration(g *generation) (all []handedGroup) {
	patience := int64(g.config.Global.ProcessControlTimeout)
	for _, e := range g.engines {
		group := handedGroup{Generation: g.number, Patience: patience, Zygote: noProcess, Front: noProcess}
		if z, ok := e.zygote.(interface{ Control() int }); ok {
			group.Zygote = handedProcess{Pid: e.zygote.Pid(), Control: z.Control()}
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
	if f := g.front; f != nil {
		all = append(all, handedGroup{Generation: g.number, Zygote: noProcess, Front: f.leave()})
	}
	return all
}

// leave returns what is left of a worker.
func (c *child) leave(told bool) handedWorker {
	p := c.pool
	w := handedWorker{
		handedProcess: handedProcess{Pid: c.pid, Control: c.control.FD(), Told: told}, Pool: p.conf.Name, Socket: p.home().socket.Key(),
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
		for _, l := range p.gen.plainListeners() {
			w.Addresses = append(w.Addresses, l.Address)
		}
	}
	if c.output != nil {
		w.Output = c.output.Left()
	}
	return w
}

// leave returns what is left of a front.
func (f *front) leave() handedProcess {
	return handedProcess{Pid: f.Pid, Control: f.Control.FD(), Told: f.Quits, Drain: int64(f.gen.plan.Own.Limits.DrainTimeout)}
}

// nameProcess makes ps -C find the process by the name that it had: a program that is executed by its descriptor is called by a
// number.
func nameProcess(name string) {
	if name != "" && !strings.ContainsAny(name, "/\n") {
		os.WriteFile("/proc/self/comm", []byte(name), 0)
	}
}
