package handoff

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/listening"
)

// Environment names the descriptor of that file.
const Environment = "PHPSAPI_FPM_HANDOFF"

// Format is the format of a handoff. A program takes no other: to change what a name means needs another number, a new name
// does not.
const Format = 1

// Handoff is what a master leaves to the program that it executes. Numbers of descriptors are -1 if there is none.
type Handoff struct {
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
	Stdout     int   // the first one; in a trial its own, if the service has one
	Control    int   // the control socket

	Sockets   []listening.Left
	Handing   []int // see listening.Sockets.LeaveHanding; empty: none
	Parked    []Connection
	Groups    []Group
	Operators []Operator
	Lines     []string // for the operators that wait for the upgrade
	Order     int      // the signal by which the service was told to end while the program before came to rest; 0: none
	Incidents *Incidents
	Observers []int // the pids of observers, which end with the program that has started them
	Past      int   // what observers remember; 0: nothing
	Tally     *Tally
}

// Connection is a connection that is kept and idle, or was when it was last looked at.
type Connection struct {
	FD     int
	Socket string // whose connection it is: the key
}

// Group is an engine of a generation, or its front: what ends together.
type Group struct {
	Generation int
	Patience   int64 // process_control_timeout in ns; 0: none
	Zygote     Process
	Front      Process
	Workers    []Worker
}

// Process is a process with a control socket; Pid is 0 if there is none.
type Process struct {
	Pid, Control int
	Told         bool  // it was asked to go
	Drain        int64 // of a front: how long it may take for that, in ns; 0: any time
}

// Worker is a worker.
type Worker struct {
	Process
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

// Operator waits for the outcome.
type Operator struct {
	FD, Pid, UID int
	Dashboard    string // see operator
	Request      json.RawMessage
}

// Take returns what the program that was executed before has left; nil: there was none. Nothing of it is inherited by what
// this program executes.
func Take() (*Handoff, error) {
	text, set := os.LookupEnv(Environment)
	os.Unsetenv(Environment)
	if !set {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "handoff")
	defer file.Close()
	return Read(io.NewSectionReader(file, 0, 64<<20))
}

// Read reads what File has. Nothing of it is inherited by what this program executes.
func Read(r io.Reader) (*Handoff, error) {
	h := &Handoff{}
	if err := json.NewDecoder(r).Decode(h); err != nil {
		return nil, err
	}
	if h.Format != Format {
		return nil, fmt.Errorf("it is of format %d, and this program takes %d", h.Format, Format)
	}
	h.Inherit(false)
	return h, nil
}

// File returns a file in memory with what is to be left.
func (h *Handoff) File() (*os.File, error) {
	return channel.InMemory("handoff", func(w *os.File) error { return json.NewEncoder(w).Encode(h) })
}

// descriptors are all that the handoff has.
func (h *Handoff) descriptors() (all []int) {
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

// Inherit has a program that is executed get the descriptors, or not.
func (h *Handoff) Inherit(yes bool) {
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

// Execute executes a program in this one's place, with the command line of this one. It returns only if that fails.
func (h *Handoff) Execute(program string, argv []string) error {
	file, err := h.File()
	if err != nil {
		return err
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, 3)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	h.Inherit(true)
	defer h.Inherit(false)
	return syscall.Exec(program, argv, append(os.Environ(), Environment+"="+strconv.Itoa(fd)))
}

// Incidents is what a master leaves of them to the program that takes over.
type Incidents struct {
	Number  uint64
	Last    []*incident.Incident // the oldest first
	Killers []incident.Killer
}

// Tally is what the master counts in the life of the service. An upgrade hands it on.
type Tally struct {
	Reloads, Upgrades contract.Outcomes
	LastReload        int64
	LastFailed        bool
	Incidents         map[string]uint64
}

// NoProcess is a Process that is not there.
var NoProcess = Process{Control: -1}
