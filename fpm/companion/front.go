package companion

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Front is a front that runs.
type Front struct {
	Process
	Generation int
	Replaced   bool // a signal has stopped it, and another takes its place
	Yielded    bool // it takes no more requests, and has said so

	nofile     uint64 // descriptors it needs
	slots      *Slots
	slot       int       // -1: none
	beatAt     time.Time // see Look
	answered   time.Time // when it last gave a sign of life
	unanswered int
}

// StartFront executes a front, which begins to serve by itself. files are those that its orders name. Its scoreboard is of slots.
func (k *Keeper) StartFront(o *contract.Front, files []*os.File, who User, slots *Slots, now time.Time) (*Front, error) {
	f := &Front{Generation: o.Generation, nofile: descriptors(o), slots: slots, slot: slots.take(), answered: now, beatAt: now.Add(beatInterval)}
	if f.slot >= 0 {
		o.Slots, o.Slot = MostFronts, f.slot
		o.Files = append(o.Files, contract.Scoreboard)
		files = append(files, slots.file())
	}
	execute := func(c Command) (int, error) {
		pid, err := k.Execute(c)
		if err != nil {
			err = fmt.Errorf("%s as %s: %w", k.Program, who.Name, err)
		}
		return pid, err
	}
	p, err := k.start(launch{kind: "front", title: contract.FrontTitle, who: who, nofile: f.nofile, files: files, names: &o.Files, encode: o.Encode},
		execute, now)
	if err != nil {
		slots.vacate(f.slot)
		return nil, err
	}
	f.Process = p
	if f.slot >= 0 {
		slots.board.SetPid(f.slot, p.Pid)
	}
	lines{k.Log}.frontStarted(f.Generation, f.Pid)
	return f, nil
}

// descriptors is how many a front needs: those of its clients and pools, and some for itself and its files.
func descriptors(o *contract.Front) uint64 {
	const others = 256
	n := others + 2*o.Limits.Connections
	for _, p := range o.Pools {
		n += p.Connections
	}
	return uint64(n)
}

// Serves notes that a front has said that it is ready, at addresses.
func (k *Keeper) Serves(f *Front, addresses string) {
	f.Ready = true
	raiseFiles(f.Pid, f.nofile)
	lines{k.Log}.frontReady(f.Generation, f.Pid, addresses)
}

// Beats notes that a front has answered Ask.
func (f *Front) Beats(now time.Time) { f.unanswered, f.answered = 0, now }

// beatInterval is how often a front is asked for a sign of life.
const beatInterval = time.Second

// mostUnanswered is how many of these a front may leave unanswered before it is replaced. They are counted, not timed: if
// all processes stood still for a while, the master must not blame the front.
const mostUnanswered = 10

// startPatience is how long a front may take until it serves.
const startPatience = 30 * time.Second

// LookAt returns when Look is to be called next.
func (f *Front) LookAt() time.Time { return f.beatAt }

// Sign is what Look has seen of a front.
type Sign int

const (
	Rests   Sign = iota // there is nothing to do
	Asked               // it is to be sent a question, by Ask
	Stopped             // a signal has stopped it, and it is to be replaced; it finishes its requests when it is continued
	Silent              // it gave no sign of life, and was killed: its end brings another
)

// Look looks after a front. Somebody with the rights of its user may have stopped it. serves says that the service is not about to end, and
// replaceable that another may take the front's place.
func (k *Keeper) Look(f *Front, now time.Time, serves, replaceable bool) Sign {
	f.beatAt = now.Add(beatInterval)
	if hasStopped(f.Pid) {
		lines{k.Log}.frontStopped(f.Generation, f.Pid)
		if !f.Quits && serves && replaceable {
			f.Replaced = true
			return Stopped
		}
		k.Continue(f)
		return Rests
	}
	if f.Quits || !serves {
		return Rests
	}
	if f.unanswered++; f.Ready && f.unanswered > mostUnanswered || !f.Ready && now.Sub(f.Started) > startPatience {
		lines{k.Log}.frontSilent(f.Generation, f.Pid, now.Sub(f.answered))
		f.unanswered = 0
		k.Kill(f.Pid, syscall.SIGKILL)
		return Silent
	}
	if !f.Ready {
		return Rests
	}
	return Asked
}

// Continue continues a front that a signal has stopped.
func (k *Keeper) Continue(f *Front) { k.Kill(f.Pid, syscall.SIGCONT) }

// Ask asks a front for a sign of life, and tells it of its pools.
func (f *Front) Ask(supplies []contract.PoolSupply) {
	text, _ := json.Marshal(supplies)
	f.Control.Send(contract.Beat, string(text), -1)
}

// Rescue sends a front a worker's rescue socket.
func (f *Front) Rescue(file *os.File, what *contract.Rescued) {
	text, _ := json.Marshal(what)
	if len(text) >= contract.MaxMessage { // control characters and the like make it long
		what.URI = what.URI[:min(len(what.URI), 512)]
		text, _ = json.Marshal(what)
	}
	f.Control.Send(contract.Rescue, string(text), int(file.Fd()))
}

// DrainMargin is how much longer than its drain_timeout a front may take to go.
const DrainMargin = 2 * time.Second

// Quit notes that a front is asked to finish its requests, within patience, and to go; tell asks it. 0 is any time. It does nothing if the front
// was asked before.
func (k *Keeper) Quit(f *Front, patience time.Duration, now time.Time, tell func()) {
	if f.Quits {
		return
	}
	f.Quits = true
	lines{k.Log}.frontQuits(f.Generation, f.Pid)
	tell()
	f.Escalation.Sent = syscall.SIGQUIT
	if patience > 0 {
		f.Escalation.Deadline = now.Add(patience + DrainMargin)
	}
}

// End ends a front at once.
func (k *Keeper) End(f *Front, now time.Time) {
	f.Quits = true
	f.Escalation = pm.Escalation{}
	k.Kill(f.Pid, f.Escalation.Next(now, syscall.SIGTERM, time.Second))
}

// Escalate sends a front that was told to end the next signal, if that is due.
func (k *Keeper) Escalate(f *Front, now time.Time) { k.escalate(&f.Process, now) }

// Bury frees what a front that has ended had, and logs its end. It returns how the front has ended. terminating says that the service ends
// at once.
func (k *Keeper) Bury(f *Front, status syscall.WaitStatus, terminating bool, now time.Time) (how string) {
	f.slots.vacate(f.slot)
	how, level := postmortem.Ending(status)
	if f.Quits && (status == 0 || terminating) {
		level = zlog.Debug
	}
	lines{k.Log}.frontExited(level, f.Generation, f.Pid, how, now.Sub(f.Started))
	for _, line := range f.crashes.Lines(status) {
		lines{k.Log}.frontPanicked(f.Generation, f.Pid, line)
	}
	f.crashes.Close()
	return how
}
