package master

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/output"
)

// comeToRest ends all that this program does, and returns what it leaves. Only the execution of a program can follow. What operators
// and signals order meanwhile is left to that program.
func (m *Master) comeToRest() *handoff.Handoff {
	m.resting = true
	outputs := m.former.outputs()
	for _, g := range m.generations() {
		for _, p := range g.pools {
			for _, c := range p.children {
				if c.output != nil {
					outputs = append(outputs, c.output)
				}
			}
		}
	}
	m.quiesce()
	for _, o := range outputs {
		o.Duplicate()
	}
	m.haltOutputs(outputs)
	m.endIncidentLog()
	m.control.Halt()
	m.handle()
	h := m.handOff()
	m.leaveParked(h)
	h.Order = int(lastOrder(m.signals))
	return h
}

// quiesce has all that reads what others say stop. What was read has been heeded then.
func (m *Master) quiesce() {
	for c := range m.hearing {
		c.Halt()
	}
	patience := time.NewTimer(quiescePatience)
	defer patience.Stop()
	for len(m.hearing) > 0 {
		select {
		case <-m.box.wake:
			m.handle()
		case <-patience.C:
			return
		}
	}
}

// quiescePatience is for goroutines that have nothing to wait for.
const quiescePatience = 2 * time.Second

// haltOutputs has nobody read any more what workers write. What was read has been logged then. The pipes are closed: the
// next program has descriptors of its own.
func (m *Master) haltOutputs(all []*output.Output) {
	for _, o := range all {
		o.Halt()
	}
	patience := time.NewTimer(quiescePatience)
	defer patience.Stop()
	for _, o := range all {
		for !o.HasEnded() {
			select {
			case <-m.box.wake:
				m.handle()
			case <-patience.C:
				return
			}
		}
	}
}

// lastOrder stops the notification of signals that are orders, and returns the one by which the service was told to end since the loop has last
// looked; 0: none. From now on such a signal ends the process, and the others are ignored until the program that is executed takes
// them: it has yet to read the configuration and to open its logs, which is what they ask for.
func lastOrder(ch chan os.Signal) (order syscall.Signal) {
	signal.Ignore(syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP)
	signal.Stop(ch)
	for {
		select {
		case s := <-ch:
			order = graver(order, s.(syscall.Signal))
		default:
			return order
		}
	}
}

// graver returns which of two signals ends the service sooner; 0: neither ends it.
func graver(a, b syscall.Signal) syscall.Signal {
	grave := func(s syscall.Signal) int {
		switch s {
		case syscall.SIGTERM, syscall.SIGINT:
			return 2
		case syscall.SIGQUIT:
			return 1
		}
		return 0
	}
	switch {
	case grave(b) > grave(a):
		return b
	case grave(a) > 0:
		return a
	}
	return 0
}
