package master

import (
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/startup"
)

// trialReport is what a program says that was tried.
type trialReport struct {
	Status  int // the exit status that its start would have had
	Lines   []string
	Engines []trialEngine
}

type trialEngine struct {
	Library string
	Said    startup.Messages
}

// endTrial has a worker of each pool begin, if all has come so far, tells how the trial went, and ends what it has started.
func (m *Master) endTrial(status int) int {
	if status == exitOK {
		if err := m.tryWorkers(); err != nil {
			m.taken.lines.add("ERROR: " + err.Error())
			status = exitSoftware
		}
	}
	report := trialReport{Status: status, Lines: m.taken.lines.lines}
	if m.gen != nil {
		for _, e := range m.gen.engines {
			report.Engines = append(report.Engines, trialEngine{e.choice.Library, e.said})
		}
	}
	if text, err := json.Marshal(report); err == nil {
		unix.Write(m.taken.h.Trial, text)
	}
	unix.Close(m.taken.h.Trial)
	m.taken.closeNew(&m.sockets)
	if m.gen != nil {
		m.endZygotes()
	}
	return status
}

// tryWorkers waits until a worker of each pool is ready, and ends them. They listen at sockets of their own, which nobody reaches. The
// master that tries this program ends it if that takes too long.
func (m *Master) tryWorkers() error {
	defer m.endTried()
	for _, p := range m.gen.pools {
		if p.conf.Handed {
			continue
		}
		s, err := listening.NewNameless()
		if err != nil {
			return err
		}
		defer s.Close()
		p.socket = s
	}
	for _, p := range m.gen.pools {
		m.fill(p, 1, true)
	}
	for {
		waits := false
		for _, p := range m.gen.pools {
			switch {
			case m.taken.failed != nil:
				return m.taken.failed
			case p.began > 0:
			case len(p.children) == 0:
				return fmt.Errorf("a worker of pool %s could not be forked", p.conf.Name)
			default:
				waits = true
			}
		}
		if !waits {
			return nil
		}
		select {
		case <-m.box.wake:
			m.handle()
		case <-m.children:
			m.reap()
		}
	}
}

// endTried ends the workers of a trial.
func (m *Master) endTried() {
	for _, e := range m.gen.engines {
		m.unbook(e)
	}
	m.state = terminating
	m.signalAll(m.gen, unix.SIGTERM)
	patience := time.NewTimer(quiescePatience)
	defer patience.Stop()
	for m.gen.running() > 0 {
		select {
		case <-m.box.wake:
			m.handle()
		case <-patience.C:
			return
		}
	}
}
