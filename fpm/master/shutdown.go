// Counterpart: sapi/fpm/fpm/fpm_process_ctl.c (fpm_pctl, fpm_pctl_action_next)

package master

import (
	"syscall"
	"time"
)

// state is what the master is about. It only moves on, to a later one.
type state int

const (
	normal state = iota
	finishing
	terminating
)

func (s state) String() string {
	switch s {
	case finishing:
		return "finishing"
	case terminating:
		return "terminating"
	}
	return "normal"
}

// finish ends the service after the requests under way. With shutdown_delay it continues as before until that is over, and says that it is
// not ready; the second order to finish ends the wait.
func (m *Master) finish() {
	if delay := m.shutdownDelay(); m.state == normal && !m.isLeaving() && delay > 0 {
		m.finishAt = m.sys.now().Add(delay)
		m.cancelUpgrade()
		m.log.finishingIn(delay)
		m.systemd.Stopping()
		m.observers.News()
		return
	}
	m.log.finishing()
	m.stop(finishing)
}

// isLeaving reports whether the service continues only until shutdown_delay is over.
func (m *Master) isLeaving() bool { return !m.finishAt.IsZero() }

// shutdownDelay is the setting.
func (m *Master) shutdownDelay() time.Duration {
	if m.gen.plan == nil || m.gen.plan.Own == nil {
		return 0
	}
	return m.gen.plan.Own.ShutdownDelay
}

// cancelUpgrade has an upgrade that waits for its time not execute the new program.
func (m *Master) cancelUpgrade() {
	if m.attempt != nil && m.attempt.upgrade != nil {
		m.attempt.upgrade.cancel()
	}
}

// first is the signal with which a state begins.
func (s state) first() syscall.Signal {
	if s == terminating {
		return syscall.SIGTERM
	}
	return syscall.SIGQUIT
}
