package master

import (
	"encoding/binary"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/output"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// former are the processes that the programs before this one have started. They may be of another version: what is said to them
// and heard of them are the letters Quit, Yield, Nothing, Inherit, Yielded, Park, Idle, Unbooted, Log, Say and Lines of package
// contract, which mean the same in all versions. They serve until the workers of this program do, and then finish their requests.
type former struct {
	groups []*formerGroup
	pids   map[int]bool // of zygotes and fronts that were not waited for
	lookAt time.Time
}

// formerGroup is an engine of a generation, or its front.
type formerGroup struct {
	handed  handoff.Group
	zygote  *os.File // its control socket; nil: there is none
	front   *formerFront
	workers []*formerWorker
	boards  map[int]*formerBoard // by the descriptors that were handed over: workers of a pool share one
}

type formerBoard struct {
	file   *os.File
	reader *scoreboard.Reader // nil: it cannot be read
}

type formerFront struct {
	handed     handoff.Process
	control    *channel.Channel
	yielded    bool
	escalation pm.Escalation
	records    contract.Records
}

type formerWorker struct {
	group      *formerGroup
	handed     handoff.Worker
	control    *channel.Channel
	keep       []*os.File
	output     *output.Output // nil: not caught
	board      *formerBoard
	lost       time.Time // when its control socket has ended; zero: it has not
	exited     bool      // its zygote has told its end
	timedOut   bool      // by request_terminate_timeout
	idleSince  time.Time // when it was told to go and had no request; zero: it had one
	yielded    bool
	own        *child // the worker as this program's own are, for what is only said of it
	escalation pm.Escalation
}

// formerInterval is how often the former processes are looked at.
const formerInterval = 200 * time.Millisecond

// adopt takes the processes over.
func (f *former) adopt(m *Master, groups []handoff.Group) {
	f.pids = map[int]bool{}
	for _, handed := range groups {
		g := &formerGroup{handed: handed, boards: map[int]*formerBoard{}}
		if handed.Zygote.Control >= 0 {
			g.zygote = os.NewFile(uintptr(handed.Zygote.Control), "zygote")
			f.pids[handed.Zygote.Pid] = true
			go hearFormerZygote(g, m.box)
		}
		if handed.Front.Control >= 0 {
			f.pids[handed.Front.Pid] = true
			g.adoptFront(m)
		}
		for _, w := range handed.Workers {
			g.adoptWorker(m, w)
		}
		f.groups = append(f.groups, g)
	}
	f.lookAt = m.sys.now()
}

func (g *formerGroup) adoptFront(m *Master) {
	front := &formerFront{handed: g.handed.Front, yielded: g.handed.Front.Told}
	control, err := channel.Open(front.handed.Control)
	if err != nil {
		return
	}
	front.control = control
	g.front = front
	if front.handed.Told {
		front.asked(m.sys.now())
	}
	m.hear(control, nil, func(s channel.Message) utterance { return formerFrontSaid{g, front, s} })
}

func (g *formerGroup) adoptWorker(m *Master, handed handoff.Worker) {
	w := &formerWorker{group: g, handed: handed}
	w.own = w.child()
	control, err := channel.Open(handed.Control)
	if err != nil {
		return
	}
	w.control = control
	for _, fd := range handed.Keep {
		w.keep = append(w.keep, os.NewFile(uintptr(fd), "former"))
	}
	if w.board = g.boards[handed.Board]; w.board == nil {
		w.board = &formerBoard{file: os.NewFile(uintptr(handed.Board), "scoreboard")}
		if handed.Layout == scoreboard.Layout() {
			w.board.reader, _ = scoreboard.OpenReader(handed.Board, handed.Slots)
		}
		g.boards[handed.Board] = w.board
	}
	if handed.Told {
		w.asked(m.sys.now())
	}
	g.workers = append(g.workers, w)
	if len(handed.Output) == output.Pipes {
		w.output = output.Adopt(handed.Output)
		m.readOutput(w.output, w.own)
	}
	socket := m.sockets.Find(handed.Socket)
	wants := func(letter byte, fd int) bool { return letter == contract.Park && socket != nil && socket.Accepted(fd) }
	m.hear(control, wants, func(s channel.Message) utterance { return formerSaid{w, s} })
}

// formerZygoteSaid is how a worker has ended.
type formerZygoteSaid struct {
	group  *formerGroup
	pid    int
	status syscall.WaitStatus
}

// hearFormerZygote reads what a zygote tells, so that it never waits.
func hearFormerZygote(g *formerGroup, box *mailbox) {
	const msgExit = 'X' // of package zygote, of all versions
	buf := make([]byte, 4096)
	for {
		n, err := g.zygote.Read(buf)
		if err != nil || n == 0 {
			return
		}
		if n >= 9 && buf[0] == msgExit { // what else it tells came later
			box.post(formerZygoteSaid{g, int(int32(binary.NativeEndian.Uint32(buf[1:]))), syscall.WaitStatus(binary.NativeEndian.Uint32(buf[5:]))})
		}
	}
}

func (e formerZygoteSaid) happen(m *Master) { m.formerExited(e.pid, e.status) }

// formerSaid is a message of a worker, formerFrontSaid one of a front.
type (
	formerSaid struct {
		w       *formerWorker
		message channel.Message
	}
	formerFrontSaid struct {
		g       *formerGroup
		front   *formerFront
		message channel.Message
	}
)

func (e formerSaid) heed(m *Master) reception {
	w, s := e.w, e.message
	switch s.Letter {
	case contract.Park:
		if s.FD >= 0 && m.state == normal {
			if p := m.poolAt(w.handed.Socket); p != nil && m.park.park(p, s.FD) {
				return kept
			}
		}
	case contract.Idle: // it was asked by the program before
		w.control.Send(contract.Nothing, "", -1)
	case contract.Unbooted:
		w.control.Send(contract.Quit, "", -1)
	case contract.Yielded:
		w.yielded = true
		m.begun()
	case contract.Log:
		return m.workerComplains(w.own, s.Text, &w.own.complaints, complaintBounds)
	case contract.Say:
		return m.workerComplains(w.own, s.Text, &w.own.sayings, sayingBounds)
	case contract.Lines:
		if len(w.handed.Addresses) == 0 { // only workers that speak HTTP have any, and only they send lines
			return unexpected
		}
		m.log.workerLines(w.handed.Pool, s.Text)
	case contract.RecordIs, contract.RecordPart:
		return m.workerRecord(w.handed.Pool, w.own, s)
	case 0:
		w.hungUp(m)
	}
	return heeded
}

// poolAt returns the pool that serves a socket; nil if there is none.
func (m *Master) poolAt(key string) *pool {
	for _, p := range m.gen.pools {
		if p.socket != nil && p.socket.Key() == key {
			return p
		}
	}
	return nil
}

// formerGone ends a group of which nobody is left, and what only waited for its last process.
func (m *Master) formerGone(g *formerGroup) {
	if len(g.workers) == 0 && g.front == nil && g.boards != nil {
		if g.zygote != nil {
			g.zygote.Close()
		}
		for _, b := range g.boards {
			b.file.Close()
			if b.reader != nil {
				b.reader.Close()
			}
		}
		g.boards = nil
		m.former.groups = slices.DeleteFunc(m.former.groups, func(other *formerGroup) bool { return other == g })
	}
	m.tellDrained()
	if m.state != normal && m.running() == 0 && len(m.fronts) == 0 {
		m.done = true
	}
	m.begun()
}

// running is how many workers and fronts there are.
func (f *former) running() (n int) {
	for _, g := range f.groups {
		n += len(g.workers)
		if g.front != nil {
			n++
		}
	}
	return n
}

// activity reads what a worker does. It returns false if that cannot be read.
func (w *formerWorker) activity(a *scoreboard.Activity) bool {
	return w.board.reader != nil && w.board.reader.Activity(w.handed.Slot, a)
}

// mayRun reports whether a worker was sent no signal that ends it, and reads what it does.
func (w *formerWorker) mayRun(a *scoreboard.Activity) bool {
	return w.escalation.Sent != syscall.SIGTERM && w.escalation.Sent != syscall.SIGKILL && w.activity(a)
}

// requests counts the requests that former workers have.
func (f *former) requests() (n int) {
	for _, g := range f.groups {
		for _, w := range g.workers {
			if w.isBusy() {
				n++
			}
		}
	}
	return n
}

// isBusy reports whether a worker has a request. One that cannot be looked at has one.
func (w *formerWorker) isBusy() bool {
	var a scoreboard.Activity
	return !w.activity(&a) || a.Stage > scoreboard.Accepting && a.Stage < scoreboard.Finished
}

// asked notes that a worker was told to go.
func (w *formerWorker) asked(now time.Time) {
	w.handed.Told = true
	w.escalation = pm.Escalation{Sent: syscall.SIGQUIT}
	if patience := time.Duration(w.group.handed.Patience); patience > 0 {
		w.escalation.Deadline = now.Add(patience)
	}
}

func (f *formerFront) asked(now time.Time) {
	f.handed.Told = true
	f.escalation = pm.Escalation{Sent: syscall.SIGQUIT}
	if f.handed.Drain > 0 {
		f.escalation.Deadline = now.Add(time.Duration(f.handed.Drain) + companion.DrainMargin)
	}
}

// yield asks all to leave to this program what they have not begun, and to go.
func (f *former) yield(m *Master) {
	now := m.sys.now()
	for _, g := range f.groups {
		for _, w := range g.workers {
			if !w.handed.Told && w.lost.IsZero() {
				w.asked(now)
				w.yielded = w.control.Send(contract.Yield, "", -1) != nil
			}
		}
		if front := g.front; front != nil && !front.handed.Told {
			front.asked(now)
			front.yielded = m.gen.http.inheritFrom(front.control) != nil
		}
	}
	for _, g := range slices.Clone(f.groups) {
		m.formerGone(g) // those that had nobody
	}
}

// pending reports whether one may take a connection still.
func (f *former) pending() bool {
	var a scoreboard.Activity
	for _, g := range f.groups {
		if g.front != nil && !g.front.yielded {
			return true
		}
		for _, w := range g.workers {
			if !w.yielded && w.escalation.Sent == syscall.SIGQUIT && (!w.activity(&a) || a.Stage < scoreboard.Info) {
				return true
			}
		}
	}
	return false
}

// stop tells all to finish, or ends them at once.
func (f *former) stop(now time.Time, signal syscall.Signal) {
	for _, g := range f.groups {
		for _, w := range g.workers {
			if !w.isHere() {
				continue
			}
			if signal != syscall.SIGQUIT || w.control.Send(contract.Quit, "", -1) != nil {
				syscall.Kill(w.handed.Pid, signal)
			}
		}
		if g.front != nil && (signal != syscall.SIGQUIT || g.front.control.Send(contract.Quit, "", -1) != nil) {
			syscall.Kill(g.front.handed.Pid, signal)
		}
	}
}

// tick does what is due.
func (f *former) tick(m *Master, now time.Time) {
	if len(f.groups) == 0 || now.Before(f.lookAt) {
		return
	}
	f.lookAt = now.Add(formerInterval)
	f.hurry(len(m.old), now)
	var a scoreboard.Activity
	for _, g := range slices.Clone(f.groups) {
		if g.front != nil && g.front.escalation.Due(now) {
			syscall.Kill(g.front.handed.Pid, g.front.escalation.Next(now, 0, 0))
		}
		for _, w := range slices.Clone(g.workers) {
			if !w.isHere() {
				if !w.lost.IsZero() && now.Sub(w.lost) >= formerPatience {
					g.bury(m, w)
				}
				continue
			}
			if w.mayRun(&a) {
				if took := time.Duration(m.clock.Now() - a.Accepted); w.look(&a, took, now) {
					m.log.formerTimedOut(w.handed.Pool, w.handed.Pid, took)
				}
			}
			if (m.state == normal || w.timedOut) && w.escalation.Due(now) {
				syscall.Kill(w.handed.Pid, w.escalation.Next(now, 0, 0))
			}
		}
	}
}

// look sets a deadline for a worker whose request takes too long, or that runs on without one. It reports whether the request has just been found
// to take too long. took is how long it has taken.
func (w *formerWorker) look(a *scoreboard.Activity, took time.Duration, now time.Time) (overdue bool) {
	sooner := func(at time.Time) {
		if w.escalation.Deadline.IsZero() || at.Before(w.escalation.Deadline) {
			w.escalation.Sent, w.escalation.Deadline = syscall.SIGQUIT, at
		}
	}
	busy := a.Stage > scoreboard.Accepting && a.Stage < scoreboard.Finished
	if busy && !w.timedOut && judge(w.own.pool.conf, a.Stage, took, true) == timedOut {
		overdue, w.timedOut = true, true
		sooner(now)
	}
	switch {
	case !w.handed.Told || busy:
		w.idleSince = time.Time{}
	case w.idleSince.IsZero():
		w.idleSince = now
	default:
		patience := leavePatience
		if w.group.handed.Patience > 0 {
			patience = time.Duration(w.group.handed.Patience)
		}
		sooner(w.idleSince.Add(patience))
	}
	return overdue
}

// hurry ends the oldest generations if there are too many, as endOldest does. younger is how many of this program's own are retired.
func (f *former) hurry(younger int, now time.Time) {
	var numbers []int
	for _, g := range f.groups {
		if !slices.Contains(numbers, g.handed.Generation) {
			numbers = append(numbers, g.handed.Generation)
		}
	}
	slices.Sort(numbers)
	tooMany := min(max(0, len(numbers)+younger-maxRetired), len(numbers))
	for _, number := range numbers[:tooMany] {
		for _, g := range f.groups {
			for _, w := range g.workers {
				if g.handed.Generation == number && w.handed.Told && w.escalation.Sent == syscall.SIGQUIT {
					w.escalation.Deadline = now
				}
			}
			if g.handed.Generation == number && g.front != nil && g.front.escalation.Sent == syscall.SIGQUIT {
				g.front.escalation.Deadline = now
			}
		}
	}
}

// reaped takes the end of a zygote or a front. It returns false if the process is none of them.
func (f *former) reaped(pid int) bool {
	was := f.pids[pid]
	delete(f.pids, pid)
	return was
}

// outputs are those of workers whose output is caught.
func (f *former) outputs() (all []*output.Output) {
	for _, g := range f.groups {
		for _, w := range g.workers {
			if w.output != nil {
				all = append(all, w.output)
			}
		}
	}
	return all
}

// leave returns what is left of the former processes, for one more program.
func (f *former) leave() (all []handoff.Group) {
	for _, g := range f.groups {
		left := handoff.Group{Generation: g.handed.Generation, Patience: g.handed.Patience, Zygote: handoff.NoProcess, Front: handoff.NoProcess}
		if g.zygote != nil {
			left.Zygote = handoff.Process{Pid: g.handed.Zygote.Pid, Control: channel.RawFD(g.zygote)}
		}
		if g.front != nil {
			left.Front = g.front.handed
			left.Front.Control = g.front.control.FD()
		}
		for _, w := range g.workers {
			if !w.lost.IsZero() {
				continue
			}
			own := w.handed
			own.Control, own.Board, own.Keep, own.Output = w.control.FD(), channel.RawFD(w.board.file), nil, nil
			for _, file := range w.keep {
				own.Keep = append(own.Keep, channel.RawFD(file))
			}
			if w.output != nil {
				own.Output = w.output.Left()
			}
			left.Workers = append(left.Workers, own)
		}
		all = append(all, left)
	}
	return all
}
