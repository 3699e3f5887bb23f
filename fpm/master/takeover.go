package master

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// takeover is the start of a program that was executed in a master's place. The former workers serve until its own are ready. If it
// cannot come so far the program before is executed again.
type takeover struct {
	h        *handoff.Handoff
	lines    lineCollector
	deadline time.Time
	failed   error // the program before is to be executed again

	stops chan os.Signal // signals that are to end the service, until the loop takes them
	order syscall.Signal // the one that has come; 0: none
}

// isTrial reports whether the program is to show only that it could take over.
func (t *takeover) isTrial() bool { return t != nil && t.h.Trial >= 0 }

// orderPatience is how long an order to end the service waits for PHP's start in a program that takes over.
const orderPatience = 10 * time.Second

// stopsOfStart returns the signals that end the start, and what comes if one that came before has waited long enough.
func (t *takeover) stopsOfStart() (stops chan os.Signal, late <-chan time.Time) {
	if t == nil || t.stops == nil {
		return catchStops(), nil
	}
	if t.order != 0 {
		late = time.After(orderPatience)
	}
	return t.stops, late
}

// takeOrder notes a signal for the service that is about to take over. It returns false if the signal is to end the start: there is no
// takeover, or it is the second one.
func (t *takeover) takeOrder(s syscall.Signal) bool {
	if t == nil || t.stops == nil || t.order != 0 {
		return false
	}
	t.order = s
	return true
}

// isReturn reports whether this is the program before, because another one could not start.
func (t *takeover) isReturn() bool { return t != nil && t.h.Why != "" }

// takeOver makes the master what the handoff says, before anything is started.
func (m *Master) takeOver(h *handoff.Handoff) {
	m.taken = &takeover{h: h}
	m.generation = h.Generation
	nameProcess(h.Name)
	if m.taken.isTrial() {
		if h.Stdout >= 0 {
			m.errorLog.SaveStdout()
		}
		return
	}
	m.taken.order = graver(0, syscall.Signal(h.Order))
	m.taken.stops = catchStops()
	m.systemd.TakeOver(os.Getenv, cmp.Or(time.Duration(h.Start), m.sys.patience))
	m.incidents.adopt(h.Incidents)
	m.errorLog.Original = h.Stderr
	if h.Stdout >= 0 {
		m.errorLog.Stdout = os.NewFile(uintptr(h.Stdout), settings.Stdout)
	}
	if h.Stderr >= 0 {
		m.errorLog.RestoreStderr()
	} else if null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil { // it is the error log's of a daemon
		unix.Dup3(null, 2, 0)
		unix.Close(null)
	}
	m.operators.since = time.Unix(h.Since, 0)
	var err error
	if m.control, err = control.Inherit(h.Control, m.box); err != nil {
		m.listenControl()
		m.operators.since = time.Unix(h.Since, 0)
	}
}

// closeNew closes the sockets that were opened since the handoff, whose files must stay.
func (t *takeover) closeNew(s *listening.Sockets) {
	var left []listening.Left
	if t != nil {
		left = t.h.Sockets
	}
	s.CloseOthers(left)
}

// beginTakeover takes over what serves, when the master is about to serve.
func (m *Master) beginTakeover() {
	h := m.taken.h
	m.former.adopt(m, h.Groups)
	m.observers.Adopt(h.Observers, m.sys.now())
	m.observers.InheritMemory(h.Past)
	if h.Tally != nil {
		m.tally = *h.Tally
	}
	for _, c := range h.Parked {
		p := m.poolAt(c.Socket)
		if p == nil || !m.park.park(p, c.FD) {
			m.park.close(p, c.FD)
		}
	}
	if order := m.taken.order; order != 0 {
		m.signals <- order
	}
	if m.systemd.EnterLoop() {
		m.systemdAt = m.sys.now()
	}
	m.operators.round = 1
	for _, o := range h.Operators {
		m.adoptOperator(o)
	}
	h.Groups, h.Parked, h.Operators, h.Incidents = nil, nil, nil, nil
	h.Trial = -1
	a := &attempt{}
	a.lines.add(h.Lines...)
	a.lines.add(m.taken.lines.lines...)
	m.taken.deadline = m.sys.now().Add(max(m.sys.patience, 3*m.phpTook))
	m.handover = &handover{reload: a, old: &generation{}, former: true, lookAt: m.sys.now()}
}

func (m *Master) adoptOperator(o handoff.Operator) {
	file := os.NewFile(uintptr(o.FD), "operator")
	defer file.Close()
	var request control.Request
	conn, err := net.FileConn(file)
	if err != nil || json.Unmarshal(o.Request, &request) != nil {
		return
	}
	waits := control.NewOperator(conn, o.Pid, o.UID, request)
	waits.Dashboard = o.Dashboard
	if request.Command.Reloads() {
		m.operators.keep(&operator{Operator: waits, round: 1}, m.sys.now())
	} else { // the program before has not heeded it
		m.box.Asked(waits)
	}
	go func() {
		defer conn.Close()
		waits.Serve(m.box)
	}()
}

// proveTakeover has the former processes go when the own workers and the front are ready. It is called by the loop,
// between two events.
func (m *Master) proveTakeover() {
	if m.taken == nil || m.handover == nil || m.handover.open || m.state != normal {
		return
	}
	if m.taken.failed != nil {
		m.returnToFormer(m.taken.failed)
		return
	}
	late := !m.sys.now().Before(m.taken.deadline)
	if why := m.unproven(); why != "" && !late {
		return
	} else if why != "" && !m.taken.isReturn() {
		m.returnToFormer(fmt.Errorf("%s after %v", why, m.sys.now().Sub(m.gen.begun).Round(time.Second)))
		return
	}
	m.handover.until = m.sys.now().Add(handoverPatience)
	m.former.yield(m)
	m.handover.open = true
	m.closeHandoff()
	m.keepSockets(m.gen)
	m.begun()
}

