package companion

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Observer is an observer that runs.
type Observer struct {
	Process
	told []byte // of the service, the last time
}

// Observers are the observer that is to serve, and those before it that finish what they answer. The zero value has none.
type Observers struct {
	all     []*Observer // that run
	serving *Observer   // nil: there is none
	renewal Renewal
	tellAt  time.Time // when to tell it of the service; zero: there is none
	toldAt  time.Time // when it was told last
	past    *os.File  // what observers remember, of which the master reads nothing; nil: there was no need for it
}

const (
	// observeInterval is how often an observer hears of the master.
	observeInterval = time.Second
	// newsInterval is how often an observer may be told of the service.
	newsInterval = 50 * time.Millisecond
	// observerPatience is how long an observer may take to go: longer than a client may take its answer for.
	observerPatience = 10 * time.Second
	// observerPause is how long it takes at least until another observer takes the place of one that has died.
	observerPause = 100 * time.Millisecond
)

// Start executes an observer, which is the one that serves from now on; those before it answer until they are told to Quit. files are those
// that its orders name. After an error the caller calls NotStarted, and Deadlines then names the time of the next try.
func (o *Observers) Start(k *Keeper, orders *contract.Observer, files []*os.File, who User, now time.Time) (*Observer, error) {
	p, err := k.start(launch{kind: "observer", title: contract.ObserverTitle, who: who, files: files, names: &orders.Files, encode: orders.Encode},
		k.Execute, now)
	if err != nil {
		return nil, err
	}
	one := &Observer{Process: p}
	o.all = append(o.all, one)
	o.serving, o.tellAt = one, now
	lines{k.Log}.observerStarted(one.Pid)
	return one, nil
}

// Renew forgets how often observers have failed, because there is another configuration.
func (o *Observers) Renew() { o.renewal = Renewal{Least: observerPause} }

// Starts notes that an observer is about to be started.
func (o *Observers) Starts() { o.renewal.Cancel() }

// NotStarted takes note that an observer could not be started, and has it tried again later.
func (o *Observers) NotStarted(k *Keeper, err error, now time.Time) {
	lines{k.Log}.observerNotStarted(err)
	o.renewal.NotStarted(now)
}

// Serves reports whether an observer is the one that serves.
func (o *Observers) Serves(one *Observer) bool { return one == o.serving }

// All returns those that run.
func (o *Observers) All() []*Observer { return o.all }

// Pids returns the pids of those that run.
func (o *Observers) Pids() (pids []int) {
	for _, one := range o.all {
		pids = append(pids, one.Pid)
	}
	return pids
}

// Quit asks all observers to finish what they answer and to go, but for one; nil: all.
func (o *Observers) Quit(but *Observer, now time.Time) {
	if but == nil {
		o.serving, o.tellAt = nil, time.Time{}
	}
	for _, one := range o.all {
		if one != but && !one.Quits {
			one.Quits = true
			one.Control.Send(contract.Quit, "", -1)
			one.Escalation = goes(now)
		}
	}
}

func goes(now time.Time) pm.Escalation {
	return pm.Escalation{Sent: syscall.SIGQUIT, Deadline: now.Add(observerPatience)}
}

// Adopt takes over the observers of the program before this one. They end by themselves, because their control sockets have ended with that program; if
// one does not it is ended by a signal.
func (o *Observers) Adopt(pids []int, now time.Time) {
	for _, pid := range pids {
		o.all = append(o.all, &Observer{Process: Process{Pid: pid, Started: now, Quits: true, Escalation: goes(now)}})
	}
}

// Bury forgets an observer that has ended, and logs its end. It reports whether another takes its place: not if it was asked to go, was not the one that
// serves, or the service ends.
func (o *Observers) Bury(k *Keeper, one *Observer, status syscall.WaitStatus, ends bool, now time.Time) (replaced bool) {
	o.all = slices.DeleteFunc(o.all, func(other *Observer) bool { return other == one })
	how, level := postmortem.Ending(status)
	if one.Quits {
		level = zlog.Debug
	}
	lines{k.Log}.observerExited(level, one.Pid, how, now.Sub(one.Started))
	for _, line := range one.crashes.Lines(status) {
		lines{k.Log}.observerPanicked(one.Pid, line)
	}
	one.crashes.Close()
	if o.serving != one {
		return false
	}
	o.serving, o.tellAt = nil, time.Time{}
	if one.Quits || ends {
		return false
	}
	o.renewal.Died(&one.Process, now)
	return true
}

