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

// escalation asks processes to end, first politely. Each step is a signal and how long it may take to have effect.
type escalation struct {
	sent     syscall.Signal // the last one; 0: none yet
	deadline time.Time      // of the next step; zero: none
	kills    int            // how many times KILL was sent
}

// next returns the signal that is due. patience is process_control_timeout.
func (e *escalation) next(now time.Time, first syscall.Signal, patience time.Duration) syscall.Signal {
	switch e.sent {
	case 0:
		e.sent = first
	case syscall.SIGQUIT:
		e.sent, patience = syscall.SIGTERM, time.Second
	default:
		e.sent, patience = syscall.SIGKILL, time.Second
		e.kills++
	}
	e.deadline = now.Add(patience)
	return e.sent
}

// due reports whether the next step is.
func (e *escalation) due(now time.Time) bool {
	return !e.deadline.IsZero() && !now.Before(e.deadline)
}

// first is the signal with which a state begins.
func (s state) first() syscall.Signal {
	if s == terminating {
		return syscall.SIGTERM
	}
	return syscall.SIGQUIT
}
