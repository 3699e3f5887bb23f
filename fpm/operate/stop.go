package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// findTimeout is how long a master that is looked at may take to answer.
const findTimeout = 5 * time.Second

// Stop ends the service and waits until its master has ended: after its current requests, for which process_control_timeout
// is the limit if it is set, or with now at once, as SIGTERM does. It returns the exit status.
func (o *Operator) Stop(now bool) int { return o.end("stop", o.stop(now)) }

func (o *Operator) stop(now bool) error {
	m, err := o.reach()
	if err != nil {
		return err
	}
	defer m.client.Close()
	// Whatever has the pid later, this is the process that answers now. Where the kernel cannot do that, the end of
	// the connection must do.
	process, err := unix.PidfdOpen(m.pid, 0)
	if err == nil {
		defer unix.Close(process)
	} else {
		process = -1
	}
	ctx, cancel := o.context()
	defer cancel()
	waits := &progress{o: o, of: m.String()}
	last, err := m.stopBy(ctx, control.Request{Command: control.Stop, Now: now}, process, func(a control.Answer) { waits.show(a) })
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failed(exitFailed, "%s has not ended within %v and is still stopping; --now does not wait for requests", m, o.Timeout)
	case err != nil:
		return err
	}
	if err := refusal(m, last); err != nil {
		return err
	}
	o.outcome.Aborted = waits.last.Cut
	o.say("stopped: %s is gone%s\n", m, waits.aborted())
	return nil
}

// stopBy asks a master to end and returns nil when it has, by its process's descriptor; -1: there is none. A connection that ends while
// the master lives was broken off by an upgrade, which may not have read the order: the program that runs then is asked.
func (m *master) stopBy(ctx context.Context, order control.Request, process int, hear func(control.Answer)) (control.Answer, error) {
	client := m.client
	for {
		last, err := client.Ask(ctx, order, hear)
		if client != m.client {
			client.Close()
		}
		if !errors.Is(err, control.ErrEnded) {
			return last, err
		}
		if ended, err := hasEnded(ctx, process); ended || err != nil {
			return last, err
		}
		client, err = control.Dial(m.pid)
		switch {
		case err == nil:
		case process < 0:
			return last, nil // nobody is there, as far as can be known
		default:
			return last, failed(exitFailed, "%s has closed the connection and is still running: %v; see its error log", m, err)
		}
		if client.User() != m.client.User() {
			client.Close()
			return last, failed(exitFailed, "%s has closed the connection, and another user's process answers in its place", m)
		}
	}
}

// aborted returns how many requests were aborted, as the end of a sentence.
func (p *progress) aborted() string {
	switch p.last.Cut {
	case 0:
		return ""
	case 1:
		return ", 1 request was aborted"
	}
	return fmt.Sprintf(", %d requests were aborted", p.last.Cut)
}

// endPatience is how long a master that has closed its connections may take to end.
const endPatience = time.Second

// hasEnded reports whether a process ends within endPatience, by its descriptor; -1: that cannot be known, and is false.
func hasEnded(ctx context.Context, process int) (bool, error) {
	for end := time.Now().Add(endPatience); time.Now().Before(end); {
		if process < 0 {
			return false, nil
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, 50)
		if err != nil && err != unix.EINTR {
			return false, err
		}
		if ready > 0 {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	return false, nil
}