// Deadlines calls at for each thing that is to be done at some time, with that time and the function that does it; the zero time means never. keeper
// returns the Keeper that signals observers. start must start another observer, and tell must call Tell.
func (o *Observers) Deadlines(at func(t time.Time, do func(now time.Time)), keeper func() *Keeper, start, tell func(now time.Time)) {
	for _, one := range o.all {
		at(one.Escalation.Deadline, func(now time.Time) { keeper().escalate(&one.Process, now) })
	}
	at(o.renewal.At(), start)
	at(o.tellAt, func(now time.Time) {
		o.toldAt, o.tellAt = now, now.Add(observeInterval)
		tell(now)
	})
}

// News has the observer told of the service soon.
func (o *Observers) News() {
	if soon := o.toldAt.Add(newsInterval); soon.Before(o.tellAt) {
		o.tellAt = soon
	}
}

// Tell tells the observer that serves that the master lives, and what the service is unless it knows that. text is nil if that cannot be said.
func (o *Observers) Tell(text []byte) {
	one := o.serving
	if one == nil {
		return
	}
	if text == nil || bytes.Equal(text, one.told) {
		one.Control.Send(contract.Beat, "", -1)
		return
	}
	file, err := channel.InMemory("service", func(w *os.File) error { _, err := w.Write(text); return err })
	if err != nil {
		return
	}
	defer file.Close()
	if one.Control.Send(contract.ServiceIs, "", int(file.Fd())) == nil {
		one.told = text
	}
}

// End ends the observers when the service has ended, and waits for them: another service may want their addresses. patience is how long they
// have after a first signal.
func (o *Observers) End(k *Keeper, patience time.Duration) {
	for _, one := range o.all {
		k.Kill(one.Pid, syscall.SIGTERM)
	}
	for deadline := time.Now().Add(patience); len(o.all) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			for _, one := range o.all {
				k.Kill(one.Pid, syscall.SIGKILL)
			}
			deadline = time.Now().Add(time.Hour) // nothing keeps a process from that for long
		}
		o.Reap(func(*Observer, syscall.WaitStatus) {})
	}
}

// Reap takes the ends of observers, and calls bury for those that it has seen.
func (o *Observers) Reap(bury func(*Observer, syscall.WaitStatus)) {
	for _, one := range slices.Clone(o.all) {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(one.Pid, &status, syscall.WNOHANG, nil)
		if err == nil && got == one.Pid {
			bury(one, status)
		}
		if err == nil && got == one.Pid || errors.Is(err, syscall.ECHILD) {
			o.all = slices.DeleteFunc(o.all, func(other *Observer) bool { return other == one })
		}
	}
}

// Memory returns a descriptor of what observers remember, which the caller closes.
func (o *Observers) Memory() (*os.File, error) {
	if o.past == nil {
		fd, err := unix.MemfdCreate("history", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		if err != nil {
			return nil, err
		}
		file := os.NewFile(uintptr(fd), "history")
		if err = file.Truncate(contract.HistorySize); err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
		}
		if err != nil {
			file.Close()
			return nil, err
		}
		o.past = file
	}
	fd, err := unix.FcntlInt(o.past.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "history"), nil
}

// LeaveMemory returns what observers remember, for another program; 0: nothing.
func (o *Observers) LeaveMemory() int {
	if o.past == nil {
		return 0
	}
	return int(o.past.Fd())
}

// InheritMemory takes what observers of the program before remembered; 0: nothing. It is left if this program's observers remember otherwise.
func (o *Observers) InheritMemory(fd int) {
	if fd <= 2 {
		return
	}
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "history")
	if info, err := file.Stat(); err != nil || info.Size() != contract.HistorySize {
		file.Close()
		return
	}
	o.past = file
}
