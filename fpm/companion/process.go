package companion

import (
	"io"
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// Keeper executes companions and ends them.
type Keeper struct {
	Program string // the file of this program
	Execute func(Command) (pid int, err error)
	Kill    func(pid int, signal syscall.Signal) error
	Log     *zlog.Log
	// ErrorLog is where companions' standard error goes, unless the log is in use and is a file or syslog: then what a companion's
	// Go runtime prints as it panics is logged by the master. A companion does not get such a log itself, because it outlives the
	// file after the log was rotated.
	ErrorLog *errorlog.Log
}

// Process is a companion that runs.
type Process struct {
	Pid        int
	Control    *channel.Channel
	Started    time.Time
	Ready      bool // it has said so
	Quits      bool // it was asked to go
	Escalation pm.Escalation

	crashes *postmortem.Crashes
}

// launch is what a companion is executed with. files are those that the orders name.
type launch struct {
	kind   string
	title  string
	who    User
	nofile uint64 // descriptors it needs
	files  []*os.File
	names  *[]contract.File // of the files, in the orders
	encode func(io.Writer) error
}

// start executes a companion. Its control socket and its orders are before the files.
func (k *Keeper) start(l launch, execute func(Command) (int, error), now time.Time) (p Process, err error) {
	control, theirs, err := channel.New()
	if err != nil {
		return p, err
	}
	defer theirs.Close()
	p = Process{Control: control, Started: now}
	defer func() {
		if err != nil {
			control.Close()
			p.crashes.Close()
		}
	}()
	stderr := k.ErrorLog.Stderr()
	if k.ErrorLog.InUse() {
		if p.crashes, err = postmortem.NewCrashes(); err != nil {
			return p, err
		}
		stderr = nil
		*l.names = append(*l.names, contract.CrashOutput)
		l.files = append(l.files, p.crashes.In())
	}
	spec, err := channel.InMemory(l.kind, func(w *os.File) error { return l.encode(w) })
	if err != nil {
		return p, err
	}
	defer spec.Close()
	p.Pid, err = execute(Command{Title: l.title, Program: zygote.Self(k.Program), Files: append([]*os.File{theirs, spec}, l.files...),
		Stderr: stderr, Who: l.who, NoFile: l.nofile})
	return p, err
}

// escalate sends a companion that was told to end the next signal, if that is due.
func (k *Keeper) escalate(p *Process, now time.Time) {
	if p.Escalation.Due(now) {
		k.Kill(p.Pid, p.Escalation.Next(now, 0, 0))
	}
}

// Renewal is when another companion takes the place of one that has died, or could not be executed: later where they keep failing.
// The zero value waits for nothing.
type Renewal struct {
	Least   time.Duration // how long it takes at least
	backoff pm.Backoff
	at      time.Time // zero: none is to be started
}

// shortLife is how long a companion lives that has not begun to serve for good.
const shortLife = 5 * time.Second

// Died has another companion started in the place of p.
func (r *Renewal) Died(p *Process, now time.Time) {
	if p.Ready && now.Sub(p.Started) > shortLife {
		r.backoff.Succeeded()
	}
	r.at = now.Add(max(r.backoff.Failed(), r.Least))
}

// NotStarted has it tried again, because the companion could not be executed.
func (r *Renewal) NotStarted(now time.Time) { r.at = now.Add(max(r.backoff.Failed(), time.Second)) }

// Cancel has none started.
func (r *Renewal) Cancel() { r.at = time.Time{} }

// Due reports whether it is time to start one.
func (r *Renewal) Due(now time.Time) bool { return !r.at.IsZero() && !now.Before(r.at) }

// At returns when it is Due; zero: not.
func (r *Renewal) At() time.Time { return r.at }
