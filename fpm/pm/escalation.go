// Counterpart: sapi/fpm/fpm/fpm_process_ctl.c (fpm_pctl_action_next)

package pm

import (
	"syscall"
	"time"
)

// An Escalation asks processes to end, first politely. Each step is a signal and how long it may take to have effect.
type Escalation struct {
	Sent     syscall.Signal // the last one; 0: none yet
	Deadline time.Time      // of the next step; zero: none
	Kills    int            // how many times KILL was sent
}

// Next returns the signal that is due. first is the first one, and patience how long it has; later ones have a second.
func (e *Escalation) Next(now time.Time, first syscall.Signal, patience time.Duration) syscall.Signal {
	switch e.Sent {
	case 0:
		e.Sent = first
	case syscall.SIGQUIT:
		e.Sent, patience = syscall.SIGTERM, time.Second
	default:
		e.Sent, patience = syscall.SIGKILL, time.Second
		e.Kills++
	}
	e.Deadline = now.Add(patience)
	return e.Sent
}

// Due reports whether the next step is.
func (e *Escalation) Due(now time.Time) bool {
	return !e.Deadline.IsZero() && !now.Before(e.Deadline)
}