// unproven says what is not ready; empty: all is.
func (m *Master) unproven() string {
	if !m.gen.frontReady() {
		return "the front is not ready"
	}
	for _, p := range m.gen.pools {
		ready := 0
		for _, c := range p.children {
			if c.ready && !c.unbooted {
				ready++
			}
		}
		if first := p.limits.Initial(); p.began < first && ready < first {
			return "the workers of pool " + p.conf.Name + " are not ready"
		}
	}
	return ""
}

// closeHandoff closes what only another program would have needed.
func (m *Master) closeHandoff() {
	h := m.taken.h
	for _, s := range h.Sockets {
		for _, fd := range []int{s.FD, s.Path, s.Pair} {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	}
	for _, fd := range append(h.Handing, h.Control, h.Old) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// endTakeover says how it went, when it is over.
func (m *Master) endTakeover() {
	t := m.taken
	if t == nil {
		return
	}
	m.taken = nil
	count(&m.tally.Upgrades, t.isReturn())
	if t.isReturn() {
		m.handover.why = errors.New(t.h.Why)
		m.log.upgradeFailed(t.h.Why, m.opt.Version)
		m.systemd.ReloadFailed(m.handover.why)
		return
	}
	m.log.upgraded(t.h.Version, m.opt.Version)
	m.handover.from = t.h.Version
}

// failTakeover abandons a takeover if it is under way: the program before is executed again. It returns false if there is none.
func (m *Master) failTakeover(why error) bool {
	if m.taken.isTrial() {
		m.taken.failed = why
		return true
	}
	if m.taken == nil || m.taken.isReturn() || m.handover == nil || m.handover.open || m.state != normal {
		return false
	}
	if m.taken.failed == nil {
		m.taken.failed = why
		m.taken.deadline = m.sys.now()
	}
	return true
}

// returnToFormer executes the program before. What this one has started is finished as what serves: it may have requests.
func (m *Master) returnToFormer(why error) {
	m.log.upgradeGivenUp(why)
	old := m.taken.h.Old
	h := m.comeToRest()
	h.Lines = m.handover.reload.lines.lines
	h.Version, h.Start, h.Why = m.taken.h.Version, m.taken.h.Start, why.Error()
	if h.Old >= 0 {
		unix.Close(h.Old)
	}
	h.Old = old
	m.executed(executeHandoff(h, fmt.Sprintf("/proc/self/fd/%d", old), m.opt.Argv))
}

// executed is what is left to do if no program can be executed: the requests are finished, and a service manager starts another.
func (m *Master) executed(err error) {
	m.log.notExecuted(err)
	m.status = exitSoftware
	m.hearing = nil
	m.done = true
}

// fallBack executes the program before, because this one could not start. If it is the one before it is tried again from time to
// time, and when a signal asks for that. It returns when the service is to end.
func (m *Master) fallBack(status int) {
	t := m.taken
	if m.gen != nil {
		m.endZygotes()
		if m.gen.http.runs() {
			syscall.Kill(m.gen.http.front.Pid, syscall.SIGKILL)
		}
	}
	t.closeNew(&m.sockets)
	why := reasonOf(status, t.lines.lines)
	h := t.h
	h.Lines = append(h.Lines, t.lines.lines...)
	h.Lines = h.Lines[:min(len(h.Lines), maxCollected)]
	signal.Stop(t.stops)
	if m.deadly = graver(t.order, lastOrder(m.signals)); m.deadly != 0 {
		return
	}
	if !t.isReturn() && h.Old >= 0 {
		m.log.upgradeGivenUp(why)
		h.Why = why.Error()
		m.log.notExecuted(executeHandoff(h, fmt.Sprintf("/proc/self/fd/%d", h.Old), m.opt.Argv))
	}
	m.log.notTakenOver(why, retryTakeover)
	catchAll(m.signals)
	retry := time.NewTimer(retryTakeover)
	for {
		signal.Notify(m.signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP) // an execution that fails has them ignored
		select {
		case s := <-m.signals:
			switch s {
			case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
				return
			case syscall.SIGUSR1:
				continue
			}
		case <-retry.C:
		}
		m.log.notExecuted(executeHandoff(h, "/proc/self/exe", m.opt.Argv))
		retry.Reset(retryTakeover)
	}
}

// retryTakeover is after which time a program is tried again that has nothing to go back to.
const retryTakeover = 5 * time.Second

// reasonOf words why a start has failed, by its exit status and the errors that were logged.
func reasonOf(status int, lines []string) error {
	var errorLines []string
	for _, line := range lines {
		if text, is := strings.CutPrefix(line, "ERROR: "); is {
			errorLines = append(errorLines, text)
		} else if text, is := strings.CutPrefix(line, "ALERT: "); is {
			errorLines = append(errorLines, text)
		}
	}
	errorLines = slices.DeleteFunc(errorLines, func(text string) bool { return text == "FPM initialization failed" })
	why := strings.Join(errorLines, "; ")
	if why == "" {
		why = fmt.Sprintf("its start fails with status %d", status)
	}
	if status == exitConfig {
		return refusal{errors.New(why)}
	}
	return errors.New(why)
}
